//! `GET /v1/runs/{id}/events`: what happens in a run, as it happens, and again for who lost the line.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use callboard_proto::RunId;
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::IntoParams;

use super::App;
use super::input::{Asked, Asker, RunPath};
use super::problem::OfRun;
use super::sse;
use crate::service::peers::{Answer, Ask};
use crate::service::refusal::Refusal;
use crate::service::runs::{Events, Kind, Page};
use crate::service::token::Caller;

/// Events that are read at once.
const EVENTS_READ: usize = 256;
/// Time between two pages of one reader: a run that tells thousands of things a second isn't held up by waking
/// each reader for each of them. Chosen, not measured: nobody sees less.
const GATHER: Duration = Duration::from_millis(25);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The number of the last event that the client has; the header `Last-Event-ID` wins.
    after: Option<u64>,
}

/// Follow a run
///
/// Server-sent events: `id` is the event's number, `event` its type, `data` its JSON. Each is told once
/// and in order; who lost the line goes on with `Last-Event-ID`. Ends after `run_ended`. Where events
/// were asked for that are kept no longer, a `gap` says so. A comment comes as a sign of life.
#[utoipa::path(
    get, path = "/v1/runs/{id}/events", tag = "runs",
    params(
        ("id" = String, Path, description = "The run"),
        From,
        ("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9]{0,18}$",
         description = "The number of the last event that the client has; empty: it has none"),
    ),
    responses(
        (status = 200, description = "The events", content_type = "text/event-stream", body = sse::SseEvent),
        (status = 204, description = "The run is over and the client has all its events: don't reconnect"),
        (status = 429, description = "The token has as many event streams open as it may", body = super::problem::ErrorBody),
        OfRun,
    ),
)]
pub(super) async fn follow(
    State(app): State<App>,
    Asker(caller): Asker,
    RunPath(run): RunPath,
    Asked(from): Asked<From>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // As the description says: the numbers of JSON's readers end there, too.
    let is_number = |after: u64| i64::try_from(after).is_ok();
    if !from.after.is_none_or(is_number) {
        return Err(Refusal::Query {
            why: "after is no number of an event".to_owned(),
        });
    }
    let after = match headers.get(&LAST_EVENT_ID) {
        Some(id) => number(id.to_str().ok()).ok_or(Refusal::Header {
            name: "Last-Event-ID".to_owned(),
        })?,
        None => from.after.unwrap_or(0),
    };
    let permit = app.stream_permit(&caller)?;
    let reader = Reader {
        app,
        caller,
        kind: Kind::Run,
        run,
        after,
        _permit: permit,
    };
    // What can be refused is refused before the stream begins.
    let first = reader.read(0).await?;
    if first.is_last {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(sse::response(stream_of(reader, first, |_| None)))
}

/// A number as a client repeats it: as the description says, digits, or nothing for none.
fn number(text: Option<&str>) -> Option<u64> {
    let text = text?.trim();
    if text.is_empty() {
        return Some(0);
    }
    let is_number = text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

impl App {
    /// The permission to follow one more run.
    pub(super) fn stream_permit(&self, caller: &Caller) -> Result<OwnedSemaphorePermit, Refusal> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        // A token without a stream needs none of the room.
        let max = self.limits.streams_max;
        streams.retain(|name, open| *name == caller.name || open.available_permits() < max);
        let open = streams
            .entry(caller.name.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(max)));
        let permit = Arc::clone(open).try_acquire_owned();
        permit.map_err(|_| Refusal::TooMany { runs_max: max })
    }
}

/// Reads the events of one run at its own pace.
pub(super) struct Reader {
    pub(super) app: App,
    pub(super) caller: Arc<Caller>,
    pub(super) kind: Kind,
    pub(super) run: RunId,
    pub(super) after: u64,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// The next events; none where none came within the time.
    pub(super) async fn read(&self, wait_ms: u64) -> Result<Page, Refusal> {
        let wanted = Events {
            after: self.after,
            limit: EVENTS_READ,
            wait_ms,
        };
        let target = super::runs::target(self.kind, self.run);
        let ask = Ask::Events(target, wanted);
        let answer = self.app.cluster.of_run(&self.caller, self.run, ask).await;
        answer.and_then(Answer::events)
    }

    fn heartbeat_ms(&self) -> u64 {
        u64::try_from(self.app.limits.heartbeat.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The events of a run until it is over; `last` is added then.
pub(super) fn stream_of<F>(reader: Reader, first: Page, last: F) -> impl Stream<Item = Bytes> + Send
where
    F: FnOnce(&Reader) -> Option<Bytes> + Send + 'static,
{
    stream::unfold(Some((reader, Some(first), last)), |state| async move {
        let (mut reader, page, last) = state?;
        let page = match page {
            Some(page) => page,
            None => {
                // What happens close together is told together.
                tokio::time::sleep(GATHER).await;
                match reader.read(reader.heartbeat_ms()).await {
                    Ok(page) => page,
                    // The replica that held it is gone: the client learns why when it comes back.
                    Err(_refusal) => return None,
                }
            }
        };
        if page.is_last {
            return last(&reader).map(|bytes| (bytes, None));
        }
        let (mut bytes, after) = write(&page, reader.after);
        reader.after = after;
        if page.entries.iter().any(|told| told.name == "run_ended") {
            // Who holds the run may be gone now: nothing more is asked of it.
            if let Some(more) = last(&reader) {
                bytes = [bytes, more].concat().into();
            }
            return Some((bytes, None));
        }
        Some((bytes, Some((reader, None, last))))
    })
}

/// Writes a page; gives the number of its last event.
fn write(page: &Page, mut after: u64) -> (Bytes, u64) {
    let mut text = String::new();
    if let Some(first_kept) = page.first_kept {
        let data = serde_json::json!({"type": "gap", "after": after, "first_kept": first_kept});
        after = first_kept - 1;
        sse::event(&mut text, Some(after), "gap", &data.to_string());
    }
    for told in &page.entries {
        sse::event(&mut text, Some(told.seq), &told.name, &told.data);
        after = told.seq;
    }
    if text.is_empty() {
        return (sse::HEARTBEAT, after);
    }
    (Bytes::from(text), after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_log::Told;

    #[test]
    fn a_page_is_written_with_its_numbers_and_a_gap_is_told() {
        let data = r#"{"seq":7,"at_ms":1.5,"type":"model_asked","turn":2}"#;
        let entry = Told {
            seq: 7,
            name: "model_asked".into(),
            data: data.into(),
        };
        let page = Page {
            entries: vec![entry],
            first_kept: Some(7),
            is_last: false,
        };
        let (bytes, after) = write(&page, 3);
        assert_eq!(after, 7);
        insta::assert_snapshot!(String::from_utf8_lossy(&bytes));
        assert_eq!(write(&Page::default(), 7), (sse::HEARTBEAT, 7));
    }

    #[test]
    fn numbers_are_read_as_clients_repeat_them() {
        assert_eq!(number(Some("12")), Some(12));
        assert_eq!(number(Some("")), Some(0));
        for text in [None, Some("x"), Some("-1"), Some("1.0")] {
            assert_eq!(number(text), None);
        }
    }
}
