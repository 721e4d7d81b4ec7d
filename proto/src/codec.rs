//! Every rmp-serde call of the project.
//!
//! Bodies are MessagePack with named maps; unknown fields are ignored, trailing bytes refused, size
//! and depth capped. A batch is a map of `head` and `items`, and each item is a `bin` that holds an
//! item's own MessagePack, so a bad one is found and named without losing its siblings (P21).

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

mod canonical;
mod items;

pub use canonical::{Canonical, Reader, Writer};
pub use items::{EncodedItems, append_item, attempt_of, encode_batch_of};

use crate::limit::{BATCH_ITEMS_MAX, BODY_BYTES_MAX, DEPTH_MAX, REASON_BYTES_MAX};

/// Levels of lists and maps in the head of a batch whose items have a canonical form: it, and what it lists.
const HEAD_DEPTH: usize = 4;

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is larger than any server delivers.
    #[error("the body has {bytes} bytes, more than the {max} that are read")]
    TooLarge {
        /// Bytes that it has.
        bytes: usize,
        /// Bytes that are read at most.
        max: usize,
    },
    /// The body isn't the MessagePack that its kind asks for.
    #[error("the body isn't the MessagePack that its kind asks for: {0}")]
    Malformed(String),
    /// The message goes on after its end.
    #[error("more bytes follow the end of the message")]
    Trailing,
}

/// A decoded batch: its head, and each item or why it can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<H, I> {
    /// What all items share.
    pub head: H,
    /// The items, in order.
    pub items: Vec<Result<I, UnreadableItem>>,
}

/// An item of a batch that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableItem {
    /// The attempt that it speaks of, where at least that can be read.
    pub of: Option<crate::AttemptKey>,
    /// Why the rest can't be read.
    pub error: DecodeError,
}

/// Encodes a message that is no batch.
#[must_use]
pub fn encode<T: Serialize>(message: &T) -> Bytes {
    let mut buffer = Vec::with_capacity(128);
    write(&mut buffer, message);
    Bytes::from(buffer)
}

/// Encodes a batch.
///
/// # Panics
/// When there are more items than [`BATCH_ITEMS_MAX`]; whoever builds batches cuts them before.
#[must_use]
pub fn encode_batch<H: Serialize, I: Serialize>(head: &H, items: &[I]) -> Bytes {
    let mut buffer = begin_batch(head, items.len(), items.len() * 256);
    for item in items {
        items::append(&mut buffer, |buffer| write(buffer, item));
    }
    Bytes::from(buffer)
}

/// Encodes a batch of items that have a canonical form, to the bytes of [`encode_batch`].
///
/// # Panics
/// As [`encode_batch`].
#[must_use]
pub fn encode_canonical<H: Serialize, I: Canonical>(head: &H, items: &[I]) -> Bytes {
    let room = items.iter().map(I::room).sum();
    let mut buffer = begin_batch(head, items.len(), room);
    for item in items {
        append_item(&mut buffer, item);
    }
    Bytes::from(buffer)
}

/// A batch up to its first item.
fn begin_batch<H: Serialize>(head: &H, items: usize, bytes: usize) -> Vec<u8> {
    assert!(
        items <= BATCH_ITEMS_MAX,
        "a batch of {items} items was built, {BATCH_ITEMS_MAX} are allowed"
    );
    let mut buffer = Vec::with_capacity(128 + bytes);
    // fixmap of two, fixstr "head"
    buffer.extend_from_slice(b"\x82\xa4head");
    write(&mut buffer, head);
    // fixstr "items", array 16
    buffer.extend_from_slice(b"\xa5items\xdc");
    let count = u16::try_from(items).expect("the count was checked above");
    buffer.extend_from_slice(&count.to_be_bytes());
    buffer
}

/// The encoded size of one item, envelope included, in bytes.
#[must_use]
pub fn item_bytes<I: Serialize>(item: &I) -> usize {
    let mut buffer = Vec::with_capacity(256);
    write(&mut buffer, item);
    buffer.len() + 5
}

fn write<T: Serialize>(buffer: &mut Vec<u8>, value: &T) {
    rmp_serde::encode::write_named(buffer, value)
        .expect("our messages are maps of plain values, and writing to memory can't fail");
}

/// Decodes a message that is no batch.
///
/// # Errors
/// When the body is too large, isn't the message's MessagePack, or goes on after its end.
pub fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, DecodeError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(DecodeError::TooLarge {
            bytes: body.len(),
            max: BODY_BYTES_MAX,
        });
    }
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(body);
    deserializer.set_max_depth(DEPTH_MAX);
    let value = T::deserialize(&mut deserializer).map_err(|error| malformed(&error))?;
    // The reader doesn't tell what is left of it, but its next value does. A unit is asked for
    // because it looks at one marker and never into an array or map, whose own missing marker
    // would look like the end.
    match <()>::deserialize(&mut deserializer) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(value),
        Ok(()) | Err(_) => Err(DecodeError::Trailing),
    }
}

/// The reader quotes what it found, which may be all of a body: cut, because the text goes back to
/// the sender and into logs.
pub(crate) fn malformed(error: &dyn fmt::Display) -> DecodeError {
    let mut text = error.to_string();
    if text.len() > REASON_BYTES_MAX {
        text.truncate(text.floor_char_boundary(REASON_BYTES_MAX));
        text.push('…');
    }
    DecodeError::Malformed(text)
}

/// Decodes a batch, item by item.
///
/// # Errors
/// When the body is too large, isn't a batch of this kind's head, or goes on after its end. An item
/// that can't be read is an error in its place, not of the batch.
pub fn decode_batch<'a, H, I>(body: &'a [u8]) -> Result<Batch<H, I>, DecodeError>
where
    H: Deserialize<'a>,
    I: Deserialize<'a>,
{
    let envelope: Envelope<'a, H> = decode(body)?;
    let items = envelope.items.0.into_iter().map(decode_item).collect();
    Ok(Batch {
        head: envelope.head,
        items,
    })
}

/// Decodes a batch whose items have a canonical form, to what [`decode_batch`] gives. What an item may
/// keep undecoded is a slice of the body.
///
/// # Errors
/// As [`decode_batch`].
pub fn decode_canonical<H, I>(body: &Bytes) -> Result<Batch<H, I>, DecodeError>
where
    H: DeserializeOwned,
    I: Canonical,
{
    let (head, undecoded) = match canonical_envelope(body) {
        Some(envelope) => envelope,
        None => {
            let Envelope { head, items } = decode(body)?;
            (head, items.0)
        }
    };
    let mut items: Vec<Result<I, UnreadableItem>> = Vec::with_capacity(undecoded.len());
    for item in undecoded {
        let before = items.last().and_then(|before| before.as_ref().ok());
        let mut reader = Reader::new(item, body);
        let read = I::read_canonical(&mut reader, before).filter(|_| reader.is_at_end());
        items.push(read.map_or_else(|| decode_item(item), Ok));
    }
    Ok(Batch { head, items })
}

/// Reads the envelope of a batch in the form that [`begin_batch`] gives it: its head, and the items as
/// they are.
fn canonical_envelope<H: DeserializeOwned>(body: &Bytes) -> Option<(H, Vec<&[u8]>)> {
    if body.len() > BODY_BYTES_MAX {
        return None;
    }
    let mut reader = Reader::new(body, body);
    reader.expect(b"\x82\xa4head")?;
    let head = decode(reader.value(HEAD_DEPTH)?).ok()?;
    reader.expect(b"\xa5items")?;
    let count = reader
        .long_list()
        .filter(|count| *count <= BATCH_ITEMS_MAX)?;
    // An item has two bytes at least.
    let mut items = Vec::with_capacity(count.min(body.len() / 2));
    for _ in 0..count {
        items.push(reader.bin()?);
    }
    reader.is_at_end().then_some((head, items))
}

fn decode_item<'a, I: Deserialize<'a>>(item: &'a [u8]) -> Result<I, UnreadableItem> {
    decode::<I>(item).map_err(|error| UnreadableItem {
        of: decode_of(item),
        error,
    })
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "H: Deserialize<'de>"))]
struct Envelope<'a, H> {
    head: H,
    #[serde(borrow)]
    items: Items<'a>,
}

/// The undecoded items. Grown as they come: a length prefix alone allocates nothing.
struct Items<'a>(Vec<&'a [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for ItemsVisitor<'a> {
            type Value = Items<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {BATCH_ITEMS_MAX} binaries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<'a>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&serde_bytes::Bytes>()? {
                    if items.len() == BATCH_ITEMS_MAX {
                        return Err(serde::de::Error::invalid_length(items.len() + 1, &self));
                    }
                    items.push(item.as_ref());
                }
                Ok(Items(items))
            }
        }

        deserializer.deserialize_seq(ItemsVisitor(PhantomData))
    }
}

/// Reads only which attempt an item speaks of, where the rest of it can't be read: it stops at `of`,
/// so what is wrong behind it doesn't matter.
fn decode_of(item: &[u8]) -> Option<crate::AttemptKey> {
    struct OfVisitor<'s>(&'s mut Option<crate::AttemptKey>);

    impl<'de> Visitor<'de> for OfVisitor<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map with an attempt under `of`")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(field) = map.next_key::<&str>()? {
                if field == "of" {
                    *self.0 = Some(map.next_value()?);
                    return Ok(());
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    let mut of = None;
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(item);
    deserializer.set_max_depth(DEPTH_MAX);
    // Stopping early is an error to the reader, and what it read before counts all the same.
    let _stopped = (&mut deserializer).deserialize_map(OfVisitor(&mut of));
    of
}

/// Reads a list that grows as its elements come: a length prefix alone allocates nothing.
pub(crate) fn grown<'de, D, T, L>(deserializer: D) -> Result<L, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
    L: From<Vec<T>>,
{
    struct GrownVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for GrownVisitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            // Most lists have one element: the hint saves them the first growth of four.
            let mut list = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(4));
            while let Some(element) = seq.next_element()? {
                list.push(element);
            }
            Ok(list)
        }
    }

    deserializer
        .deserialize_seq(GrownVisitor(PhantomData))
        .map(L::from)
}

/// Reads a text by a check that borrows it: no copy is made but the checked value's own.
pub(crate) fn checked<'de, D, T, E>(
    deserializer: D,
    check: fn(&str) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: fmt::Display,
{
    struct CheckedVisitor<T, E>(fn(&str) -> Result<T, E>);

    impl<T, E: fmt::Display> Visitor<'_> for CheckedVisitor<T, E> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<F: serde::de::Error>(self, text: &str) -> Result<T, F> {
            (self.0)(text).map_err(F::custom)
        }
    }

    deserializer.deserialize_str(CheckedVisitor(check))
}
