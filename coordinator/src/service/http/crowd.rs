//! What is served when there are as many connections as are taken: probes, so that nobody takes a service that
//! is busy for one that is dead.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::service::refusal::Refusal;

/// Connections beside `connections_max`. Chosen, not measured: the kubelet, a scraper and a balancer hold one each,
/// and clients that find no room are told so in a whole answer.
pub(super) const ROOM: usize = 64;
/// Time for the head of a request of such a connection, and as much again for its answer.
pub(super) const TIME: Duration = Duration::from_secs(2);

/// What machines ask all the time.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Marks the requests of a connection for which there was no room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crowded;

/// Whether a machine asks how the service is.
pub(super) fn is_probe(request: &Request) -> bool {
    PROBES.contains(&request.uri().path())
}

/// Answers probes alone where there is no room.
pub(super) async fn probes_alone(request: Request, next: Next) -> Response {
    let is_crowded = request.extensions().get::<Crowded>().is_some();
    if is_crowded && !is_probe(&request) {
        return Refusal::Crowded.into_response();
    }
    next.run(request).await
}
