//! What machines ask: is it alive, does it take work, what did it count.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
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
/// In Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "The counters", content_type = "text/plain", body = String), Reading),
)]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let text = app.runs.metrics().await;
    let prometheus = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, prometheus)], text).into_response()
}

impl crate::service::runs::Runs {
    /// Whether every link to workers is up.
    fn is_linked(&self) -> bool {
        self.crews()
            .iter()
            .all(|(_, crew)| crew.dispatch.is_linked())
    }

    async fn metrics(&self) -> String {
        let mut text = String::new();
        let mut put = |line: String| writeln!(text, "{line}").expect("memory can't fail");
        put("# HELP callboard_service_in_flight Runs and executions in flight.".to_owned());
        put("# TYPE callboard_service_in_flight gauge".to_owned());
        put(format!("callboard_service_in_flight {}", self.in_flight()));
        let mut counters = Vec::new();
        for (tenant, crew) in self.crews() {
            // A dispatcher that has ended counts no more.
            if let Ok(counted) = crew.dispatch.counters().await {
                counters.push((tenant, counted.named()));
            }
        }
        let names = counters.first().map(|(_, named)| named.clone());
        for (position, (name, _)) in names.unwrap_or_default().into_iter().enumerate() {
            put(format!("# TYPE callboard_dispatcher_{name}_total counter"));
            for (tenant, named) in &counters {
                let (_, count) = named[position];
                put(format!(
                    "callboard_dispatcher_{name}_total{{tenant=\"{tenant}\"}} {count}"
                ));
            }
        }
        text
    }
}
