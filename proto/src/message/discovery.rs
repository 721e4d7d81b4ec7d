//! `beat`, `announce`, `describe`, `tools`: who is there and what they offer.

use serde::{Deserialize, Serialize};

use crate::codec::{DecodeError, malformed};
use crate::limit::BODY_BYTES_MAX;
use crate::message::Load;
use crate::{CoordinatorId, Digest, InstanceId, Label, Pool, ToolName, WorkerName};

/// The word that an instance lives (P16); of constant size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Who lives.
    pub instance: InstanceId,
    /// The name under which instances succeed each other (P2).
    pub worker: WorkerName,
    /// Its pool.
    pub pool: Pool,
    /// Counts the beats of the instance, from 1.
    pub seq: u64,
    /// Its capacity; `free` is what nobody holds and nobody is offered.
    pub load: Load,
    /// Whether it takes no more calls.
    #[serde(default)]
    pub draining: bool,
    /// Changes whenever the tools on offer, or what is down, change.
    pub catalogue: u64,
    /// What its machine's clock shows, in milliseconds since 1970 (UTC): for people who ask whether clocks
    /// agree, never for a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_ms: Option<u64>,
}

/// A tool's name and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolDigest {
    /// The tool's name.
    pub name: ToolName,
    /// The digest of all that it declares.
    pub digest: Digest,
}

/// A part of an instance that should offer tools and can't now, such as an MCP server that doesn't start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Down {
    /// What it is, as its operator named it.
    pub what: String,
    /// Why it is down and what becomes of it, in a sentence.
    pub why: String,
}

/// What an instance says of itself at first contact (on NATS: the metadata of its micro service).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announce {
    /// Who is there.
    pub instance: InstanceId,
    /// The name under which instances succeed each other.
    pub worker: WorkerName,
    /// Its pool.
    pub pool: Pool,
    /// The version of its software, for people.
    pub version: String,
    /// All its slots.
    pub slots: u32,
    /// Changes whenever the tools on offer, or what is down, change.
    pub catalogue: u64,
    /// Largest message body that its server takes, in bytes (P21).
    pub payload_bytes_max: u64,
    /// Its labels.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "crate::codec::grown"
    )]
    pub labels: Vec<Label>,
    /// What it offers.
    #[serde(deserialize_with = "crate::codec::grown")]
    pub tools: Vec<ToolDigest>,
    /// What it should offer and can't now, for people.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "crate::codec::grown"
    )]
    pub down: Vec<Down>,
}

impl Announce {
    /// The announcement as JSON text, as the metadata of a NATS micro service carries it under
    /// [`crate::subject::METADATA_ANNOUNCE`]: ids as hyphenated UUIDs, digests in hexadecimal.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "a map of plain values always has a JSON text"
    )]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an announcement is a map of plain values")
    }

    /// Reads what [`Announce::to_json`] wrote; unknown fields are ignored.
    ///
    /// # Errors
    /// When the text is too large, isn't an announcement, or goes on after its end.
    pub fn from_json(text: &str) -> Result<Self, DecodeError> {
        if text.len() > BODY_BYTES_MAX {
            return Err(DecodeError::TooLarge {
                bytes: text.len(),
                max: BODY_BYTES_MAX,
            });
        }
        serde_json::from_str(text).map_err(|error| malformed(&error))
    }
}

/// The question what an instance offers, one page at a time (P10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Describe {
    /// Who asks.
    pub coordinator: CoordinatorId,
    /// Who is asked.
    pub instance: InstanceId,
    /// The first tool that is wanted, from 0.
    pub from: u32,
}

/// One page of tools; the items are [`crate::ToolSpec`]s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolsHead {
    /// Who offers them, as an announcement without its tools.
    pub announce: Announce,
    /// Position of the page's first tool, from 0.
    pub from: u32,
    /// All tools on offer.
    pub total: u32,
    /// The digest of each item of this page.
    #[serde(deserialize_with = "crate::codec::grown")]
    pub digests: Vec<Digest>,
}
