//! `ack`, `result`, `progress`, `free`, `refusal`: what a worker says on a reply subject.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{Canonical, Reader, Writer};
use crate::content::Part;
use crate::effect::word;
use crate::limit::BUDGET_MAX;
use crate::{AttemptKey, Completed, Executed, Failure, FailureKind, GrantId, InstanceId, Outcome};

/// Most bytes of an ack beyond the call's id (counted: 130, with all fields and the largest numbers).
const ACK_BYTES: usize = 144;

/// Capacity as an instance sees it when it speaks to one coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Counts the instance's reports, so that an old one is known as such.
    pub seq: u64,
    /// All slots of the instance.
    pub slots: u32,
    /// Slots that this coordinator may take now (P6): not those that are held out to others.
    pub free: u32,
}

/// What all items of an `ack` or `result` share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyHead {
    /// Who answers (P2).
    pub instance: InstanceId,
    /// Its capacity.
    pub load: Load,
    /// Items of the answered message that could not be decoded, by position (P21).
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "crate::codec::grown"
    )]
    pub bad: Vec<BadItem>,
}

/// An item that could not be decoded. Nothing of it was executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadItem {
    /// Its position in the answered message, from 0.
    pub index: u32,
    /// Why.
    pub reason: String,
}

word!(
    /// What an instance holds of an attempt. An unknown word reads as [`AckState::Unknown`], which says nothing.
    AckState, safe = Unknown,
    /// It ended; its result comes in a `result` message or has come.
    Done = "done",
    /// It is executing.
    Running = "running",
    /// It holds a slot and waits for its grant.
    Waiting = "waiting",
    /// It was not taken: no slot. Binding, executed: no. A `free` is owed (P6).
    Busy = "busy",
    /// It was not taken: the message is older than its budget allows (P13). Binding, executed: no.
    Stale = "stale",
    /// It was not taken: the tool here has another digest (P10). Binding, executed: no.
    WrongDigest = "wrong_digest",
    /// It was not taken: the instance is draining. Binding, executed: no.
    Draining = "draining",
    /// It isn't held and never will be. Binding, executed: no (P16).
    NotHeld = "not_held",
    /// It may have been held; what became of it was evicted (P16).
    Forgotten = "forgotten",
    /// A newer peer's word.
    Unknown = "unknown",
);

impl AckState {
    /// Whether the word promises that the attempt has not entered the tool and never will.
    #[must_use]
    pub fn is_binding_no(self) -> bool {
        match self {
            Self::Busy | Self::Stale | Self::WrongDigest | Self::Draining | Self::NotHeld => true,
            Self::Done | Self::Running | Self::Waiting | Self::Forgotten | Self::Unknown => false,
        }
    }
}

/// What an instance holds of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckItem {
    /// The attempt.
    pub of: AttemptKey,
    /// Its state.
    pub state: AckState,
    /// The grant that it acted on, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// With [`AckState::Busy`]: whether the slots of the tool are taken, not those of the instance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tool_full: bool,
}

impl Canonical for AckItem {
    fn read_canonical(from: &mut Reader<'_>, _before: Option<&Self>) -> Option<Self> {
        let fields = from.map()?;
        from.expect(b"\xa2of")?;
        let of = AttemptKey::read_canonical(from)?;
        from.expect(b"\xa5state")?;
        let state = AckState::from_word(from.text()?);
        let mut grant = None;
        if from.takes(b"\xa5grant") {
            grant = Some(GrantId::new(from.uuid()?));
        }
        let tool_full = from.takes(b"\xa9tool_full\xc3");
        let item = Self {
            of,
            state,
            grant,
            tool_full,
        };
        (usize::from(item.fields()) == fields).then_some(item)
    }

    fn room(&self) -> usize {
        ACK_BYTES + self.of.id.as_str().len()
    }

    fn write_canonical(&self, to: &mut Writer<'_>) -> bool {
        to.map(self.fields());
        to.raw(b"\xa2of");
        self.of.write_canonical(to);
        to.raw(b"\xa5state");
        to.text(self.state.as_str());
        if let Some(grant) = self.grant {
            to.raw(b"\xa5grant");
            to.uuid(grant.uuid());
        }
        if self.tool_full {
            to.raw(b"\xa9tool_full\xc3");
        }
        true
    }
}

impl AckItem {
    /// The number of its fields on the wire.
    fn fields(&self) -> u8 {
        2 + u8::from(self.grant.is_some()) + u8::from(self.tool_full)
    }
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultItem {
    /// The attempt.
    pub of: AttemptKey,
    /// Its end. `executed` speaks of this attempt only; the coordinator derives the call's (P19).
    pub outcome: Outcome,
    /// Time from arrival to entering the tool (for a `write`, most of it is the wait for the grant).
    pub queued: Duration,
    /// Time inside the tool.
    pub executed: Duration,
}

/// The flat form on the wire: no enum encloses a result (P21).
#[derive(Serialize, Deserialize)]
struct WireResult<'a> {
    of: Cow<'a, AttemptKey>,
    #[serde(borrow)]
    status: &'a str,
    #[serde(
        default,
        skip_serializing_if = "is_empty",
        deserialize_with = "crate::codec::grown"
    )]
    content: Cow<'a, [Part]>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_error: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<FailureKind>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    message: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    executed: Option<Executed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(default)]
    queued_us: u64,
    #[serde(default)]
    executed_us: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_empty(parts: &[Part]) -> bool {
    parts.is_empty()
}

/// Bytes of a result of one text beyond the text and its id, about (counted: 148, with the largest numbers).
const ITEM_BYTES: usize = 160;
/// Parts of a result that room is made for at once.
const PARTS_ROOM: usize = 4;

const COMPLETED: &str = "completed";
const FAILED: &str = "failed";

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Serialize for ResultItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut wire = WireResult {
            of: Cow::Borrowed(&self.of),
            status: COMPLETED,
            content: Cow::Borrowed(&[]),
            is_error: false,
            kind: None,
            message: None,
            executed: None,
            retry_after_ms: None,
            queued_us: micros(self.queued),
            executed_us: micros(self.executed),
        };
        match &self.outcome {
            Outcome::Completed(completed) => {
                wire.content = Cow::Borrowed(&completed.content);
                wire.is_error = completed.is_error;
            }
            Outcome::Failed(failure) => {
                wire.status = FAILED;
                wire.kind = Some(failure.kind);
                wire.message = Some(&failure.message);
                wire.executed = Some(failure.executed);
                wire.retry_after_ms = failure
                    .retry_after
                    .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            }
        }
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ResultItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = WireResult::deserialize(deserializer)?;
        let outcome = if wire.status == COMPLETED {
            Outcome::Completed(Completed {
                content: wire.content.into_owned(),
                is_error: wire.is_error,
            })
        } else {
            // Any other status, a newer peer's too, is a failure (P22).
            Outcome::Failed(Failure {
                kind: wire.kind.unwrap_or(FailureKind::Internal),
                message: wire.message.unwrap_or_default().to_owned(),
                executed: wire.executed.unwrap_or(Executed::Unknown),
                // Capped like a budget: it is added to a clock.
                retry_after: wire
                    .retry_after_ms
                    .map(|after| Duration::from_millis(after).min(BUDGET_MAX)),
            })
        };
        Ok(Self {
            of: wire.of.into_owned(),
            outcome,
            queued: Duration::from_micros(wire.queued_us),
            executed: Duration::from_micros(wire.executed_us),
        })
    }
}

impl Canonical for ResultItem {
    /// Of results that completed with texts; failures and files are rare.
    fn read_canonical(from: &mut Reader<'_>, _before: Option<&Self>) -> Option<Self> {
        let fields = from.map()?;
        from.expect(b"\xa2of")?;
        let of = AttemptKey::read_canonical(from)?;
        from.expect(b"\xa6status\xa9completed")?;
        let mut content = Vec::new();
        if from.takes(b"\xa7content") {
            let parts = from.list().filter(|parts| *parts > 0)?;
            content.reserve_exact(parts.min(PARTS_ROOM));
            for _ in 0..parts {
                content.push(Part::read_canonical(from)?);
            }
        }
        let is_error = from.takes(b"\xa8is_error\xc3");
        from.expect(b"\xa9queued_us")?;
        let queued = Duration::from_micros(from.uint()?);
        from.expect(b"\xabexecuted_us")?;
        let executed = Duration::from_micros(from.uint()?);
        (fields == 4 + usize::from(!content.is_empty()) + usize::from(is_error)).then_some(Self {
            of,
            outcome: Outcome::Completed(Completed { content, is_error }),
            queued,
            executed,
        })
    }

    fn room(&self) -> usize {
        ITEM_BYTES + self.of.id.as_str().len() + self.outcome.bytes()
    }

    fn write_canonical(&self, to: &mut Writer<'_>) -> bool {
        let Outcome::Completed(Completed { content, is_error }) = &self.outcome else {
            return false;
        };
        let parts = u8::try_from(content.len()).ok().filter(|parts| *parts < 16);
        let Some(parts) = parts.filter(|_| content.iter().all(Part::is_canonical)) else {
            return false;
        };
        to.map(4 + u8::from(parts > 0) + u8::from(*is_error));
        to.raw(b"\xa2of");
        self.of.write_canonical(to);
        to.raw(b"\xa6status\xa9completed");
        if parts > 0 {
            to.raw(b"\xa7content");
            to.list(parts);
            for part in content {
                part.write_canonical(to);
            }
        }
        if *is_error {
            to.raw(b"\xa8is_error\xc3");
        }
        to.raw(b"\xa9queued_us");
        to.uint(micros(self.queued));
        to.raw(b"\xabexecuted_us");
        to.uint(micros(self.executed));
        true
    }
}

/// What all progress of a message shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressHead {
    /// Who speaks.
    pub instance: InstanceId,
}

/// How far one attempt is (P23): the latest wins, at most four a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressItem {
    /// The attempt.
    pub of: AttemptKey,
    /// Percent done, 0 to 100, if the tool knows; what a peer puts higher reads as 100.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "percent"
    )]
    pub percent: Option<u8>,
    /// What the tool says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let percent = Option::<u64>::deserialize(deserializer)?;
    Ok(percent.map(|percent| u8::try_from(percent.min(100)).expect("100 fits")))
}

/// Slots that freed and are held out to one coordinator for a moment (P6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Free {
    /// Who speaks.
    pub instance: InstanceId,
    /// Its capacity; `load.free` is what this coordinator may take.
    pub load: Load,
}

word!(
    /// Why a whole message was not read. An unknown word reads as [`RefusalCode::Malformed`].
    RefusalCode, safe = Malformed,
    /// The protocol version is one that the worker doesn't speak.
    Version = "version",
    /// The kind is one that the worker doesn't know.
    Kind = "kind",
    /// The body or its head can't be decoded.
    Malformed = "malformed",
    /// The message names another instance (P2).
    Instance = "instance",
);

/// A whole message could not be read. Nothing of it was executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Who refuses.
    pub instance: InstanceId,
    /// Why.
    pub code: RefusalCode,
    /// Why, for people: what was found and what would have been read.
    pub message: String,
}

/// `Bytes` as MessagePack `bin`, copied once on the way in.
pub(super) mod bytes_as_bin {
    use super::{Deserialize, Deserializer, Serializer};
    use bytes::Bytes;

    pub(in crate::message) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(in crate::message) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        let bytes = <&serde_bytes::Bytes>::deserialize(deserializer)?;
        Ok(Bytes::copy_from_slice(bytes))
    }
}
