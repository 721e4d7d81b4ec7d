//! `/v1/runs`: begun, listed, looked at, cancelled.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use callboard_proto::RunId;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::App;
use super::input::{self, Asked, Asker, RunPath};
use super::problem::{Beginning, OfRun, Reading};
use crate::service::peers::{Answer, Ask, Target};
use crate::service::refusal::Refusal;
use crate::service::runs::{Begun, Kind, NewRun, Order, RunList, RunView, Status};
use crate::service::token::Caller;

/// How long one question for a run's end waits; it is asked again then.
const WAIT: Duration = Duration::from_secs(10);
/// Runs of a page where the client doesn't say.
const PAGE: usize = 50;
/// Runs of a page, at most.
const PAGE_MAX: usize = 500;
/// Says that a request was a repetition.
pub(super) const REPEATED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Names the trace of what was begun.
const TRACE_ID: HeaderName = HeaderName::from_static("callboard-trace-id");
/// Where that trace is shown.
const TRACE_URL: HeaderName = HeaderName::from_static("callboard-trace-url");

pub(super) const fn target(kind: Kind, run: RunId) -> Target {
    Target { kind, run }
}

/// How a run is begun.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Begin {
    /// Whether to answer when the run has ended.
    wait: Option<bool>,
}

/// Start a run
///
/// Answers at once; the run goes on whether or not the client stays. With an `Idempotency-Key` the
/// same request gives the same run for as long as it is kept.
#[utoipa::path(
    post, path = "/v1/runs", tag = "runs",
    request_body = NewRun,
    params(
        Begin,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat: 1 to 128 printable characters"),
        ("traceparent" = Option<String>, Header, description = "The span that the run belongs below (W3C Trace Context)"),
    ),
    responses(
        (status = 202, description = "The run has begun", body = RunView,
         headers(
             ("location" = String, description = "Where it is"),
             ("idempotency-replayed" = String, description = "`true` where an earlier request with this key began it"),
             ("callboard-trace-id" = String, description = "Its trace, where it is recorded"),
             ("callboard-trace-url" = String, description = "Where that trace is shown"),
         )),
        (status = 200, description = "The run has ended (`wait`), or was begun by an earlier request with this key", body = RunView,
         headers(
             ("location" = String, description = "Where it is"),
             ("idempotency-replayed" = String, description = "`true` where an earlier request with this key began it"),
             ("callboard-trace-id" = String, description = "Its trace, where it is recorded"),
             ("callboard-trace-url" = String, description = "Where that trace is shown"),
         )),
        (status = 410, description = "The replica that held the run is gone, and the run with it", body = super::problem::ErrorBody),
        Beginning,
    ),
)]
pub(super) async fn begin(
    State(app): State<App>,
    Asker(caller): Asker,
    Asked(begin): Asked<Begin>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    input::must_be(&headers, &["application/json"])?;
    let key = input::key(&headers)?;
    let body = input::body(&headers, body, &app.limits).await?;
    let wish: NewRun = input::json(&body)?;
    drop(body);
    let fingerprint = key.is_some().then(|| {
        // Of what is meant, so that spaces and the order of fields don't matter.
        let meant = serde_json::to_vec(&wish).expect("a wish is JSON");
        input::fingerprint(&[&meant])
    });
    let order = Order {
        run: app.runs.mint(),
        caller,
        key,
        fingerprint,
        trace: input::trace(&headers),
    };
    let begun = app.begin_run(order.clone(), wish).await?;
    let caller = &order.caller;
    let view = if begin.wait == Some(true) {
        finished(&app, caller, Kind::Run, begun.run).await?
    } else {
        look(&app, caller, Kind::Run, begun.run, Duration::ZERO).await?
    };
    let status = match view.status {
        Status::Running if !begun.is_repeated => StatusCode::ACCEPTED,
        Status::Ended if !begun.is_repeated && begin.wait != Some(true) => StatusCode::ACCEPTED,
        Status::Running | Status::Ended => StatusCode::OK,
    };
    let mut response = (status, Json(&view)).into_response();
    name_trace(&mut response, &view);
    let location = HeaderValue::from_str(&format!("/v1/runs/{}", view.id));
    response
        .headers_mut()
        .insert(LOCATION, location.expect("an id is a header"));
    mark(&mut response, begun);
    Ok(response)
}

/// Names the trace, so that who can't read the body, or gets one of a provider's, finds it.
pub(super) fn name_trace(response: &mut Response, view: &RunView) {
    if let Some(trace) = &view.trace_id {
        let trace = HeaderValue::from_str(trace).expect("hex digits are a header");
        response.headers_mut().insert(TRACE_ID, trace);
    }
    let url = view.trace_url.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(url)) = url {
        response.headers_mut().insert(TRACE_URL, url);
    }
}

/// Says that what was asked for was begun before.
pub(super) fn mark(response: &mut Response, begun: Begun) {
    if begun.is_repeated {
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(REPEATED, yes);
    }
}

impl App {
    /// Begins a run under its key, which no other replica may have given away.
    async fn begin_run(&self, order: Order, wish: NewRun) -> Result<Begun, Refusal> {
        let _starting = self.runs.starting(order.run);
        if let Some(begun) = self.cluster.claim(Kind::Run, &order).await? {
            return Ok(begun);
        }
        let begun = self.runs.begin(order.clone(), wish).await;
        if begun.as_ref().map(|begun| begun.run) != Ok(order.run) {
            self.cluster.release(Kind::Run, &order).await;
        }
        begun
    }
}

/// Waits for the end of a run, whoever holds it.
pub(super) async fn finished(
    app: &App,
    caller: &Caller,
    kind: Kind,
    run: RunId,
) -> Result<RunView, Refusal> {
    loop {
        let view = look(app, caller, kind, run, WAIT).await?;
        if view.status == Status::Ended {
            return Ok(view);
        }
    }
}

async fn look(
    app: &App,
    caller: &Caller,
    kind: Kind,
    run: RunId,
    wait: Duration,
) -> Result<RunView, Refusal> {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let ask = Ask::View(target(kind, run), wait_ms);
    let answer = app.cluster.of_run(caller, run, ask).await;
    answer.and_then(Answer::view)
}

/// Which runs are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those that run, or that have ended.
    #[param(inline)]
    status: Option<Status>,
    /// So many, at most; 50 where it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// Only those that began before this one: the `next` of the page before.
    before: Option<String>,
}

/// List runs
///
/// The latest first, of all replicas; those that have ended are kept for a while only.
#[utoipa::path(
    get, path = "/v1/runs", tag = "runs",
    params(Which),
    responses((status = 200, description = "Some of the runs", body = RunList), Reading),
)]
pub(super) async fn list(
    State(app): State<App>,
    Asker(caller): Asker,
    Asked(which): Asked<Which>,
) -> Result<Response, Refusal> {
    let limit = which.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Refusal::Query {
            why: format!("limit is {limit}, and may be 1 to {PAGE_MAX}"),
        });
    }
    let before = which.before.as_deref().map(|id| {
        id.parse::<RunId>().map_err(|_| Refusal::Query {
            why: "before is no id of a run".to_owned(),
        })
    });
    let list = app
        .cluster
        .list(&caller, before.transpose()?, which.status, limit)
        .await?;
    Ok(Json(&list).into_response())
}

/// Look at a run
#[utoipa::path(
    get, path = "/v1/runs/{id}", tag = "runs",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, description = "The run; with its report once it has ended", body = RunView), OfRun),
)]
pub(super) async fn show(
    State(app): State<App>,
    Asker(caller): Asker,
    RunPath(run): RunPath,
) -> Result<Response, Refusal> {
    let view = look(&app, &caller, Kind::Run, run, Duration::ZERO).await?;
    Ok(Json(&view).into_response())
}

/// Cancel a run
///
/// Answers at once. The run ends when all its calls are settled; its events say when.
#[utoipa::path(
    delete, path = "/v1/runs/{id}", tag = "runs",
    params(("id" = String, Path, description = "The run")),
    responses((status = 202, description = "The run will end, or has ended", body = RunView), OfRun),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    Asker(caller): Asker,
    RunPath(run): RunPath,
) -> Result<Response, Refusal> {
    let ask = Ask::Cancel(target(Kind::Run, run));
    let answer = app.cluster.of_run(&caller, run, ask).await;
    let view = answer.and_then(Answer::view)?;
    Ok((StatusCode::ACCEPTED, Json(&view)).into_response())
}

/// A value as JSON.
pub(super) struct Json<'a, T>(pub(super) &'a T);

impl<T: Serialize> axum::response::IntoResponse for Json<'_, T> {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(self.0).expect("what is told is JSON");
        let json = HeaderValue::from_static("application/json");
        ([(axum::http::header::CONTENT_TYPE, json)], body).into_response()
    }
}
