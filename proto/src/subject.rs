//! The subjects of the wire: the only place that builds or parses one.
//!
//! `cb.v1.` and then: `call.{tenant}.{tool}` (queue group) · `worker.{tenant}.{pool}.{instance}.{verb}` ·
//! `beat.{tenant}.{pool}.{instance}` · `reply.{tenant}.{coordinator}.{token}` ·
//! `coordinator.{tenant}.{coordinator}.echo` · `replica.{tenant}.{replica}.{ask|beat|answer.…}`.

use std::fmt::Write as _;

use uuid::Uuid;
use uuid::fmt::Simple;

use crate::{CoordinatorId, InstanceId, Kind, Pool, Tenant, Token, ToolName};

/// The prefix of all subjects of this protocol version.
pub const PREFIX: &str = "cb.v1";
/// The queue group in which workers share `call.{tenant}.{tool}`.
pub const QUEUE_GROUP: &str = "callboard";

/// The name of the NATS micro service that every worker runs.
pub const SERVICE_NAME: &str = "callboard-worker";
/// Where a coordinator asks who is there (P10), naming a reply subject of its own.
pub const DISCOVER: &str = "$SRV.INFO.callboard-worker";
/// The metadata key of a worker's micro service under which its announcement stands, as JSON.
pub const METADATA_ANNOUNCE: &str = "callboard";
/// The metadata key of a worker's micro service under which its tenant stands.
pub const METADATA_TENANT: &str = "callboard_tenant";

/// All subjects by which micro services are asked.
pub const SERVICE_ALL: &str = "$SRV.>";

/// What a message on a worker's own subject asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Execute calls.
    Call,
    /// Let waiting writes run.
    Grant,
    /// End attempts.
    Cancel,
    /// Say what is held of attempts, or which tools are on offer.
    Status,
    /// Take no more calls, finish, go.
    Drain,
}

impl Verb {
    /// The verb as the subject spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Grant => "grant",
            Self::Cancel => "cancel",
            Self::Status => "status",
            Self::Drain => "drain",
        }
    }

    /// Reads a verb as a subject spells it.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        match token {
            "call" => Some(Self::Call),
            "grant" => Some(Self::Grant),
            "cancel" => Some(Self::Cancel),
            "status" => Some(Self::Status),
            "drain" => Some(Self::Drain),
            _ => None,
        }
    }

    /// The verb under which a kind is sent to an instance, if it is sent to one.
    #[must_use]
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Call => Some(Self::Call),
            Kind::Grant => Some(Self::Grant),
            Kind::Cancel => Some(Self::Cancel),
            Kind::Status | Kind::Describe => Some(Self::Status),
            Kind::Drain => Some(Self::Drain),
            Kind::Ack
            | Kind::Result
            | Kind::Progress
            | Kind::Free
            | Kind::Refusal
            | Kind::Tools
            | Kind::Beat
            | Kind::Announce => None,
        }
    }
}

/// `call.{tenant}.{tool}`: single calls to whoever offers the tool.
#[must_use]
pub fn call(tenant: &Tenant, tool: &ToolName) -> String {
    format!("{PREFIX}.call.{tenant}.{}", tool_token(tool))
}

/// `worker.{tenant}.{pool}.{instance}.{verb}`: one verb of one instance.
#[must_use]
pub fn worker(tenant: &Tenant, pool: &Pool, instance: InstanceId, verb: Verb) -> String {
    let mut room = HEX;
    let instance = hex(instance.uuid(), &mut room);
    let tenant = tenant.as_str();
    [
        PREFIX,
        "worker",
        tenant,
        pool.as_str(),
        instance,
        verb.as_str(),
    ]
    .join(".")
}

/// `worker.{tenant}.{pool}.{instance}.*`: all verbs of one instance, in one subscription, so that a
/// cancel can't overtake its call.
#[must_use]
pub fn worker_all(tenant: &Tenant, pool: &Pool, instance: InstanceId) -> String {
    format!("{PREFIX}.worker.{tenant}.{pool}.{instance}.*")
}

/// `worker.{tenant}.{pool}.*.*`: all verbs of all instances of a pool.
#[must_use]
pub fn worker_pool(tenant: &Tenant, pool: &Pool) -> String {
    format!("{PREFIX}.worker.{tenant}.{pool}.*.*")
}

/// `worker.{tenant}.*.*.{verb}`: one verb of all instances of a tenant.
#[must_use]
pub fn worker_verb_all(tenant: &Tenant, verb: Verb) -> String {
    format!("{PREFIX}.worker.{tenant}.*.*.{}", verb.as_str())
}

/// `call.{tenant}.*`: single calls for any tool.
#[must_use]
pub fn call_all(tenant: &Tenant) -> String {
    format!("{PREFIX}.call.{tenant}.*")
}

/// `beat.{tenant}.{pool}.*`: all beats of a pool.
#[must_use]
pub fn beat_pool(tenant: &Tenant, pool: &Pool) -> String {
    format!("{PREFIX}.beat.{tenant}.{pool}.*")
}

/// `beat.{tenant}.{pool}.{instance}`: one instance's beats.
#[must_use]
pub fn beat(tenant: &Tenant, pool: &Pool, instance: InstanceId) -> String {
    format!("{PREFIX}.beat.{tenant}.{pool}.{instance}")
}

/// `beat.{tenant}.>`: all beats of a tenant.
#[must_use]
pub fn beat_all(tenant: &Tenant) -> String {
    format!("{PREFIX}.beat.{tenant}.>")
}

/// `reply.{tenant}.{coordinator}.{token}`: answers to one message.
#[must_use]
pub fn reply(tenant: &Tenant, coordinator: CoordinatorId, token: Token) -> String {
    let (mut first, mut second) = (HEX, HEX);
    let coordinator = hex(coordinator.uuid(), &mut first);
    let token = hex(token.uuid(), &mut second);
    [PREFIX, "reply", tenant.as_str(), coordinator, token].join(".")
}

/// Room for an id's hexadecimal form.
const HEX: [u8; Simple::LENGTH] = [0; Simple::LENGTH];

/// An id's hexadecimal form, as `Display` writes it; this is made for every message.
fn hex(id: Uuid, into: &mut [u8; Simple::LENGTH]) -> &str {
    id.as_simple().encode_lower(into)
}

/// `reply.{tenant}.{coordinator}.*`: all answers to one coordinator.
#[must_use]
pub fn reply_all(tenant: &Tenant, coordinator: CoordinatorId) -> String {
    format!("{PREFIX}.reply.{tenant}.{coordinator}.*")
}

/// `reply.{tenant}.*.*`: all answers to anybody of a tenant.
#[must_use]
pub fn reply_any(tenant: &Tenant) -> String {
    format!("{PREFIX}.reply.{tenant}.*.*")
}

/// Whether a reply subject that a message names is one of this tenant's: a worker publishes nowhere else.
#[must_use]
pub fn is_reply(tenant: &Tenant, subject: &str) -> bool {
    reply_parts(tenant, subject).is_some()
}

/// Whose reply subject this is and for which message; `None` for what [`reply`] never makes for
/// this tenant. Another spelling of the same ids is refused too: the answer would go elsewhere.
#[must_use]
pub fn reply_parts(tenant: &Tenant, subject: &str) -> Option<(CoordinatorId, Token)> {
    let [owner, coordinator, token] = split("reply", subject)?;
    if owner != tenant.as_str() {
        return None;
    }
    Some((
        CoordinatorId::new(uuid(coordinator)?),
        Token::new(uuid(token)?),
    ))
}

/// The token of a reply subject, if the subject is one. It trusts that the subject came in by the
/// coordinator's own subscription to [`reply_all`].
#[must_use]
pub fn reply_token(subject: &str) -> Option<Token> {
    let [_tenant, _coordinator, token] = split("reply", subject)?;
    uuid(token).map(Token::new)
}

/// The verb of a subject of one instance, if the subject is one. A worker compares it with
/// [`Verb::of`] the message's kind: permissions are given by subject.
#[must_use]
pub fn worker_verb(subject: &str) -> Option<Verb> {
    let [_tenant, _pool, _instance, verb] = split("worker", subject)?;
    Verb::from_token(verb)
}

/// Whose beat came on this subject; `None` for what [`beat`] never makes for this tenant. A
/// coordinator compares it with what the beat says: trust is per pool (P4).
#[must_use]
pub fn beat_parts(tenant: &Tenant, subject: &str) -> Option<(Pool, InstanceId)> {
    let [owner, pool, instance] = split("beat", subject)?;
    if owner != tenant.as_str() {
        return None;
    }
    Some((Pool::new(pool).ok()?, InstanceId::new(uuid(instance)?)))
}

/// The tool of a queue-group subject; `None` for what [`call`] never makes for this tenant. A worker
/// compares it with the tool that the call names: permissions are given by subject.
#[must_use]
pub fn call_tool(tenant: &Tenant, subject: &str) -> Option<ToolName> {
    let [owner, tool] = split("call", subject)?;
    (owner == tenant.as_str())
        .then(|| tool_from_token(tool))
        .flatten()
}

/// The tokens of `{PREFIX}.{family}.…`, if there are exactly as many as asked for.
fn split<'a, const N: usize>(family: &str, subject: &'a str) -> Option<[&'a str; N]> {
    let rest = subject
        .strip_prefix(PREFIX)?
        .strip_prefix('.')?
        .strip_prefix(family)?
        .strip_prefix('.')?;
    let mut tokens = [""; N];
    let mut found = 0;
    for token in rest.split('.') {
        *tokens.get_mut(found)? = token;
        found += 1;
    }
    (found == N).then_some(tokens)
}

/// An id in the one form that subjects carry: 32 lower-case hexadecimal digits.
fn uuid(token: &str) -> Option<uuid::Uuid> {
    let is_simple = token.len() == 32
        && token
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_simple.then(|| token.parse().ok()).flatten()
}

/// `replica.{tenant}.{replica}.ask`: what one replica of the HTTP service asks another, whose number is
/// written as 8 hexadecimal digits.
#[must_use]
pub fn replica_ask(tenant: &Tenant, replica: u32) -> String {
    format!("{PREFIX}.replica.{tenant}.{replica:08x}.ask")
}

/// `replica.{tenant}.{replica}.answer.{token}`: the answer to one question.
#[must_use]
pub fn replica_answer(tenant: &Tenant, replica: u32, token: Token) -> String {
    format!("{PREFIX}.replica.{tenant}.{replica:08x}.answer.{token}")
}

/// `replica.{tenant}.{replica}.answer.*`: all answers to one replica.
#[must_use]
pub fn replica_answer_all(tenant: &Tenant, replica: u32) -> String {
    format!("{PREFIX}.replica.{tenant}.{replica:08x}.answer.*")
}

/// Whose answer subject this is and for which question; `None` for what [`replica_answer`] never makes
/// for this tenant.
#[must_use]
pub fn replica_answer_parts(tenant: &Tenant, subject: &str) -> Option<(u32, Token)> {
    let [owner, replica, word, token] = split("replica", subject)?;
    if owner != tenant.as_str() || word != "answer" {
        return None;
    }
    Some((replica_number(replica)?, Token::new(uuid(token)?)))
}

/// `replica.{tenant}.>`: all that the replicas of a tenant's service say to each other.
#[must_use]
pub fn replica_all(tenant: &Tenant) -> String {
    format!("{PREFIX}.replica.{tenant}.>")
}

/// `replica.{tenant}.{replica}.beat`: a replica lives, or says that it goes.
#[must_use]
pub fn replica_beat(tenant: &Tenant, replica: u32) -> String {
    format!("{PREFIX}.replica.{tenant}.{replica:08x}.beat")
}

/// `replica.{tenant}.*.beat`: the beats of all replicas.
#[must_use]
pub fn replica_beat_all(tenant: &Tenant) -> String {
    format!("{PREFIX}.replica.{tenant}.*.beat")
}

/// Whose beat came on this subject; `None` for what [`replica_beat`] never makes for this tenant.
#[must_use]
pub fn replica_beat_parts(tenant: &Tenant, subject: &str) -> Option<u32> {
    let [owner, replica, word] = split("replica", subject)?;
    (owner == tenant.as_str() && word == "beat")
        .then(|| replica_number(replica))
        .flatten()
}

/// A replica's number in its one form: 8 lower-case hexadecimal digits.
fn replica_number(token: &str) -> Option<u32> {
    let number = u32::from_str_radix(token, 16).ok()?;
    (format!("{number:08x}") == token).then_some(number)
}

/// `coordinator.{tenant}.{coordinator}.echo`: a coordinator's word to itself (P14).
#[must_use]
pub fn echo(tenant: &Tenant, coordinator: CoordinatorId) -> String {
    format!("{PREFIX}.coordinator.{tenant}.{coordinator}.echo")
}

/// `coordinator.{tenant}.*.echo`: the echoes of all coordinators of a tenant.
#[must_use]
pub fn echo_all(tenant: &Tenant) -> String {
    format!("{PREFIX}.coordinator.{tenant}.*.echo")
}

/// The subjects by which an instance's micro service is asked, each for all verbs: everyone, its name,
/// itself.
#[must_use]
pub fn service_all(instance: InstanceId) -> [String; 3] {
    [
        "$SRV.*".to_owned(),
        format!("$SRV.*.{SERVICE_NAME}"),
        format!("$SRV.*.{SERVICE_NAME}.{instance}"),
    ]
}

/// `$SRV.PING.{service}.{instance}`: the subject by which an instance hears itself, to know that all
/// that it published before has reached the server.
#[must_use]
pub fn service_ping(instance: InstanceId) -> String {
    format!("$SRV.PING.{SERVICE_NAME}.{instance}")
}

/// `$SRV.PING.{service}.*`: the pings of all instances to themselves.
#[must_use]
pub fn service_ping_all() -> String {
    format!("$SRV.PING.{SERVICE_NAME}.*")
}

/// The verb of a micro service's subject: `PING`, `INFO`, `STATS` or what comes later.
#[must_use]
pub fn service_verb(subject: &str) -> Option<&str> {
    subject.strip_prefix("$SRV.")?.split('.').next()
}

/// A tool's name as a NATS token: letters, digits, `-` and `_` stay, every other byte becomes `=XX`
/// in upper-case hexadecimal, so no two names collide.
#[must_use]
pub fn tool_token(tool: &ToolName) -> String {
    let name = tool.as_str();
    let mut token = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            token.push(char::from(byte));
        } else {
            write!(token, "={byte:02X}").expect("writing to a String can't fail");
        }
    }
    token
}

/// The tool's name that a token stands for; `None` for what [`tool_token`] never makes.
#[must_use]
pub fn tool_from_token(token: &str) -> Option<ToolName> {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next()?, rest.next()?];
            let text = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(text, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let name = ToolName::new(String::from_utf8(bytes).ok()?).ok()?;
    (tool_token(&name) == token).then_some(name)
}
