//! Items that are encoded already: they leave in a batch as they are, and can be kept meanwhile.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::canonical::{Canonical, Writer};
use super::{UnreadableItem, begin_batch, decode_of, write};

/// Bytes of an item's envelope: `bin 32` and its length.
const ENVELOPE_BYTES: usize = 5;

/// Encoded items in their order, in as few pieces of memory as they came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedItems {
    count: usize,
    pieces: Vec<Bytes>,
}

impl EncodedItems {
    /// Appends a piece in which [`append_item`] wrote so many items.
    pub fn push(&mut self, piece: Bytes, count: usize) {
        self.count += count;
        self.pieces.push(piece);
    }

    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Reads the items back.
    ///
    /// # Errors
    /// In the place of each item that isn't what `I` asks for.
    pub fn decode<I: for<'a> Deserialize<'a>>(&self) -> Vec<Result<I, UnreadableItem>> {
        let mut items = Vec::with_capacity(self.count);
        for piece in &self.pieces {
            let mut rest = piece.as_ref();
            while !rest.is_empty() {
                let (item, next) = split_item(rest);
                items.push(super::decode_item(item));
                rest = next;
            }
        }
        items
    }
}

/// Appends an item in its envelope, and gives its size in bytes.
///
/// # Panics
/// When the item has 4 GiB or more; arguments and results are bounded far below.
pub fn append_item<I: Canonical>(buffer: &mut Vec<u8>, item: &I) -> usize {
    buffer.reserve(item.room());
    append(buffer, |buffer| {
        if !item.write_canonical(&mut Writer::new(buffer)) {
            write(buffer, item);
        }
    })
}

/// Appends what `item` writes, in an envelope, and gives its size in bytes.
pub(super) fn append(buffer: &mut Vec<u8>, item: impl FnOnce(&mut Vec<u8>)) -> usize {
    buffer.extend_from_slice(b"\xc6\0\0\0\0");
    let at = buffer.len() - 4;
    item(buffer);
    let length = u32::try_from(buffer.len() - at - 4).expect("an item stays below 4 GiB");
    buffer[at..at + 4].copy_from_slice(&length.to_be_bytes());
    buffer.len() - at + 1
}

/// Encodes a batch of items that are encoded already.
///
/// # Panics
/// When there are more items than [`crate::limit::BATCH_ITEMS_MAX`]; whoever builds batches cuts
/// them before.
#[must_use]
pub fn encode_batch_of<H: Serialize>(head: &H, items: &EncodedItems) -> Bytes {
    let bytes: usize = items.pieces.iter().map(Bytes::len).sum();
    let mut buffer = begin_batch(head, items.count, bytes);
    for piece in &items.pieces {
        buffer.extend_from_slice(piece);
    }
    Bytes::from(buffer)
}

/// Which attempt an item speaks of that [`append_item`] wrote.
#[must_use]
pub fn attempt_of(enveloped: &[u8]) -> Option<crate::AttemptKey> {
    decode_of(enveloped.get(ENVELOPE_BYTES..)?)
}

/// The first item without its envelope, and what follows.
fn split_item(enveloped: &[u8]) -> (&[u8], &[u8]) {
    let (envelope, rest) = enveloped.split_at(ENVELOPE_BYTES);
    let length: [u8; 4] = envelope[1..]
        .try_into()
        .expect("an envelope has five bytes");
    let length = usize::try_from(u32::from_be_bytes(length)).expect("a length fits in memory");
    rest.split_at(length)
}
