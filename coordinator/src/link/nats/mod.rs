//! The link by NATS: three subscriptions, one queue out, and no task between them and the caller.
//!
//! A message and its answers meet by the token in the reply subject, under one wildcard
//! subscription: the client library's own requests leak memory when nobody answers, and are slower.

mod judge;
mod reading;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_nats::Subscriber;
use async_nats::message::OutboundMessage;
use bytes::Bytes;
use callboard_coordinator_core::Undelivered;
use callboard_nats::connection::{Connection, Notice};
use callboard_nats::headers::{HEADER_BYTES_MAX, Headers};
use callboard_nats::outbox::{Outbox, Unsent};
use callboard_nats::signatures::Signer;
use callboard_nats::{message, subscribe};
use callboard_proto::server::{Denied, LinkError, ServerOptions};
use callboard_proto::subject::{self, Verb};
use callboard_proto::{CoordinatorId, Tenant, Token};
use futures_util::StreamExt as _;
use tokio::task::coop;

use self::judge::Judge;
use super::{Incoming, Link, Outgoing};

/// Most messages that one call of [`Link::receive`] takes from each subscription. Chosen, not measured.
const RECEIVED_MAX: usize = 1024;
/// How long [`NatsLink::close`] waits for what was sent to reach the server. Chosen, not measured.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A coordinator's connection to NATS.
#[derive(Debug)]
pub struct NatsLink {
    tenant: Tenant,
    coordinator: CoordinatorId,
    connection: Connection,
    outbox: Outbox<Option<Token>>,
    headers: Headers,
    signer: Option<Signer>,
    /// Who may answer; `None` where no signature is asked for.
    judge: Option<Judge>,
    replies: Subscriber,
    beats: Subscriber,
    echoes: Subscriber,
    /// The token under which services say who is there: unguessable, and one for all questions,
    /// because an announcement settles nothing.
    discovery: Token,
    /// Under which it speaks to itself.
    echo: String,
    /// What to give before anything is read.
    ready: VecDeque<Incoming>,
    /// The mark of a fence that is on its way to the server and back.
    fence: Option<Bytes>,
    /// The first permission that the server refused.
    denied: Option<Denied>,
}

impl NatsLink {
    /// Connects, subscribes, and returns when the server has taken the subscriptions.
    ///
    /// # Errors
    /// When no server answers, it is too old, refuses the login, or refuses a permission.
    pub async fn connect(
        options: &ServerOptions,
        tenant: Tenant,
        coordinator: CoordinatorId,
    ) -> Result<Self, LinkError> {
        let signer = Signer::open(options)?;
        let judge = Judge::open(&options.signing)?;
        let name = format!("callboard-coordinator {coordinator}");
        let connection = Connection::open(options, name).await?;
        let client = connection.client();
        let replies = subscribe(client, subject::reply_all(&tenant, coordinator)).await;
        let beats = subscribe(client, subject::beat_all(&tenant)).await;
        // Viewers share what they are answered under, and not what they say to themselves.
        let own = if coordinator == CoordinatorId::VIEWER {
            CoordinatorId::new(uuid::Uuid::new_v4())
        } else {
            coordinator
        };
        let echo = subject::echo(&tenant, own);
        let echoes = subscribe(client, echo.clone()).await;
        let mut link = Self {
            tenant,
            coordinator,
            outbox: Outbox::new(client.clone()),
            connection,
            headers: Headers::new(),
            signer,
            judge,
            replies,
            beats,
            echoes,
            echo,
            discovery: Token::new(uuid::Uuid::new_v4()),
            ready: VecDeque::new(),
            fence: None,
            denied: None,
        };
        link.fence(options.connection_timeout).await?;
        Ok(link)
    }

    /// Hands over what was sent, waits until the server has it, and disconnects. Answers that come
    /// meanwhile are lost.
    ///
    /// # Errors
    /// When the connection is down, or the server did not confirm within two seconds; the connection is closed all the same.
    pub async fn close(mut self) -> Result<(), LinkError> {
        // Nothing comes back over a connection that is down.
        let fenced = if self.connection.is_up() {
            self.fence(CLOSE_TIMEOUT).await
        } else {
            let servers = self.connection.servers().to_owned();
            Err(LinkError::Away { servers })
        };
        // An error says that the client is closed already.
        let _closed = self.connection.client().drain().await;
        fenced
    }

    /// Sends a message to itself and waits for it: what was sent before has then reached the server,
    /// which the client's `flush` doesn't promise.
    async fn fence(&mut self, within: Duration) -> Result<(), LinkError> {
        let mark = Bytes::copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        self.fence = Some(mark.clone());
        self.push(None, message(self.echo.clone(), None, mark));
        let mut into = Vec::new();
        let waited = tokio::time::timeout(
            within,
            poll_fn(|cx| {
                while self.poll_all(cx, &mut into) {}
                if self.fence.is_some() && self.denied.is_none() {
                    return Poll::Pending;
                }
                Poll::Ready(())
            }),
        )
        .await;
        self.fence = None;
        self.ready.extend(into);
        let servers = self.connection.servers().to_owned();
        if let Some(denied) = self.denied.take() {
            return Err(LinkError::Permission { servers, denied });
        }
        waited.map_err(|_elapsed| LinkError::Silent { servers, within })
    }

    /// Queues a message; what can't be queued is as undelivered as with a link that is down.
    fn push(&mut self, token: Option<Token>, message: OutboundMessage) {
        let refused = if self.connection.is_up() {
            self.outbox.push(token, message).err()
        } else {
            Some(token)
        };
        if let Some(Some(token)) = refused {
            self.ready
                .push_back(undelivered(token, Undelivered::LinkDown));
        }
    }

    /// Takes all that is there, up to the bounds; says whether a bound was met, so that there may be
    /// more. Every source that was emptied wakes the caller.
    fn poll_all(&mut self, cx: &mut Context<'_>, into: &mut Vec<Incoming>) -> bool {
        while let Poll::Ready(notice) = self.connection.poll_notice(cx) {
            self.take_notice(notice, into);
        }
        into.extend(self.ready.drain(..));
        if !self.outbox.is_empty() {
            self.hand_over(cx, into);
        }
        let discovery = self.discovery;
        let replies = take(&mut self.replies, cx, |message| {
            let refused = self
                .judge
                .as_mut()
                .and_then(|judge| judge.refuse(&message, discovery));
            match refused {
                Some(unsigned) => into.push(unsigned),
                None => into.extend(reading::reply(message, discovery)),
            }
        });
        let beats = take(&mut self.beats, cx, |message| {
            into.push(reading::beat(message, &self.tenant));
        });
        let echoes = take(&mut self.echoes, cx, |message| {
            if self.fence.as_ref() == Some(&message.payload) {
                self.fence = None;
            } else {
                into.push(reading::echo(&message));
            }
        });
        replies || beats || echoes
    }

    fn hand_over(&mut self, cx: &mut Context<'_>, into: &mut Vec<Incoming>) {
        if self.connection.is_up() {
            // Pending means that the client's queue is full: it wakes the caller when it isn't.
            let _is_empty = self.outbox.poll_hand_over(cx, |token, why| {
                let why = match why {
                    Unsent::TooLarge => Undelivered::TooLarge,
                    Unsent::Closed => Undelivered::LinkDown,
                };
                into.extend(token.map(|token| undelivered(token, why)));
            });
        } else {
            let tokens = self.outbox.take_back().flatten();
            into.extend(tokens.map(|token| undelivered(token, Undelivered::LinkDown)));
        }
    }

    fn take_notice(&mut self, notice: Notice, into: &mut Vec<Incoming>) {
        into.push(match notice {
            Notice::Down => Incoming::Down,
            Notice::Up => Incoming::Up,
            Notice::Denied(denied) => {
                let reason = denied.to_string();
                self.denied.get_or_insert(denied);
                Incoming::Refused { reason }
            }
            Notice::Refused(reason) => Incoming::Refused {
                reason: format!("{reason}; check the login, and the server's log"),
            },
            Notice::Dropped(count) => Incoming::Unreadable {
                reason: format!("{count} messages came faster than they were taken, and are lost"),
            },
        });
    }
}

impl Link for NatsLink {
    fn send(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::ToInstance {
                to,
                kind,
                token,
                body,
            } => {
                if body.len() > self.payload_bytes_max() {
                    self.ready
                        .push_back(undelivered(token, Undelivered::TooLarge));
                    return;
                }
                let Some(verb) = Verb::of(kind) else {
                    unreachable!("a coordinator sends no {kind} to an instance");
                };
                let mut message = message(
                    subject::worker(&self.tenant, &to.pool, to.instance, verb),
                    Some(subject::reply(&self.tenant, self.coordinator, token)),
                    body,
                );
                message.headers = Some(self.headers.of(kind));
                if let Some(signer) = &self.signer {
                    signer.sign(kind, &mut message);
                }
                if let Some(judge) = &mut self.judge {
                    judge.addressed(to);
                }
                self.push(Some(token), message);
            }
            Outgoing::Echo { seq } => {
                let body = Bytes::copy_from_slice(&seq.to_be_bytes());
                self.push(None, message(self.echo.clone(), None, body));
            }
            Outgoing::Discover => {
                let reply = subject::reply(&self.tenant, self.coordinator, self.discovery);
                let question = message(subject::DISCOVER.to_owned(), Some(reply), Bytes::new());
                self.push(None, question);
            }
        }
    }

    fn payload_bytes_max(&self) -> usize {
        self.connection
            .client()
            .max_payload()
            .saturating_sub(HEADER_BYTES_MAX)
            .saturating_sub(self.signer.as_ref().map_or(0, Signer::header_bytes))
    }

    async fn receive(&mut self, into: &mut Vec<Incoming>) {
        let before = into.len();
        poll_fn(|cx| {
            // One unit of the task's budget for all that is there: the client's channels would
            // take one for each message, and end a wide turn's batch at 128.
            let budget = ready!(coop::poll_proceed(cx));
            let mut all = pin!(coop::unconstrained(poll_fn(|cx| {
                while self.poll_all(cx, into) && into.len() == before {}
                Poll::Ready(())
            })));
            let _polled = all.as_mut().poll(cx);
            if into.len() == before {
                return Poll::Pending;
            }
            budget.made_progress();
            Poll::Ready(())
        })
        .await;
    }
}

fn undelivered(token: Token, why: Undelivered) -> Incoming {
    Incoming::Undelivered { token, why }
}

/// Takes what a subscription holds, up to [`RECEIVED_MAX`]; says whether that bound was met.
fn take(
    subscriber: &mut Subscriber,
    cx: &mut Context<'_>,
    mut each: impl FnMut(async_nats::Message),
) -> bool {
    for _ in 0..RECEIVED_MAX {
        // The end of a subscription is the end of the client, which the connection tells.
        let Poll::Ready(Some(message)) = subscriber.poll_next_unpin(cx) else {
            return false;
        };
        each(message);
    }
    true
}
