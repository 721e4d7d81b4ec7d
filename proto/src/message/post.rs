//! `call`: the coordinator posts calls.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use crate::codec::{Canonical, Reader, Writer};
use crate::limit::KEY_BYTES_MAX;
use crate::message::reply::bytes_as_bin;
use crate::{AttemptKey, Budget, CoordinatorId, Digest, Effect, InstanceId, ToolName};

/// Most bytes of an item beyond its texts and arguments (counted: 226, with all fields and the largest numbers).
const ITEM_BYTES: usize = 256;

/// What all calls of a message share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallHead {
    /// Who posts, and hears `free`.
    pub coordinator: CoordinatorId,
    /// The instance that the message was placed on; absent on a queue-group subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// The last beat of that instance that the sender saw (P13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// How many more calls the sender would place on this instance if it had the slots (P6).
    #[serde(default)]
    pub waiting: u32,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallItem {
    /// Which attempt this is.
    pub of: AttemptKey,
    /// The tool's name, as its worker gave it.
    pub tool: ToolName,
    /// The digest of the tool that the run froze; absent where a foreign client takes what there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What the coordinator takes the tool's effect to be. The stronger of this and the worker's own counts.
    pub effect: Effect,
    /// Time for the attempt, from arrival.
    pub budget_ms: Budget,
    /// The model's own JSON, byte for byte.
    #[serde(with = "bytes_as_bin")]
    pub arguments: Bytes,
    /// Idempotency key of at most [`KEY_BYTES_MAX`] bytes, if the caller gave one; tools otherwise derive theirs from the call's identity.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "bounded_key"
    )]
    pub key: Option<String>,
    /// W3C trace context of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Canonical for CallItem {
    fn read_canonical(from: &mut Reader<'_>, before: Option<&Self>) -> Option<Self> {
        let fields = from.map()?;
        from.expect(b"\xa2of")?;
        let of = AttemptKey::read_canonical(from)?;
        from.expect(b"\xa4tool")?;
        let tool = from.text()?;
        let tool = match before.filter(|before| before.tool.as_str() == tool) {
            Some(before) => before.tool.clone(),
            None => ToolName::new(tool).ok()?,
        };
        let mut digest = None;
        if from.takes(b"\xa6digest") {
            digest = Some(Digest::new(from.digest()?));
        }
        from.expect(b"\xa6effect")?;
        let effect = Effect::from_word(from.text()?);
        from.expect(b"\xa9budget_ms")?;
        let budget_ms = Budget::from_wire(from.uint()?);
        from.expect(b"\xa9arguments")?;
        let arguments = from.bytes()?;
        let mut key = None;
        if from.takes(b"\xa3key") {
            let text = from.text().filter(|key| key.len() <= KEY_BYTES_MAX)?;
            key = Some(text.to_owned());
        }
        let mut traceparent = None;
        if from.takes(b"\xabtraceparent") {
            traceparent = Some(from.text()?.to_owned());
        }
        let item = Self {
            of,
            tool,
            digest,
            effect,
            budget_ms,
            arguments,
            key,
            traceparent,
        };
        (usize::from(item.fields()) == fields).then_some(item)
    }

    fn room(&self) -> usize {
        let texts = [self.of.id.as_str(), self.tool.as_str()];
        let optional = [&self.key, &self.traceparent].into_iter().flatten();
        ITEM_BYTES
            + self.arguments.len()
            + texts.map(str::len).iter().sum::<usize>()
            + optional.map(String::len).sum::<usize>()
    }

    fn write_canonical(&self, to: &mut Writer<'_>) -> bool {
        to.map(self.fields());
        to.raw(b"\xa2of");
        self.of.write_canonical(to);
        to.raw(b"\xa4tool");
        to.text(self.tool.as_str());
        if let Some(digest) = &self.digest {
            to.raw(b"\xa6digest");
            to.digest(digest.as_bytes());
        }
        to.raw(b"\xa6effect");
        to.text(self.effect.as_str());
        to.raw(b"\xa9budget_ms");
        to.uint(self.budget_ms.wire());
        to.raw(b"\xa9arguments");
        to.bytes(&self.arguments);
        if let Some(key) = &self.key {
            to.raw(b"\xa3key");
            to.text(key);
        }
        if let Some(traceparent) = &self.traceparent {
            to.raw(b"\xabtraceparent");
            to.text(traceparent);
        }
        true
    }
}

impl CallItem {
    /// The number of its fields on the wire.
    fn fields(&self) -> u8 {
        5 + u8::from(self.digest.is_some())
            + u8::from(self.key.is_some())
            + u8::from(self.traceparent.is_some())
    }
}

fn bounded_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let key = Option::<String>::deserialize(deserializer)?;
    match key {
        Some(key) if key.len() > KEY_BYTES_MAX => Err(serde::de::Error::custom(format_args!(
            "the idempotency key has {} bytes, more than the {KEY_BYTES_MAX} that are allowed",
            key.len()
        ))),
        key => Ok(key),
    }
}
