//! A body as its kind asks for it, decoded and encoded by today's codec.

use std::collections::HashMap;

use callboard_proto::codec::{self, Batch, DecodeError};
use callboard_proto::message::{
    AckItem, Announce, Beat, CallHead, CallItem, CancelHead, CancelItem, Describe, Drain, Free,
    GrantHead, GrantItem, ProgressHead, ProgressItem, Refusal, ReplyHead, ResultItem, StatusHead,
    StatusItem, ToolsHead,
};
use callboard_proto::subject::METADATA_ANNOUNCE;
use callboard_proto::{Kind, ToolSpec};
use serde::{Deserialize, Serialize};

/// A decoded body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Of kind `call`.
    Call(Batch<CallHead, CallItem>),
    /// Of kind `grant`.
    Grant(Batch<GrantHead, GrantItem>),
    /// Of kind `cancel`.
    Cancel(Batch<CancelHead, CancelItem>),
    /// Of kind `status`.
    Status(Batch<StatusHead, StatusItem>),
    /// Of kind `describe`.
    Describe(Describe),
    /// Of kind `drain`.
    Drain(Drain),
    /// Of kind `ack`.
    Ack(Batch<ReplyHead, AckItem>),
    /// Of kind `result`.
    Result(Batch<ReplyHead, ResultItem>),
    /// Of kind `progress`.
    Progress(Batch<ProgressHead, ProgressItem>),
    /// Of kind `free`.
    Free(Free),
    /// Of kind `refusal`.
    Refusal(Refusal),
    /// Of kind `tools`.
    Tools(Box<Batch<ToolsHead, ToolSpec>>),
    /// Of kind `beat`.
    Beat(Beat),
    /// Of kind `announce`: the answer of a micro service, JSON whose metadata holds the announcement.
    Announce(Box<Announce>),
}

/// What the answer of a micro service must have for its announcement to be found.
#[derive(Serialize, Deserialize)]
struct Info {
    metadata: HashMap<String, String>,
}

impl Body {
    /// Decodes a body of a kind.
    ///
    /// # Errors
    /// When it isn't what its kind asks for. An item of a batch that can't be read is an error in its place.
    pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match kind {
            Kind::Call => Self::Call(codec::decode_batch(bytes)?),
            Kind::Grant => Self::Grant(codec::decode_batch(bytes)?),
            Kind::Cancel => Self::Cancel(codec::decode_batch(bytes)?),
            Kind::Status => Self::Status(codec::decode_batch(bytes)?),
            Kind::Describe => Self::Describe(codec::decode(bytes)?),
            Kind::Drain => Self::Drain(codec::decode(bytes)?),
            Kind::Ack => Self::Ack(codec::decode_batch(bytes)?),
            Kind::Result => Self::Result(codec::decode_batch(bytes)?),
            Kind::Progress => Self::Progress(codec::decode_batch(bytes)?),
            Kind::Free => Self::Free(codec::decode(bytes)?),
            Kind::Refusal => Self::Refusal(codec::decode(bytes)?),
            Kind::Tools => Self::Tools(Box::new(codec::decode_batch(bytes)?)),
            Kind::Beat => Self::Beat(codec::decode(bytes)?),
            Kind::Announce => {
                let malformed = |why: &str| DecodeError::Malformed(why.to_owned());
                let info: Info =
                    serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
                let text = info
                    .metadata
                    .get(METADATA_ANNOUNCE)
                    .ok_or_else(|| malformed("no announcement in the metadata"))?;
                Self::Announce(Box::new(Announce::from_json(text)?))
            }
        })
    }

    /// Encodes what of the body can be read.
    ///
    /// # Panics
    /// Never: a map of texts has a JSON form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Call(batch) => good(batch),
            Self::Grant(batch) => good(batch),
            Self::Cancel(batch) => good(batch),
            Self::Status(batch) => good(batch),
            Self::Describe(describe) => codec::encode(describe).to_vec(),
            Self::Drain(drain) => codec::encode(drain).to_vec(),
            Self::Ack(batch) => good(batch),
            Self::Result(batch) => good(batch),
            Self::Progress(batch) => good(batch),
            Self::Free(free) => codec::encode(free).to_vec(),
            Self::Refusal(refusal) => codec::encode(refusal).to_vec(),
            Self::Tools(batch) => good(batch),
            Self::Beat(beat) => codec::encode(beat).to_vec(),
            Self::Announce(announce) => {
                let metadata = HashMap::from([(METADATA_ANNOUNCE.to_owned(), announce.to_json())]);
                serde_json::to_vec(&Info { metadata }).expect("a map of texts has a JSON form")
            }
        }
    }

    /// Takes the items that can't be read out of a batch; their positions.
    pub fn take_bad_items(&mut self) -> Vec<usize> {
        match self {
            Self::Call(batch) => take_bad(batch),
            Self::Grant(batch) => take_bad(batch),
            Self::Cancel(batch) => take_bad(batch),
            Self::Status(batch) => take_bad(batch),
            Self::Ack(batch) => take_bad(batch),
            Self::Result(batch) => take_bad(batch),
            Self::Progress(batch) => take_bad(batch),
            Self::Tools(batch) => take_bad(batch),
            Self::Describe(_)
            | Self::Drain(_)
            | Self::Free(_)
            | Self::Refusal(_)
            | Self::Beat(_)
            | Self::Announce(_) => Vec::new(),
        }
    }
}

fn good<H: Serialize, I: Serialize>(batch: &Batch<H, I>) -> Vec<u8> {
    let items: Vec<&I> = batch.items.iter().flatten().collect();
    codec::encode_batch(&batch.head, &items).to_vec()
}

fn take_bad<H, I>(batch: &mut Batch<H, I>) -> Vec<usize> {
    let bad = batch
        .items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.is_err())
        .map(|(index, _)| index)
        .collect();
    batch.items.retain(Result::is_ok);
    bad
}
