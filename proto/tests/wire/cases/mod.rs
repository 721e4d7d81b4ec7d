//! One message or more of every kind, in fixed values: what the golden files hold.

mod answers;
mod discovery;
mod requests;

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use callboard_proto::message::{Announce, CallItem, Load, ReplyHead, ToolDigest};
use callboard_proto::{
    Attempt, AttemptKey, Budget, CoordinatorId, Digest, Effect, Epoch, GrantId, InstanceId, Kind,
    Label, Pool, RunId, Tenant, Token, ToolName, ToolUseId, Turn, WorkerName, codec, subject,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Panics unless bytes read as a message.
type Check = Box<dyn Fn(&[u8])>;

/// One golden message.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) subject: String,
    pub(crate) about: &'static str,
    /// What our side writes.
    pub(crate) body: Bytes,
    /// Panics unless the bytes read as the value that was written.
    pub(crate) check: Check,
}

fn id(digit: u128) -> Uuid {
    Uuid::from_u128(digit * 0x1111_1111_1111_1111_1111_1111_1111_1111)
}

pub(crate) fn coordinator() -> CoordinatorId {
    CoordinatorId::new(id(1))
}

pub(crate) fn instance() -> InstanceId {
    InstanceId::new(id(2))
}

pub(crate) fn run() -> RunId {
    RunId::new(id(3))
}

pub(crate) fn token() -> Token {
    Token::new(id(4))
}

pub(crate) fn grant() -> GrantId {
    GrantId::new(id(5))
}

pub(crate) fn digest() -> Digest {
    let mut bytes = [0; 32];
    for (at, byte) in (0_u8..).zip(&mut bytes) {
        *byte = at;
    }
    Digest::new(bytes)
}

pub(crate) fn tenant() -> Tenant {
    Tenant::new("acme").unwrap()
}

pub(crate) fn pool() -> Pool {
    Pool::new("shop").unwrap()
}

fn worker() -> WorkerName {
    WorkerName::new("shop-1").unwrap()
}

fn tool(name: &str) -> ToolName {
    ToolName::new(name).unwrap()
}

fn ms(ms: u64) -> Budget {
    Budget::new(Duration::from_millis(ms))
}

pub(crate) fn of(turn: u32, tool_use: &str, attempt: u32) -> AttemptKey {
    AttemptKey {
        run: run(),
        turn: Turn(turn),
        id: ToolUseId::new(tool_use).unwrap(),
        attempt: Attempt(attempt),
        epoch: Epoch(0),
    }
}

fn load() -> Load {
    Load {
        seq: 71,
        slots: 16,
        free: 3,
    }
}

fn reply_head() -> ReplyHead {
    ReplyHead {
        instance: instance(),
        load: load(),
        bad: Vec::new(),
    }
}

pub(crate) fn call_item() -> CallItem {
    CallItem {
        of: of(2, "toolu_01", 1),
        tool: tool("order_get"),
        digest: Some(digest()),
        effect: Effect::Read,
        budget_ms: ms(9_980),
        arguments: Bytes::from_static(br#"{"order_id":17}"#),
        key: None,
        traceparent: None,
    }
}

fn announce(tools: Vec<ToolDigest>) -> Announce {
    Announce {
        instance: instance(),
        worker: worker(),
        pool: pool(),
        version: "0.1.0".to_owned(),
        slots: 16,
        catalogue: 1,
        payload_bytes_max: 1_048_576,
        labels: vec![Label::new("zone=eu-1").unwrap()],
        tools,
        down: Vec::new(),
    }
}

/// The announcement whose JSON is golden too.
pub(crate) fn announced() -> Announce {
    announce(vec![ToolDigest {
        name: tool("order_get"),
        digest: digest(),
    }])
}

fn to_worker(kind: Kind) -> String {
    let verb = subject::Verb::of(kind).unwrap();
    subject::worker(&tenant(), &pool(), instance(), verb)
}

fn to_coordinator() -> String {
    subject::reply(&tenant(), coordinator(), token())
}

fn single<T>(
    name: &'static str,
    kind: Kind,
    subject: String,
    about: &'static str,
    message: T,
) -> Case
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    Case {
        name,
        kind,
        subject,
        about,
        body: codec::encode(&message),
        check: Box::new(move |bytes| {
            assert_eq!(codec::decode::<T>(bytes).unwrap(), message, "{name}");
        }),
    }
}

fn batch<H, I>(
    name: &'static str,
    kind: Kind,
    subject: String,
    about: &'static str,
    head: H,
    items: Vec<I>,
) -> Case
where
    H: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
    I: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    Case {
        name,
        kind,
        subject,
        about,
        body: codec::encode_batch(&head, &items),
        check: Box::new(move |bytes| {
            let read = codec::decode_batch::<H, I>(bytes).unwrap();
            assert_eq!(read.head, head, "{name}");
            let read: Vec<&I> = read
                .items
                .iter()
                .map(|item| item.as_ref().unwrap())
                .collect();
            assert_eq!(read, items.iter().collect::<Vec<_>>(), "{name}");
        }),
    }
}

/// All golden messages.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = requests::cases();
    cases.extend(answers::cases());
    cases.extend(discovery::cases());
    cases
}
