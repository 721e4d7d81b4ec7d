//! What machines ask: is it alive, does it take work, what did it count.

use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::input::Asker;
use super::problem::Reading;
use super::runs::Json;

/// Whether the service takes work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Whether it does.
    ready: bool,
    /// Whether it ends and begins nothing new.
    draining: bool,
    /// Whether every link to workers is up.
    linked: bool,
}

/// Is it alive?
#[utoipa::path(
    get, path = "/healthz", tag = "operation", security(()),
    responses(
        (status = 200, description = "It is", content_type = "text/plain", body = String),
        (status = 403, description = "The Host header names another machine", body = super::problem::ErrorBody),
    ),
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Does it take work?
///
/// It does while the links to its workers are up and it wasn't told to end.
#[utoipa::path(
    get, path = "/readyz", tag = "operation", security(()),
    responses(
        (status = 200, description = "It does", body = Readiness),
        (status = 403, description = "The Host header names another machine", body = super::problem::ErrorBody),
        (status = 503, description = "It doesn't", body = Readiness),
    ),
)]
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let linked = app.runs.is_linked();
    let draining = app.runs.is_draining();
    let ready = linked && !draining;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = Readiness {
        ready,
        draining,
        linked,
    };
    (status, Json(&body)).into_response()
}

/// What was counted
///
/// OpenMetrics where `Accept` asks for it, else Prometheus' older text format. Series of a tenant are told to its
/// tokens, and to those that read the metrics of all.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "The metrics", content(
        (String = "text/plain"), (String = "application/openmetrics-text"),
    )), Reading),
)]
pub(super) async fn metrics(
    State(app): State<App>,
    Asker(caller): Asker,
    headers: HeaderMap,
) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    app.runs.refresh().await;
    let (kind, text) = app.runs.metrics().told_of(caller.metrics_of(), accept);
    ([(CONTENT_TYPE, kind)], text).into_response()
}

impl crate::service::runs::Runs {
    /// Whether every link to workers is up.
    fn is_linked(&self) -> bool {
        self.crews()
            .iter()
            .all(|(_, crew)| crew.dispatch.is_linked())
    }
}
