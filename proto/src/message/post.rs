//! `call`: the coordinator posts calls.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use crate::limit::KEY_BYTES_MAX;
use crate::message::reply::bytes_as_bin;
use crate::{AttemptKey, Budget, CoordinatorId, Digest, Effect, InstanceId, ToolName};

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
