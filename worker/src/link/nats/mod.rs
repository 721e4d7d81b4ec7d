//! The link by NATS: one subscription for all that is said to this instance, one queue group for
//! each tool on offer, three for the micro service, and no task between them and the caller.

mod micro;
mod reading;
mod tools;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_nats::message::OutboundMessage;
use async_nats::{Message, Subscriber};
use bytes::Bytes;
use callboard_nats::connection::{Connection, Notice};
use callboard_nats::headers::{HEADER_BYTES_MAX, Headers};
use callboard_nats::outbox::Outbox;
use callboard_nats::signatures::{Keyring, Signer};
use callboard_nats::{message, subscribe};
use callboard_proto::message::Announce;
use callboard_proto::server::{Denied, LinkError, ServerOptions, Signing};
use callboard_proto::{InstanceId, Kind, Pool, Tenant, subject};
use futures_util::StreamExt as _;
use futures_util::stream::SelectAll;
use tokio::task::coop;

use self::micro::Micro;
use self::tools::ToolGroups;
use super::{Incoming, Link, Outgoing};

/// Most messages that one call of [`Link::receive`] takes from each source. Chosen, not measured.
const RECEIVED_MAX: usize = 1024;
/// How long [`NatsLink::close`] waits for what was sent to reach the server. Chosen, not measured.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A worker's connection to NATS.
#[derive(Debug)]
pub struct NatsLink {
    tenant: Tenant,
    pool: Pool,
    instance: InstanceId,
    connection: Connection,
    outbox: Outbox<()>,
    headers: Headers,
    signer: Option<Signer>,
    /// Whose calls are taken; `None` where no signature is asked for.
    coordinators: Option<Keyring>,
    requests: Subscriber,
    tools: ToolGroups,
    questions: SelectAll<Subscriber>,
    micro: Micro,
    /// What to give before anything is read.
    ready: VecDeque<Incoming>,
    /// The mark of a fence that is on its way to the server and back.
    fence: Option<Bytes>,
    /// The first permission that the server refused.
    denied: Option<Denied>,
}

impl NatsLink {
    /// Connects, subscribes for the instance and the tools that the announcement names, and returns
    /// when the server has taken the subscriptions. The announcement's `payload_bytes_max` is set to
    /// what the server says.
    ///
    /// # Errors
    /// When no server answers, it is too old, refuses the login, or refuses a permission.
    pub async fn connect(
        options: &ServerOptions,
        tenant: Tenant,
        announce: Announce,
    ) -> Result<Self, LinkError> {
        let signer = Signer::open(options)?;
        let coordinators = coordinators(&options.signing)?;
        let name = format!("callboard-worker {}", announce.worker);
        let connection = Connection::open(options, name).await?;
        let client = connection.client();
        let (pool, instance) = (announce.pool.clone(), announce.instance);
        let own = subject::worker_all(&tenant, &pool, instance);
        let requests = subscribe(client, own).await;
        let mut questions = SelectAll::new();
        for subject in subject::service_all(instance) {
            questions.push(subscribe(client, subject).await);
        }
        let mut link = Self {
            outbox: Outbox::new(client.clone()),
            headers: Headers::new(),
            signer,
            coordinators,
            requests,
            tools: ToolGroups::new(tenant.clone(), client.clone()),
            questions,
            micro: Micro::new(tenant.clone(), announce.clone()),
            ready: VecDeque::new(),
            fence: None,
            denied: None,
            tenant,
            pool,
            instance,
            connection,
        };
        link.announce(announce);
        poll_fn(|cx| link.tools.poll_join(cx)).await;
        link.fence(options.connection_timeout).await?;
        Ok(link)
    }

    /// Hands over what was sent, waits until the server has it, and disconnects. Requests that come
    /// meanwhile are lost: take back all tools and drain before.
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

    /// Pings its own micro service and waits for the ping: what was sent before has then reached the
    /// server, which the client's `flush` doesn't promise.
    async fn fence(&mut self, within: Duration) -> Result<(), LinkError> {
        let mark = Bytes::copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        self.fence = Some(mark.clone());
        self.push(message(subject::service_ping(self.instance), None, mark));
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

    /// Queues a message, or drops it while the link is down: status asks for it again (P16).
    fn push(&mut self, message: OutboundMessage) {
        if !self.connection.is_up() || self.outbox.push((), message).is_err() {
            self.micro.counts.unsent += 1;
        }
    }

    /// Takes all that is there, up to the bounds; says whether a bound was met, so that there may be
    /// more. Every source that was emptied wakes the caller.
    fn poll_all(&mut self, cx: &mut Context<'_>, into: &mut Vec<Incoming>) -> bool {
        while let Poll::Ready(notice) = self.connection.poll_notice(cx) {
            self.take_notice(notice, into);
        }
        into.extend(self.ready.drain(..));
        self.hand_over(cx);
        // Pending wakes the caller; it joins one group after the other.
        let _joined = self.tools.poll_join(cx);
        let before = into.len();
        let requests = self.take_requests(cx, into);
        let calls = self.take_calls(cx, into);
        let is_unreadable = |incoming: &&Incoming| matches!(incoming, Incoming::Unreadable { .. });
        self.micro.counts.unreadable += into[before..].iter().filter(is_unreadable).count();
        let questions = self.take_questions(cx);
        self.hand_over(cx);
        requests || calls || questions
    }

    fn take_requests(&mut self, cx: &mut Context<'_>, into: &mut Vec<Incoming>) -> bool {
        for _ in 0..RECEIVED_MAX {
            // The end of a subscription is the end of the client, which the connection tells.
            let Poll::Ready(Some(message)) = self.requests.poll_next_unpin(cx) else {
                return false;
            };
            self.micro.counts.requests += 1;
            let keys = self.coordinators.as_ref();
            into.push(reading::request(message, &self.tenant, keys));
        }
        true
    }

    fn take_calls(&mut self, cx: &mut Context<'_>, into: &mut Vec<Incoming>) -> bool {
        for _ in 0..RECEIVED_MAX {
            let Poll::Ready((tool, message)) = self.tools.poll_message(cx) else {
                return false;
            };
            self.micro.count_call(&tool);
            let keys = self.coordinators.as_ref();
            into.push(reading::call(message, &self.tenant, &tool, keys));
        }
        true
    }

    fn take_questions(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..RECEIVED_MAX {
            let Poll::Ready(Some(question)) = self.questions.poll_next_unpin(cx) else {
                return false;
            };
            self.take_question(&question);
        }
        true
    }

    fn take_question(&mut self, question: &Message) {
        if self.fence.as_ref() == Some(&question.payload) {
            self.fence = None;
            return;
        }
        let Some(reply) = &question.reply else {
            return;
        };
        if let Some(answer) = self.micro.answer(&question.subject, reply) {
            self.push(message(reply.to_string(), None, answer));
        }
    }

    fn hand_over(&mut self, cx: &mut Context<'_>) {
        if self.outbox.is_empty() {
            return;
        }
        let unsent = &mut self.micro.counts.unsent;
        if self.connection.is_up() {
            // Pending means that the client's queue is full: it wakes the caller when it isn't.
            let _is_empty = self.outbox.poll_hand_over(cx, |(), why| {
                *unsent += 1;
                tracing::warn!(?why, "a message to a coordinator was not sent");
            });
        } else {
            *unsent += self.outbox.take_back().count();
        }
    }

    fn take_notice(&mut self, notice: Notice, into: &mut Vec<Incoming>) {
        into.push(match notice {
            Notice::Down => Incoming::Down,
            Notice::Up => Incoming::Up,
            // Somebody's inbox, chosen by who asked: its refusal says nothing of what this worker needs.
            Notice::Denied(denied) if micro::is_inbox(&denied.subject) => {
                self.micro.counts.unsent += 1;
                tracing::debug!(%denied, "an answer of the micro service was refused");
                return;
            }
            Notice::Denied(denied) => {
                let reason = denied.to_string();
                self.denied.get_or_insert(denied);
                Incoming::Refused { reason }
            }
            Notice::Refused(reason) => Incoming::LoginRefused {
                reason: format!("{reason}; check the login, and the server's log"),
            },
            Notice::Dropped(count) => {
                self.micro.counts.unreadable += usize::try_from(count).unwrap_or(usize::MAX);
                tracing::warn!(
                    count,
                    "messages came faster than they were taken, and are lost"
                );
                return;
            }
        });
    }
}

impl Link for NatsLink {
    fn send(&mut self, outgoing: Outgoing) {
        let (mut message, kind) = match outgoing {
            Outgoing::Reply { kind, body, .. } if body.len() > self.payload_bytes_max() => {
                self.micro.counts.unsent += 1;
                tracing::warn!(bytes = body.len(), %kind, "an answer is too large to be sent");
                return;
            }
            Outgoing::Reply { to, kind, body } => {
                let subject = subject::reply(&self.tenant, to.coordinator, to.token);
                self.micro.counts.answers += 1;
                (message(subject, None, body), kind)
            }
            Outgoing::Beat(body) => {
                let subject = subject::beat(&self.tenant, &self.pool, self.instance);
                (message(subject, None, body), Kind::Beat)
            }
        };
        message.headers = Some(self.headers.of(kind));
        if let Some(signer) = &self.signer {
            signer.sign(kind, &mut message);
        }
        self.push(message);
    }

    fn announce(&mut self, mut announce: Announce) {
        announce.payload_bytes_max = u64::try_from(self.payload_bytes_max()).unwrap_or(u64::MAX);
        let names = announce.tools.iter().map(|tool| tool.name.clone());
        self.tools.offer(names.collect());
        self.micro.announce(announce);
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
            // take one for each message, and end a wide batch at 128.
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

/// Whose calls are taken; `None` where no signature is asked for.
fn coordinators(signing: &Signing) -> Result<Option<Keyring>, LinkError> {
    if signing.require && signing.coordinators.is_empty() {
        return Err(LinkError::Signing {
            reason:
                "a worker with require = true and no coordinators would take no call; list them: \
                     coordinators = [\"U…\"]"
                    .to_owned(),
        });
    }
    signing
        .require
        .then(|| Keyring::new(&signing.coordinators))
        .transpose()
}
