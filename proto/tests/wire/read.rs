//! Reads a body as its kind asks, and writes again what was read.

use std::fmt::Debug;

use bytes::Bytes;
use callboard_proto::Kind;
use callboard_proto::ToolSpec;
use callboard_proto::codec::{self, Batch, Canonical, DecodeError, UnreadableItem};
use callboard_proto::message::{
    AckItem, Announce, Beat, CallHead, CallItem, CancelHead, CancelItem, Describe, Drain, Free,
    GrantHead, GrantItem, ProgressHead, ProgressItem, Refusal, ReplyHead, ResultItem, StatusHead,
    StatusItem, ToolsHead,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What became of a body.
#[derive(Debug)]
pub(crate) struct Read {
    /// The readable part of it, written again.
    pub(crate) again: Vec<u8>,
    /// Positions of unreadable items, and why they are.
    pub(crate) bad: Vec<(usize, UnreadableItem)>,
}

/// Reads a body of a kind.
pub(crate) fn read(kind: Kind, body: &[u8]) -> Result<Read, DecodeError> {
    match kind {
        Kind::Call => both::<CallHead, CallItem>(body),
        Kind::Grant => both::<GrantHead, GrantItem>(body),
        Kind::Cancel => batch::<CancelHead, CancelItem>(body),
        Kind::Status => batch::<StatusHead, StatusItem>(body),
        Kind::Describe => single::<Describe>(body),
        Kind::Drain => single::<Drain>(body),
        Kind::Ack => both::<ReplyHead, AckItem>(body),
        Kind::Result => both::<ReplyHead, ResultItem>(body),
        Kind::Progress => batch::<ProgressHead, ProgressItem>(body),
        Kind::Free => single::<Free>(body),
        Kind::Refusal => single::<Refusal>(body),
        Kind::Tools => batch::<ToolsHead, ToolSpec>(body),
        Kind::Beat => single::<Beat>(body),
        Kind::Announce => single::<Announce>(body),
    }
}

fn single<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<Read, DecodeError> {
    let message: T = codec::decode(body)?;
    Ok(Read {
        again: codec::encode(&message).to_vec(),
        bad: Vec::new(),
    })
}

/// Whatever the canonical reader reads is what the full one reads, and they write the same.
fn both<H, I>(body: &[u8]) -> Result<Read, DecodeError>
where
    H: Serialize + DeserializeOwned + PartialEq + Debug,
    I: Canonical + PartialEq + Debug,
{
    let read = codec::decode_batch::<H, I>(body);
    let canonical = codec::decode_canonical::<H, I>(&Bytes::copy_from_slice(body));
    assert_eq!(canonical, read);
    if let Ok(Batch { head, items }) = read {
        let good: Vec<I> = items.into_iter().filter_map(Result::ok).collect();
        let written = codec::encode_canonical(&head, &good);
        assert_eq!(written, codec::encode_batch(&head, &good));
    }
    batch::<H, I>(body)
}

fn batch<H, I>(body: &[u8]) -> Result<Read, DecodeError>
where
    H: Serialize + DeserializeOwned,
    I: Serialize + DeserializeOwned,
{
    let Batch { head, items } = codec::decode_batch::<H, I>(body)?;
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        match item {
            Ok(item) => good.push(item),
            Err(error) => bad.push((index, error)),
        }
    }
    Ok(Read {
        again: codec::encode_batch(&head, &good).to_vec(),
        bad,
    })
}
