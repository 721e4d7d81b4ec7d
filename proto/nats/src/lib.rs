//! What the coordinator's and the worker's link to NATS have in common: the [`connection`] and what it
//! says of itself, the [`headers`] of every message and the [`signatures`] on some, the [`outbox`] in front of the client library; and a
//! [`probe`] that tells what a server allows. [`busy_poll`] is how both wait, on whatever link.
//!
//! Neither side may depend on the other; both depend on this. It knows no rule of the protocol.

pub mod busy_poll;
pub mod connection;
pub mod headers;
pub mod outbox;
pub mod probe;
pub mod signatures;

use async_nats::message::OutboundMessage;
use async_nats::{Client, Subject, Subscriber};
use bytes::Bytes;

/// A message without headers.
#[must_use]
pub fn message(subject: String, reply: Option<String>, payload: Bytes) -> OutboundMessage {
    OutboundMessage {
        subject: Subject::from(subject),
        reply: reply.map(Subject::from),
        payload,
        headers: None,
    }
}

/// Subscribes to a subject that this program made.
///
/// # Panics
/// When the subject isn't well-formed, or the client is closed.
pub async fn subscribe(client: &Client, subject: String) -> Subscriber {
    client
        .subscribe(subject)
        .await
        .expect("the subject is well-formed, and the client is open")
}
