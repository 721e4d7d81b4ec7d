//! Server-sent events, written.

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::Stream;

/// One event of a stream.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it describes what is written as text")]
pub(super) struct SseEvent {
    /// Its number, where it has one.
    id: Option<String>,
    /// Its type.
    event: String,
    /// Its JSON.
    data: String,
}

/// The media type.
pub(super) const MEDIA_TYPE: &str = "text/event-stream";
/// A sign of life.
pub(super) const HEARTBEAT: Bytes = Bytes::from_static(b": alive\n\n");

/// Appends one event. Data is JSON in one line.
pub(super) fn event(text: &mut String, id: Option<u64>, name: &str, data: &str) {
    if let Some(id) = id {
        writeln!(text, "id: {id}").expect("memory can't fail");
    }
    writeln!(text, "event: {name}").expect("memory can't fail");
    // A provider's own JSON may hold line breaks.
    for line in data.lines() {
        writeln!(text, "data: {line}").expect("memory can't fail");
    }
    text.push('\n');
}

/// A response that goes on for as long as there are events. Nothing is made before the client takes it.
pub(super) fn response(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    use futures_util::StreamExt as _;
    let body = Body::from_stream(events.map(Ok::<_, Infallible>));
    let headers = [
        (CONTENT_TYPE, MEDIA_TYPE),
        (CACHE_CONTROL, "no-cache"),
        // nginx would keep the events until it has a page of them.
        (
            axum::http::HeaderName::from_static("x-accel-buffering"),
            "no",
        ),
    ];
    (headers, body).into_response()
}
