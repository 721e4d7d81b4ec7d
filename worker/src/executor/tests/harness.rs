//! An executor behind a link of the test's own, spoken to in encoded messages only.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callboard_proto::codec::{self, Batch};
use callboard_proto::message::{
    AckItem, Announce, Beat, CallHead, CallItem, CancelHead, CancelItem, GrantHead, GrantItem,
    ProgressHead, ProgressItem, ReplyHead, ResultItem,
};
use callboard_proto::{
    Attempt, AttemptKey, Budget, CoordinatorId, Effect, Epoch, Failure, GrantId, InstanceId, Kind,
    Manifest, Outcome, RunId, Token, ToolName, ToolSpec, ToolUseId, Turn,
};
use callboard_worker_core::ReplyTo;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::executor::{Ended, Executor, Handle, Options, ToolRuntime};
use crate::link::{Incoming, Link, Outgoing};
use crate::tool::{Tool, ToolCall, ToolResult, Tools, tool_fn};

pub(super) const COORDINATOR: CoordinatorId = CoordinatorId::new(Uuid::from_u128(7));
pub(super) const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// More than any test sends.
const CAPACITY: usize = 4096;

pub(super) struct TestLink {
    incoming: mpsc::Receiver<Incoming>,
    outgoing: mpsc::Sender<Outgoing>,
    announced: mpsc::Sender<Announce>,
}

impl Link for TestLink {
    fn send(&mut self, message: Outgoing) {
        self.outgoing
            .try_send(message)
            .expect("the test reads what is sent");
    }

    fn announce(&mut self, announce: Announce) {
        self.announced
            .try_send(announce)
            .expect("the test reads what is announced");
    }

    fn payload_bytes_max(&self) -> usize {
        PAYLOAD_BYTES_MAX
    }

    async fn receive(&mut self, into: &mut Vec<Incoming>) {
        match self.incoming.recv().await {
            Some(first) => into.push(first),
            None => std::future::pending().await,
        }
        while let Ok(next) = self.incoming.try_recv() {
            into.push(next);
        }
    }
}

pub(super) struct Worker {
    pub(super) handle: Handle,
    pub(super) instance: InstanceId,
    pub(super) running: JoinHandle<Ended<TestLink>>,
    to: mpsc::Sender<Incoming>,
    from: mpsc::Receiver<Outgoing>,
    announcements: mpsc::Receiver<Announce>,
    beats: VecDeque<Beat>,
    tokens: u128,
}

pub(super) fn options() -> Options {
    let mut options = Options::new("w1".parse().unwrap(), "shop".parse().unwrap()).with_slots(8);
    options.tool_runtime = ToolRuntime::Shared(tokio::runtime::Handle::current());
    options
}

pub(super) fn spec(name: &str, effect: Effect) -> ToolSpec {
    ToolSpec {
        name: name.parse().unwrap(),
        description: format!("The tool {name}."),
        input_schema: r#"{"type":"object"}"#.to_owned(),
        manifest: Manifest::new(effect),
    }
}

/// A `read` tool that takes any arguments.
pub(super) fn tool<F, B>(name: &str, body: F) -> Arc<dyn Tool>
where
    F: Fn(ToolCall) -> B + Send + Sync + 'static,
    B: Future<Output = ToolResult> + Send + 'static,
{
    tool_fn(
        spec(name, Effect::Read),
        move |_: serde_json::Value, call| body(call),
    )
    .into()
}

pub(super) fn attempt(id: &str) -> AttemptKey {
    AttemptKey {
        run: RunId::new(Uuid::from_u128(1)),
        turn: Turn(1),
        id: ToolUseId::new(id).unwrap(),
        attempt: Attempt(1),
        epoch: Epoch(0),
    }
}

/// A call of the tool of that name, with its id `{tool}-{number}`.
pub(super) fn item(tool: &str, number: u32, budget: Duration) -> CallItem {
    CallItem {
        of: attempt(&format!("{tool}-{number}")),
        tool: ToolName::new(tool).unwrap(),
        digest: None,
        effect: Effect::Read,
        budget_ms: Budget::new(budget),
        arguments: Bytes::from_static(b"{}"),
        key: None,
        traceparent: None,
    }
}

impl Worker {
    pub(super) fn of(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        Self::with(options(), tools)
    }

    pub(super) fn with(options: Options, tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let (to, incoming) = mpsc::channel(CAPACITY);
        let (outgoing, from) = mpsc::channel(CAPACITY);
        let instance = options.instance;
        let tools = Tools::new(tools).unwrap();
        let (announced, announcements) = mpsc::channel(CAPACITY);
        let link = TestLink {
            incoming,
            outgoing,
            announced,
        };
        let (executor, handle) = Executor::new(options, tools, link).unwrap();
        Self {
            handle,
            instance,
            running: tokio::spawn(executor.run()),
            to,
            from,
            announcements,
            beats: VecDeque::new(),
            tokens: 0,
        }
    }

    fn reply(&mut self) -> ReplyTo {
        self.tokens += 1;
        ReplyTo {
            coordinator: COORDINATOR,
            token: Token::new(Uuid::from_u128(self.tokens)),
        }
    }

    pub(super) fn send(&mut self, kind: Kind, body: Bytes) -> ReplyTo {
        let reply = self.reply();
        let message = Incoming::Request {
            reply: Some(reply),
            kind,
            body,
        };
        self.bring(message);
        reply
    }

    pub(super) fn bring(&mut self, message: Incoming) {
        self.to.try_send(message).unwrap();
    }

    pub(super) fn post(&mut self, items: &[CallItem]) -> ReplyTo {
        let head = CallHead {
            coordinator: COORDINATOR,
            instance: Some(self.instance),
            seen: None,
            waiting: 0,
        };
        self.send(Kind::Call, codec::encode_batch(&head, items))
    }

    pub(super) fn cancel(&mut self, of: AttemptKey) {
        let head = CancelHead {
            coordinator: COORDINATOR,
            instance: self.instance,
        };
        let item = CancelItem { of, seen: None };
        self.send(Kind::Cancel, codec::encode_batch(&head, &[item]));
    }

    pub(super) fn grant(&mut self, of: AttemptKey, budget: Duration) {
        let head = GrantHead {
            coordinator: COORDINATOR,
            instance: self.instance,
            seen: None,
        };
        let item = GrantItem {
            of,
            grant: GrantId::new(Uuid::from_u128(99)),
            budget_ms: Budget::new(budget),
        };
        self.send(Kind::Grant, codec::encode_batch(&head, &[item]));
    }

    /// The next announcement that replaces an earlier one.
    pub(super) async fn announced(&mut self) -> Announce {
        self.announcements.recv().await.expect("the worker lives")
    }

    /// The next message that is no beat.
    pub(super) async fn next(&mut self) -> (ReplyTo, Kind, Bytes) {
        loop {
            match self.from.recv().await.expect("the worker lives") {
                Outgoing::Reply { to, kind, body } => return (to, kind, body),
                Outgoing::Beat(body) => self.beats.push_back(codec::decode(&body).unwrap()),
            }
        }
    }

    /// The next message of this kind; others are passed over.
    pub(super) async fn next_of(&mut self, wanted: Kind) -> (ReplyTo, Bytes) {
        loop {
            let (to, kind, body) = self.next().await;
            if kind == wanted {
                return (to, body);
            }
        }
    }

    pub(super) async fn beat(&mut self) -> Beat {
        loop {
            if let Some(beat) = self.beats.pop_front() {
                return beat;
            }
            if let Outgoing::Beat(body) = self.from.recv().await.expect("the worker lives") {
                return codec::decode(&body).unwrap();
            }
        }
    }

    pub(super) async fn results(&mut self) -> Vec<ResultItem> {
        let (_, body) = self.next_of(Kind::Result).await;
        let batch: Batch<ReplyHead, ResultItem> = codec::decode_batch(&body).unwrap();
        assert_eq!(batch.head.instance, self.instance);
        batch.items.into_iter().map(Result::unwrap).collect()
    }

    /// The next result, which comes alone.
    pub(super) async fn outcome(&mut self) -> Outcome {
        let mut results = self.results().await;
        assert_eq!(results.len(), 1, "one result was expected: {results:?}");
        results.remove(0).outcome
    }

    /// The next result, which comes alone and is a failure.
    pub(super) async fn failure(&mut self) -> Failure {
        match self.outcome().await {
            Outcome::Failed(failure) => failure,
            Outcome::Completed(completed) => panic!("the tool answered: {completed:?}"),
        }
    }

    pub(super) async fn acks(&mut self) -> Vec<AckItem> {
        let (_, body) = self.next_of(Kind::Ack).await;
        let batch: Batch<ReplyHead, AckItem> = codec::decode_batch(&body).unwrap();
        batch.items.into_iter().map(Result::unwrap).collect()
    }

    pub(super) async fn progress(&mut self) -> (ReplyTo, ProgressItem) {
        let (to, body) = self.next_of(Kind::Progress).await;
        let mut batch: Batch<ProgressHead, ProgressItem> = codec::decode_batch(&body).unwrap();
        assert_eq!(batch.items.len(), 1);
        (to, batch.items.remove(0).unwrap())
    }
}

pub(super) fn encode<T: Serialize>(message: &T) -> Bytes {
    codec::encode(message)
}

/// Sets its flag when it is dropped, as a tool's future is.
pub(super) struct Dropped(pub(super) Arc<std::sync::atomic::AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}
