//! The link within a process: the same messages, encoded by the same codec, over a [`Switchboard`]
//! instead of a server. A message costs one lock and one channel; no task stands between.

mod line;
mod switchboard;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use callboard_coordinator_core::Undelivered;
use callboard_proto::subject::Verb;
use callboard_proto::{CoordinatorId, Kind, Token};
use tokio::sync::mpsc;

pub use switchboard::{Instance, Port, Switchboard};

use self::line::Line;
use super::{Incoming, Link, Outgoing};

/// Largest message body, in bytes: what a NATS server takes unless it is told otherwise, so that a
/// program behaves alike when it moves to one.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;
/// Messages that wait for one coordinator before the newest are dropped, as by the NATS link.
/// Chosen, not measured.
const INBOX_MESSAGES_MAX: usize = 65_536;
/// Most messages that one call of [`Link::receive`] takes. Chosen, not measured.
const RECEIVED_MAX: usize = 1024;

/// A message as it comes out at an instance.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who hears the answers.
    pub coordinator: CoordinatorId,
    /// The token for the answers.
    pub token: Token,
    /// What the body is.
    pub kind: Kind,
    /// The encoded message.
    pub body: Bytes,
}

/// A coordinator's place at a [`Switchboard`]; dropping it leaves the place.
#[derive(Debug)]
pub struct LocalLink {
    coordinator: CoordinatorId,
    board: Switchboard,
    line: Arc<Line>,
    inbox: mpsc::Receiver<Incoming>,
    /// Changes of the line that were told.
    changes_told: u64,
    /// What to give before anything is read.
    ready: VecDeque<Incoming>,
}

impl LocalLink {
    fn poll_all(&mut self, cx: &mut Context<'_>, into: &mut Vec<Incoming>) {
        self.line.register(cx.waker());
        while self.changes_told < self.line.changes() {
            self.changes_told += 1;
            into.push(if Line::is_up_after(self.changes_told) {
                Incoming::Up
            } else {
                Incoming::Down
            });
        }
        let dropped = self.line.take_dropped();
        if dropped > 0 {
            into.push(Incoming::Unreadable {
                reason: format!(
                    "{dropped} messages came faster than they were taken, and are lost"
                ),
            });
        }
        into.extend(self.ready.drain(..));
        // Pending wakes the caller; the end can't come, because the switchboard holds a sender for
        // as long as this link lives.
        let _polled = self.inbox.poll_recv_many(cx, into, RECEIVED_MAX);
    }
}

impl Link for LocalLink {
    fn send(&mut self, message: Outgoing) {
        match message {
            Outgoing::ToInstance {
                to,
                kind,
                token,
                body,
            } => {
                assert!(
                    Verb::of(kind).is_some(),
                    "a coordinator sends no {kind} to an instance"
                );
                let posted = if !self.line.is_up() {
                    Err(Undelivered::LinkDown)
                } else if body.len() > PAYLOAD_BYTES_MAX {
                    Err(Undelivered::TooLarge)
                } else {
                    let request = Request {
                        coordinator: self.coordinator,
                        token,
                        kind,
                        body,
                    };
                    self.board.post(&to, request)
                };
                if let Err(why) = posted {
                    self.ready.push_back(Incoming::Undelivered { token, why });
                }
            }
            Outgoing::Echo { seq } => {
                self.board.deliver(self.coordinator, Incoming::Echo { seq });
            }
            Outgoing::Discover => self.board.discover(self.coordinator),
        }
    }

    fn is_local(&self) -> bool {
        true
    }

    fn payload_bytes_max(&self) -> usize {
        PAYLOAD_BYTES_MAX
    }

    async fn receive(&mut self, into: &mut Vec<Incoming>) {
        let before = into.len();
        poll_fn(|cx| {
            self.poll_all(cx, into);
            if into.len() == before {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }
}

impl Drop for LocalLink {
    fn drop(&mut self) {
        self.board.leave(self.coordinator);
    }
}
