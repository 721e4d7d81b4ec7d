//! The decoder of everything that comes over the wire.

use std::fmt::Debug;

use bytes::Bytes;
use callboard_proto::codec::{self, Batch, Canonical, DecodeError};
use callboard_proto::message::{
    AckItem, Announce, Beat, CallHead, CallItem, CancelHead, CancelItem, Describe, Drain, Free,
    GrantHead, GrantItem, ProgressHead, ProgressItem, Refusal, ReplyHead, ResultItem, StatusHead,
    StatusItem, ToolsHead,
};
use callboard_proto::{Kind, ToolSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The first byte chooses the kind, the rest is the body. What is read can be written, and reads as the
/// same again; whether it was read.
///
/// # Panics
/// When that isn't so.
#[must_use]
pub fn decoder(data: &[u8]) -> bool {
    let Some((choice, body)) = data.split_first() else {
        return false;
    };
    let kinds = Kind::ALL;
    let kind = kinds[usize::from(*choice) % kinds.len()];
    match kind {
        Kind::Call => canonical::<CallHead, CallItem>(body),
        Kind::Grant => canonical::<GrantHead, GrantItem>(body),
        Kind::Cancel => batch::<CancelHead, CancelItem>(body),
        Kind::Status => batch::<StatusHead, StatusItem>(body),
        Kind::Describe => single::<Describe>(body),
        Kind::Drain => single::<Drain>(body),
        Kind::Ack => canonical::<ReplyHead, AckItem>(body),
        Kind::Result => canonical::<ReplyHead, ResultItem>(body),
        Kind::Progress => batch::<ProgressHead, ProgressItem>(body),
        Kind::Free => single::<Free>(body),
        Kind::Refusal => single::<Refusal>(body),
        Kind::Tools => batch::<ToolsHead, ToolSpec>(body),
        Kind::Beat => single::<Beat>(body),
        Kind::Announce => single::<Announce>(body),
    }
    .is_ok()
}

fn single<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<(), DecodeError> {
    let message: T = codec::decode(body)?;
    let written = codec::encode(&message);
    let again: T = codec::decode(&written).expect("what was written is read");
    assert_eq!(codec::encode(&again), written, "it reads as the same");
    Ok(())
}

/// The canonical reader reads what the full one reads, or leaves it to that.
fn canonical<H, I>(body: &[u8]) -> Result<(), DecodeError>
where
    H: Serialize + DeserializeOwned + PartialEq + Debug,
    I: Canonical + PartialEq + Debug,
{
    let read = codec::decode_canonical::<H, I>(&Bytes::copy_from_slice(body));
    assert_eq!(read, codec::decode_batch::<H, I>(body));
    batch::<H, I>(body)
}

fn batch<H, I>(body: &[u8]) -> Result<(), DecodeError>
where
    H: Serialize + DeserializeOwned,
    I: Serialize + DeserializeOwned,
{
    let Batch { head, items } = codec::decode_batch::<H, I>(body)?;
    let good: Vec<I> = items.into_iter().filter_map(Result::ok).collect();
    let written = codec::encode_batch(&head, &good);
    let again = codec::decode_batch::<H, I>(&written).expect("what was written is read");
    let items: Vec<I> = again
        .items
        .into_iter()
        .map(|item| item.expect("an item that was read and written is read"))
        .collect();
    assert_eq!(
        codec::encode_batch(&again.head, &items),
        written,
        "it reads as the same"
    );
    Ok(())
}
