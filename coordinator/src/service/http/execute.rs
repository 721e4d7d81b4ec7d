//! `POST /v1/execute`: one turn for somebody else's agent loop.

use std::num::{NonZeroU32, NonZeroU64};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use callboard_proto::RunId;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::events::{Reader, stream_of};
use super::input::{self, Asked, Asker};
use super::problem::Beginning;
use super::runs::{finished, mark, name_trace};
use super::sse;
use crate::provider::Format;
use crate::service::refusal::Refusal;
use crate::service::runs::{
    Begun, ExecuteOptions, ExecutionReport, Kind, Order, RunView, body as message_body,
};

/// How a message is executed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// The format of what comes in and goes out; `anthropic` where it is left out.
    #[param(inline)]
    provider: Option<Provider>,
    /// Time for all calls, in milliseconds.
    #[param(value_type = Option<u64>, minimum = 1)]
    deadline_ms: Option<NonZeroU64>,
    /// Time for each call, in milliseconds.
    #[param(value_type = Option<u64>, minimum = 1)]
    call_deadline_ms: Option<NonZeroU64>,
    /// Calls in flight at once, at most.
    #[param(value_type = Option<u32>, minimum = 1)]
    parallel: Option<NonZeroU32>,
    /// Whether to answer with the whole report (outcomes, attempts, times) around the messages.
    report: Option<bool>,
}

/// A format of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Responses API.
    Openai,
    /// OpenAI's Chat Completions.
    OpenaiChat,
    /// Gemini's `generateContent`.
    Gemini,
}

impl Provider {
    const fn format(self) -> Format {
        match self {
            Self::Anthropic => Format::Anthropic,
            Self::Openai => Format::Responses,
            Self::OpenaiChat => Format::Chat,
            Self::Gemini => Format::Gemini,
        }
    }
}

/// What a response to `execute` holds of its report.
#[derive(Deserialize)]
struct Messages {
    messages: Vec<Box<RawValue>>,
}

/// Execute an assistant message
///
/// The body is what a model sent: the bare message, the whole response, or its stream as it was recorded.
/// The answer is what the conversation goes on with after it, with exactly one result for each call:
/// one message for Anthropic and Gemini, a list of items or messages for the two OpenAI formats. With
/// `Accept: text/event-stream` progress is told as it happens, and the last event, `result`, holds the
/// report. A client that goes away ends the calls, unless an `Idempotency-Key` came: then the same
/// request gives the same results.
#[utoipa::path(
    post, path = "/v1/execute", tag = "execute",
    request_body(content((Object = "application/json"), (String = "text/event-stream"))),
    params(
        How,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat: 1 to 128 printable characters"),
        ("traceparent" = Option<String>, Header, description = "The span that the calls belong below (W3C Trace Context)"),
    ),
    responses(
        (status = 200, description = "The message or messages with all results; the report with `report=true`; events on request",
            content((serde_json::Value = "application/json"), (sse::SseEvent = "text/event-stream")),
            headers(
             ("idempotency-replayed" = String, description = "`true` where an earlier request with this key began it"),
             ("callboard-trace-id" = String, description = "Its trace, where it is recorded"),
             ("callboard-trace-url" = String, description = "Where that trace is shown"),
         )),
        (status = 410, description = "The replica that held the execution is gone", body = super::problem::ErrorBody),
        Beginning,
    ),
)]
pub(super) async fn execute(
    State(app): State<App>,
    Asker(caller): Asker,
    Asked(how): Asked<How>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    input::must_be(&headers, &["application/json", sse::MEDIA_TYPE])?;
    let key = input::key(&headers)?;
    let body = input::body(&headers, body, &app.limits).await?;
    let format = how.provider.map_or(Format::Anthropic, Provider::format);
    let fingerprint = key
        .is_some()
        .then(|| input::fingerprint(&[format.as_str().as_bytes(), &body]));
    let order = Order {
        run: app.runs.mint(),
        caller,
        key,
        fingerprint,
        trace: input::trace(&headers),
    };
    let options = ExecuteOptions {
        format,
        deadline: how.deadline_ms.map(input::ms),
        call_deadline: how.call_deadline_ms.map(input::ms),
        parallel_max: how.parallel.map(NonZeroU32::get),
    };
    let permit = if input::wants_events(&headers) {
        Some(app.stream_permit(&order.caller)?)
    } else {
        None
    };
    let begun = app.begin_execution(&order, options, &body).await?;
    drop(body);
    let waiting = Waiting::new(&app, &order, begun);
    let mut response = match permit {
        Some(permit) => {
            let reader = Reader {
                app: app.clone(),
                caller: order.caller,
                kind: Kind::Execution,
                run: begun.run,
                after: 0,
                _permit: permit,
            };
            told(reader, waiting).await?
        }
        None => {
            let view = finished(&app, &order.caller, Kind::Execution, begun.run).await?;
            waiting.told();
            let mut response = answered(format, how.report == Some(true), &view)?;
            name_trace(&mut response, &view);
            response
        }
    };
    mark(&mut response, begun);
    Ok(response)
}

/// The events of an execution, its result last.
async fn told(reader: Reader, waiting: Waiting) -> Result<Response, Refusal> {
    let first = reader.read(0).await?;
    let (app, caller) = (reader.app.clone(), reader.caller.clone());
    let run = reader.run;
    let events = stream_of(reader, first, |_| None);
    let result = stream::once(async move {
        let view = finished(&app, &caller, Kind::Execution, run).await;
        waiting.told();
        let mut text = String::new();
        match view.ok().and_then(|view| view.report) {
            Some(report) => sse::event(&mut text, None, "result", report.get()),
            // A fault of ours, or the replica that held it is gone.
            None => sse::event(&mut text, None, "lost", "{\"type\":\"lost\"}"),
        }
        Bytes::from(text)
    });
    Ok(sse::response(events.chain(result)))
}

/// The messages, or the report around them.
fn answered(format: Format, with_report: bool, view: &RunView) -> Result<Response, Refusal> {
    let report = view.report.as_ref().ok_or(Refusal::Internal)?;
    let body = if with_report {
        report.get().to_owned()
    } else {
        let read: Result<Messages, _> = serde_json::from_str(report.get());
        // There is no report of what a fault of ours ended.
        message_body(format, &read.map_err(|_| Refusal::Internal)?.messages)
    };
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((StatusCode::OK, json, body).into_response())
}

impl App {
    /// Begins an execution under its key, which no other replica may have given away.
    async fn begin_execution(
        &self,
        order: &Order,
        options: ExecuteOptions,
        body: &Bytes,
    ) -> Result<Begun, Refusal> {
        let _starting = self.runs.starting(order.run);
        if let Some(begun) = self.cluster.claim(Kind::Execution, order).await? {
            return Ok(begun);
        }
        let begun = self.runs.execute(order.clone(), options, body).await;
        if begun.as_ref().map(|begun| begun.run) != Ok(order.run) {
            self.cluster.release(Kind::Execution, order).await;
        }
        begun
    }
}

/// A client that waits for an execution without a key. When it goes away, nobody can ask for the
/// results any more, so the calls end; when it was told, they are kept no longer.
struct Waiting {
    app: App,
    run: Option<RunId>,
    is_told: bool,
}

impl Waiting {
    fn new(app: &App, order: &Order, begun: Begun) -> Self {
        Self {
            app: app.clone(),
            run: order.key.is_none().then_some(begun.run),
            is_told: false,
        }
    }

    fn told(mut self) {
        self.is_told = true;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        match self.run {
            Some(run) if self.is_told => self.app.runs.forget(run),
            Some(run) => self.app.runs.abandon(run),
            None => {}
        }
    }
}

/// The schema of the report, which the answer holds on request.
pub(super) type Report = ExecutionReport;
