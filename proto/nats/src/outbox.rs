//! Messages on their way to the client library, whose own queue may be full.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_nats::Client;
use async_nats::message::OutboundMessage;
use futures_util::Sink;

/// Most messages that wait. Chosen, not measured: a turn of 10,000 calls in single messages fits six times.
const MESSAGES_MAX: usize = 65_536;
/// Most bytes of bodies that wait: what a server itself keeps for one slow client.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// A bounded queue in front of the client; each message carries a tag by which its owner knows it.
#[derive(Debug)]
pub struct Outbox<T> {
    client: Client,
    queue: VecDeque<(T, OutboundMessage)>,
    bytes: usize,
}

/// Why a message was not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// It is larger than the server takes.
    TooLarge,
    /// The client is closed.
    Closed,
}

impl<T> Outbox<T> {
    /// An empty one.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            queue: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Takes a message.
    ///
    /// # Errors
    /// The tag, where the outbox is full.
    pub fn push(&mut self, tag: T, message: OutboundMessage) -> Result<(), T> {
        let bytes = self.bytes + message.payload.len();
        if self.queue.len() >= MESSAGES_MAX || bytes > BYTES_MAX {
            return Err(tag);
        }
        self.bytes = bytes;
        self.queue.push_back((tag, message));
        Ok(())
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes back all that was not handed over.
    pub fn take_back(&mut self) -> impl Iterator<Item = T> + '_ {
        self.bytes = 0;
        self.queue.drain(..).map(|(tag, _message)| tag)
    }

    /// Hands over what the client takes now; `Ready` when nothing is left. What it refuses goes to
    /// `unsent`.
    pub fn poll_hand_over(
        &mut self,
        cx: &mut Context<'_>,
        mut unsent: impl FnMut(T, Unsent),
    ) -> Poll<()> {
        let mut client = Pin::new(&mut self.client);
        while !self.queue.is_empty() {
            let is_open = match client.as_mut().poll_ready(cx) {
                Poll::Ready(result) => result.is_ok(),
                Poll::Pending => return Poll::Pending,
            };
            let Some((tag, message)) = self.queue.pop_front() else {
                break;
            };
            self.bytes -= message.payload.len();
            if !is_open {
                unsent(tag, Unsent::Closed);
                continue;
            }
            // The client looks at the size before all else, so a refusal keeps its place for the next.
            if let Err(error) = client.as_mut().start_send(message) {
                unsent(tag, refusal(error.kind()));
            }
        }
        Poll::Ready(())
    }
}

fn refusal(kind: async_nats::PublishErrorKind) -> Unsent {
    match kind {
        async_nats::PublishErrorKind::MaxPayloadExceeded => Unsent::TooLarge,
        async_nats::PublishErrorKind::InvalidSubject | async_nats::PublishErrorKind::Send => {
            Unsent::Closed
        }
    }
}
