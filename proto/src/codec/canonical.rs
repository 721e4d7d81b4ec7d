//! The canonical form: the one in which our own writers spell an item, its fields in their order and
//! none that is unknown. Most of what arrives is in it, and is read without asking what each field is.
//!
//! There is no canonical no: whatever isn't in this form goes to the full reader, which decides and
//! explains. So this may know little, and must only never read something that the full one reads
//! otherwise; property tests compare the two in both directions.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// An item that travels with every call, and has a canonical form.
pub trait Canonical: Serialize + DeserializeOwned {
    /// Reads an item up to its end; `None` where it isn't in canonical form. `before` stood before it
    /// in its batch: what is the same in both can be shared.
    #[must_use]
    fn read_canonical(from: &mut Reader<'_>, before: Option<&Self>) -> Option<Self>;

    /// The bytes that it takes, about: what room is made for.
    #[must_use]
    fn room(&self) -> usize;

    /// Writes the item, if it has a canonical form; whether it was written.
    #[must_use]
    fn write_canonical(&self, to: &mut Writer<'_>) -> bool;
}

/// Reads MessagePack that must be just what is expected.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// The message that they are of.
    body: &'a Bytes,
}

impl<'a> Reader<'a> {
    pub(super) fn new(item: &'a [u8], body: &'a Bytes) -> Self {
        Self { rest: item, body }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes these bytes, if they come next.
    pub(crate) fn takes(&mut self, bytes: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(bytes);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes these bytes, which must come next.
    pub(crate) fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        self.takes(bytes).then_some(())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn slice(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(slice)
    }

    /// The number of fields of a map of at most 15.
    pub(crate) fn map(&mut self) -> Option<usize> {
        self.byte()
            .filter(|marker| marker & 0xf0 == 0x80)
            .map(|marker| usize::from(marker & 0x0f))
    }

    /// The number of elements of an array of at most 15.
    pub(crate) fn list(&mut self) -> Option<usize> {
        self.byte()
            .filter(|marker| marker & 0xf0 == 0x90)
            .map(|marker| usize::from(marker & 0x0f))
    }

    pub(crate) fn uint(&mut self) -> Option<u64> {
        Some(match self.byte()? {
            small @ 0..=0x7f => u64::from(small),
            0xcc => u64::from(self.byte()?),
            0xcd => u64::from(u16::from_be_bytes(self.array()?)),
            0xce => u64::from(u32::from_be_bytes(self.array()?)),
            0xcf => u64::from_be_bytes(self.array()?),
            _ => return None,
        })
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = match self.byte()? {
            short @ 0xa0..=0xbf => usize::from(short & 0x1f),
            0xd9 => usize::from(self.byte()?),
            0xda => usize::from(u16::from_be_bytes(self.array()?)),
            0xdb => usize::try_from(u32::from_be_bytes(self.array()?)).ok()?,
            _ => return None,
        };
        std::str::from_utf8(self.slice(length)?).ok()
    }

    pub(super) fn bin(&mut self) -> Option<&'a [u8]> {
        let length = match self.byte()? {
            0xc4 => usize::from(self.byte()?),
            0xc5 => usize::from(u16::from_be_bytes(self.array()?)),
            0xc6 => usize::try_from(u32::from_be_bytes(self.array()?)).ok()?,
            _ => return None,
        };
        self.slice(length)
    }

    /// Passes over a value and gives its bytes; `depth` levels of lists and maps at most.
    pub(super) fn value(&mut self, depth: usize) -> Option<&'a [u8]> {
        let whole = self.rest;
        self.skip(depth)?;
        whole.get(..whole.len() - self.rest.len())
    }

    fn skip(&mut self, depth: usize) -> Option<()> {
        let values = match *self.rest.first()? {
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => return self.slice(1).map(|_| ()),
            0xcc..=0xcf => return self.uint().map(|_| ()),
            0xa0..=0xbf | 0xd9..=0xdb => return self.text().map(|_| ()),
            0xc4..=0xc6 => return self.bin().map(|_| ()),
            0x80..=0x8f => 2 * self.map()?,
            0x90..=0x9f => self.list()?,
            // What no head of ours holds is left to the full reader.
            _ => return None,
        };
        let depth = depth.checked_sub(1)?;
        (0..values).try_for_each(|_| self.skip(depth))
    }

    /// The number of elements of a list in the form that a batch's has.
    pub(super) fn long_list(&mut self) -> Option<usize> {
        self.expect(b"\xdc")?;
        self.array()
            .map(|count| usize::from(u16::from_be_bytes(count)))
    }

    /// Bytes, as a slice of their message.
    pub(crate) fn bytes(&mut self) -> Option<Bytes> {
        self.bin().map(|bytes| self.body.slice_ref(bytes))
    }

    /// 32 bytes.
    pub(crate) fn digest(&mut self) -> Option<[u8; 32]> {
        self.expect(b"\xc4\x20")?;
        self.array()
    }

    pub(crate) fn uuid(&mut self) -> Option<Uuid> {
        self.expect(b"\xc4\x10")?;
        self.array().map(Uuid::from_bytes)
    }
}

/// Writes MessagePack as rmp-serde does: everything in its shortest form.
#[derive(Debug)]
pub struct Writer<'b>(&'b mut Vec<u8>);

impl<'b> Writer<'b> {
    pub(super) fn new(buffer: &'b mut Vec<u8>) -> Self {
        Self(buffer)
    }

    /// Writes bytes as they are.
    pub(crate) fn raw<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.0.extend_from_slice(bytes);
    }

    /// A map of at most 15 fields.
    pub(crate) fn map(&mut self, fields: u8) {
        debug_assert!(fields < 16);
        self.0.push(0x80 | fields);
    }

    /// An array of at most 15 elements.
    pub(crate) fn list(&mut self, elements: u8) {
        debug_assert!(elements < 16);
        self.0.push(0x90 | elements);
    }

    pub(crate) fn uint(&mut self, value: u64) {
        if let Ok(small) = u8::try_from(value) {
            if small >= 0x80 {
                self.0.push(0xcc);
            }
            self.0.push(small);
        } else if let Ok(value) = u16::try_from(value) {
            self.marked(0xcd, value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.marked(0xce, value.to_be_bytes());
        } else {
            self.marked(0xcf, value.to_be_bytes());
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.text_bytes(text.as_bytes());
    }

    /// A text, as its bytes.
    pub(crate) fn text_bytes(&mut self, text: &[u8]) {
        let length = u32::try_from(text.len()).expect("a text stays below 4 GiB");
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short), _) if short < 32 => self.0.push(0xa0 | short),
            (Ok(length), _) => self.marked(0xd9, [length]),
            (_, Ok(length)) => self.marked(0xda, length.to_be_bytes()),
            (_, Err(_)) => self.marked(0xdb, length.to_be_bytes()),
        }
        self.0.extend_from_slice(text);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("bytes stay below 4 GiB");
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length), _) => self.marked(0xc4, [length]),
            (_, Ok(length)) => self.marked(0xc5, length.to_be_bytes()),
            (_, Err(_)) => self.marked(0xc6, length.to_be_bytes()),
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn digest(&mut self, digest: &[u8; 32]) {
        self.raw(b"\xc4\x20");
        self.raw(digest);
    }

    pub(crate) fn uuid(&mut self, id: Uuid) {
        self.raw(b"\xc4\x10");
        self.raw(id.as_bytes());
    }

    fn marked<const N: usize>(&mut self, marker: u8, value: [u8; N]) {
        self.0.push(marker);
        self.0.extend_from_slice(&value);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;
    use crate::message::ResultItem;
    use crate::{
        Attempt, AttemptKey, Completed, Epoch, Executed, FailureKind, Outcome, Part, RunId,
        ToolUseId, Turn,
    };

    fn result(outcome: Outcome) -> ResultItem {
        ResultItem {
            of: AttemptKey {
                run: RunId::new(Uuid::from_u128(7)),
                turn: Turn(70_000),
                id: ToolUseId::new("toolu_é").unwrap(),
                attempt: Attempt(300),
                epoch: Epoch(u64::MAX),
            },
            outcome,
            queued: Duration::from_micros(u64::MAX),
            executed: Duration::from_micros(128),
        }
    }

    fn completed(parts: usize) -> Outcome {
        let text = |index: usize| "x".repeat([0, 31, 32, 255, 256, 65_535, 65_536][index % 7]);
        Outcome::Completed(Completed {
            content: (0..parts)
                .map(|index| match index % 2 {
                    0 => Part::Text(text(index)),
                    _ => Part::Json(text(index)),
                })
                .collect(),
            is_error: parts % 2 == 1,
        })
    }

    #[test]
    fn results_of_texts_are_canonical_and_others_are_not() {
        let image = Part::Image {
            media_type: "image/png".to_owned(),
            data: vec![1],
        };
        let images = Outcome::Completed(Completed {
            content: vec![image],
            is_error: false,
        });
        let failed = Outcome::failed(FailureKind::Crashed, "it broke", Executed::Yes);
        let mut all: Vec<(Outcome, bool)> = (0..18)
            .map(|parts| (completed(parts), parts < 16))
            .collect();
        all.extend([(images, false), (failed, false)]);
        for (outcome, is_canonical) in all {
            let item = result(outcome);
            let full = Bytes::from(rmp_serde::to_vec_named(&item).unwrap());
            let mut reader = Reader::new(&full, &full);
            let read = ResultItem::read_canonical(&mut reader, None);
            assert_eq!(read.is_some(), is_canonical, "{item:?}");
            if is_canonical {
                let mut written = Vec::new();
                assert!(item.write_canonical(&mut Writer::new(&mut written)));
                assert_eq!(written, full);
                assert_eq!(read, Some(item));
                assert!(reader.is_at_end());
            }
        }
    }
}
