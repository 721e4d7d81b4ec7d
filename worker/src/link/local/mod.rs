//! The link within a process: the same messages, encoded by the same codec. The switchboard is the
//! coordinators' part; this side names what it needs of one, and a program that has both joins them.

mod line;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use callboard_proto::Kind;
use callboard_proto::message::Announce;
use tokio::sync::mpsc;

pub use callboard_worker_core::ReplyTo;

use self::line::Line;
use super::{Incoming, Link, Outgoing};

/// Largest message body, in bytes: what a NATS server takes unless it is told otherwise, so that a
/// program behaves alike when it moves to one.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;
/// Messages that wait for one instance before more are refused, as by the NATS link. Chosen, not measured.
const INBOX_MESSAGES_MAX: usize = 65_536;
/// Most messages that one call of [`Link::receive`] takes. Chosen, not measured.
const RECEIVED_MAX: usize = 1024;

/// The way from an instance to the coordinators; dropping it ends the connection.
pub trait Exit: Send + 'static {
    /// Passes an answer on, without waiting.
    fn answer(&self, to: ReplyTo, kind: Kind, body: Bytes);

    /// Passes an encoded beat on to all coordinators, without waiting.
    fn beat(&self, body: Bytes);

    /// Replaces what the instance says of itself.
    fn announce(&self, announce: &Announce);
}

/// The way from the coordinators to an instance.
#[derive(Clone, Debug)]
pub struct Entrance {
    inbox: mpsc::Sender<Incoming>,
    line: Arc<Line>,
}

impl Entrance {
    /// Takes a request without waiting; says whether there was room for it.
    #[must_use]
    pub fn deliver(&self, reply: ReplyTo, kind: Kind, body: Bytes) -> bool {
        let reply = Some(reply);
        self.inbox
            .try_send(Incoming::Request { reply, kind, body })
            .is_ok()
    }

    /// Tells the instance that its line went down or came up; two callers must not tell at once.
    pub fn line_changed(&self, is_up: bool) {
        self.line.set(is_up);
    }
}

/// Makes an instance's entrance, and what becomes a link when its exit is known.
#[must_use]
pub fn entrance() -> (Entrance, Unconnected) {
    let (sender, inbox) = mpsc::channel(INBOX_MESSAGES_MAX);
    let line = Arc::new(Line::default());
    let entrance = Entrance {
        inbox: sender,
        line: Arc::clone(&line),
    };
    (entrance, Unconnected { inbox, line })
}

/// A link that lacks its exit.
#[derive(Debug)]
pub struct Unconnected {
    inbox: mpsc::Receiver<Incoming>,
    line: Arc<Line>,
}

impl Unconnected {
    /// Adds the exit.
    #[must_use]
    pub fn connect(self, exit: impl Exit) -> LocalLink {
        LocalLink {
            exit: Box::new(exit),
            inbox: self.inbox,
            line: self.line,
            changes_told: 0,
        }
    }
}

/// A worker's end of a line to a switchboard.
pub struct LocalLink {
    exit: Box<dyn Exit>,
    inbox: mpsc::Receiver<Incoming>,
    line: Arc<Line>,
    /// Changes of the line that were told.
    changes_told: u64,
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
        // Pending wakes the caller, and so does the end: without a switchboard nothing comes any more.
        let _polled = self.inbox.poll_recv_many(cx, into, RECEIVED_MAX);
    }
}

impl Link for LocalLink {
    fn send(&mut self, message: Outgoing) {
        if !self.line.is_up() {
            return;
        }
        match message {
            Outgoing::Reply { to, kind, body } => {
                if body.len() > PAYLOAD_BYTES_MAX {
                    tracing::warn!(bytes = body.len(), %kind, "an answer is too large to be sent");
                } else {
                    self.exit.answer(to, kind, body);
                }
            }
            Outgoing::Beat(body) => self.exit.beat(body),
        }
    }

    fn announce(&mut self, announce: Announce) {
        self.exit.announce(&announce);
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

impl fmt::Debug for LocalLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLink")
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}
