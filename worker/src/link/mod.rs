//! The link to the coordinators: a port with two adapters, [`nats`] and [`local`].
//!
//! A link moves encoded messages and knows nothing of what they mean.

use bytes::Bytes;
use callboard_proto::Kind;
use callboard_proto::message::Announce;
use callboard_worker_core::ReplyTo;

pub mod local;
pub mod nats;

/// A message on its way to a coordinator.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// An answer.
    Reply {
        /// Where to.
        to: ReplyTo,
        /// What the body is.
        kind: Kind,
        /// The encoded message.
        body: Bytes,
    },
    /// An encoded beat, to everyone in the tenant.
    Beat(Bytes),
}

/// What a link brings.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// A message to this instance, or a single call from a queue group.
    Request {
        /// Where its answer goes; `None` where it named no subject that a worker may publish to.
        reply: Option<ReplyTo>,
        /// What the body is, as its header says.
        kind: Kind,
        /// The encoded message.
        body: Bytes,
    },
    /// A message to this instance whose header can't be read: another protocol version, an unknown
    /// kind. It is answered by a `refusal`.
    Unreadable {
        /// Where the refusal goes.
        reply: Option<ReplyTo>,
        /// Which header, for the refusal's code.
        code: callboard_proto::message::RefusalCode,
        /// What was found and what would have been read.
        reason: String,
    },
    /// The server refuses what this worker needs.
    Refused {
        /// The server's word, and the cure.
        reason: String,
    },
    /// The server refuses the login itself, at a reconnect or while connected; the connection goes on trying.
    LoginRefused {
        /// The server's word, and the cure.
        reason: String,
    },
    /// The connection is lost; nothing is handed to it until [`Incoming::Up`].
    Down,
    /// The connection is back.
    Up,
}

/// What connects a worker with its coordinators.
pub trait Link: Send + 'static {
    /// Takes a message; never waits. What can't be sent while the link is down is dropped: status
    /// asks for it again (P16).
    fn send(&mut self, message: Outgoing);

    /// Replaces what the instance says of itself at first contact, and joins and leaves the queue groups
    /// of its tools accordingly. Its identity and pool must be the same as before.
    fn announce(&mut self, announce: Announce);

    /// Largest message body that the link takes now, in bytes.
    fn payload_bytes_max(&self) -> usize;

    /// Whether the other side is in this process: who stays awake for it would only keep it from its core.
    fn is_local(&self) -> bool {
        false
    }

    /// Waits for at least one thing and appends all that is there at once, up to a bound.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is taken before it is appended.
    fn receive(&mut self, into: &mut Vec<Incoming>)
    -> impl std::future::Future<Output = ()> + Send;
}
