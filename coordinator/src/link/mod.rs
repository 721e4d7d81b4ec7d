//! The link to the workers: a port with two adapters, [`nats`] and [`local`].
//!
//! A link moves encoded messages and knows nothing of what they mean. It is polled by the one actor
//! that owns it and spawns no task between the server and that actor, because each wake-up of
//! another thread costs more than a call.

use bytes::Bytes;
use callboard_coordinator_core::{Address, Undelivered};
use callboard_proto::{Kind, Token};

pub mod local;
pub mod nats;

/// A message on its way to workers.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// To one instance.
    ToInstance {
        /// Where to.
        to: Address,
        /// What the body is.
        kind: Kind,
        /// The token for the answers.
        token: Token,
        /// The encoded message.
        body: Bytes,
    },
    /// To oneself (P14); comes back as [`Incoming::Echo`].
    Echo {
        /// Its number.
        seq: u64,
    },
    /// To everyone: who is there? Answers come as [`Incoming::Announce`] (P10).
    Discover,
}

impl Outgoing {
    /// Bytes of the encoded message.
    pub(crate) fn body_bytes(&self) -> usize {
        match self {
            Self::ToInstance { body, .. } => body.len(),
            Self::Echo { .. } | Self::Discover => 0,
        }
    }
}

/// What a link brings.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// An answer under a token.
    Reply {
        /// The token of the answered message.
        token: Token,
        /// What the body is.
        kind: Kind,
        /// The encoded message.
        body: Bytes,
    },
    /// A message did not reach its instance.
    Undelivered {
        /// The token of that message.
        token: Token,
        /// Why.
        why: Undelivered,
    },
    /// An encoded beat.
    Beat(Bytes),
    /// An encoded announcement.
    Announce(Bytes),
    /// An echo came back.
    Echo {
        /// Its number.
        seq: u64,
    },
    /// Something arrived that is no message of this protocol: counted and logged, nothing else.
    Unreadable {
        /// What was wrong with it.
        reason: String,
    },
    /// An answer without the signature that is asked for: dropped and counted.
    Unsigned {
        /// Who it speaks for, what was wrong with it, and the cure.
        reason: String,
        /// Whether it is the first of that instance, which is logged.
        is_first: bool,
    },
    /// The server refuses what this coordinator needs: no call can work until it is mended.
    Refused {
        /// The server's word, and the cure.
        reason: String,
    },
    /// The connection is lost; nothing is handed to it until [`Incoming::Up`].
    Down,
    /// The connection is back.
    Up,
}

/// What connects a coordinator with its workers.
pub trait Link: Send + 'static {
    /// Takes a message; never waits. What can't be sent comes back as [`Incoming::Undelivered`].
    fn send(&mut self, message: Outgoing);

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
