//! Results on their way out: those for one reply subject leave together, cut to what a message may hold.

use std::ops::Range;

use bytes::Bytes;
use callboard_proto::codec::EncodedItems;
use callboard_proto::message::{AckItem, BadItem};
use rustc_hash::FxHashMap;

use crate::{Config, ReplyTo};

/// Most bytes of an encoded ack item beyond its id (chosen: field names and numbers, doubled).
const ACK_BYTES: usize = 128;
/// Most bytes of an encoded bad item beyond its reason (chosen as above).
const BAD_BYTES: usize = 32;

/// What one message may hold (P21).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    items_max: usize,
    bytes_max: usize,
}

impl Cut {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            items_max: config.batch_items_max.max(1),
            bytes_max: config.batch_bytes_max,
        }
    }

    pub(crate) fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// Whether something more fits. What fits in no message travels alone.
    fn fits(self, items: usize, bytes: usize, more: usize) -> bool {
        items == 0 || (items < self.items_max && bytes + more <= self.bytes_max)
    }

    /// Splits an ack into as many messages as it needs, one at least.
    pub(crate) fn acks(
        self,
        items: impl Iterator<Item = AckItem>,
        bad: Vec<BadItem>,
    ) -> Vec<(Vec<AckItem>, Vec<BadItem>)> {
        let mut messages = vec![(Vec::new(), Vec::new())];
        let (mut count, mut bytes) = (0, 0);
        let mut next = |messages: &mut Vec<(Vec<_>, Vec<_>)>, more: usize| {
            if !self.fits(count, bytes, more) {
                messages.push((Vec::new(), Vec::new()));
                (count, bytes) = (0, 0);
            }
            count += 1;
            bytes += more;
            messages.len() - 1
        };
        for item in bad {
            let at = next(&mut messages, BAD_BYTES + item.reason.len());
            messages[at].1.push(item);
        }
        for item in items {
            let at = next(&mut messages, ACK_BYTES + item.of.id.as_str().len());
            messages[at].0.push(item);
        }
        messages
    }
}

/// The results of one message.
#[derive(Debug)]
struct Group {
    to: ReplyTo,
    pieces: Vec<Piece>,
    items: usize,
    bytes: usize,
}

/// Encoded results that follow each other in memory, and how many they are.
#[derive(Debug)]
enum Piece {
    /// Of the page that is written now.
    Open(Range<usize>, usize),
    Closed(Bytes),
}

/// Results that leave at the next occasion.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) cut: Cut,
    groups: Vec<Group>,
    /// The group of each reply subject that still takes results.
    open: FxHashMap<ReplyTo, usize>,
}

impl Outbox {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            cut: Cut::new(config),
            groups: Vec::new(),
            open: FxHashMap::default(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Takes a result that was written to the open page.
    pub(crate) fn push_written(&mut self, to: ReplyTo, range: Range<usize>) {
        let group = self.group(to, range.len());
        match group.pieces.last_mut() {
            Some(Piece::Open(before, count)) if before.end == range.start => {
                before.end = range.end;
                *count += 1;
            }
            Some(Piece::Open(..) | Piece::Closed(_)) | None => {
                group.pieces.push(Piece::Open(range, 1));
            }
        }
    }

    /// Takes a result that stands by itself.
    pub(crate) fn push(&mut self, to: ReplyTo, result: Bytes) {
        let group = self.group(to, result.len());
        group.pieces.push(Piece::Closed(result));
    }

    /// The group that takes a result of so many bytes.
    fn group(&mut self, to: ReplyTo, bytes: usize) -> &mut Group {
        let at = match self.groups.last() {
            Some(group) if group.to == to => Some(self.groups.len() - 1),
            Some(_) => self.open.get(&to).copied(),
            None => None,
        };
        let at = at.filter(|at| {
            let group = &self.groups[*at];
            self.cut.fits(group.items, group.bytes, bytes)
        });
        let at = at.unwrap_or_else(|| {
            self.open.insert(to, self.groups.len());
            self.groups.push(Group {
                to,
                pieces: Vec::new(),
                items: 0,
                bytes: 0,
            });
            self.groups.len() - 1
        });
        let group = &mut self.groups[at];
        group.items += 1;
        group.bytes += bytes;
        group
    }

    /// Takes all messages, given the page that was written since the last time.
    pub(crate) fn take(&mut self, page: &Bytes) -> Vec<(ReplyTo, EncodedItems)> {
        self.open.clear();
        let groups = self.groups.drain(..).map(|group| {
            let mut items = EncodedItems::default();
            for piece in group.pieces {
                match piece {
                    Piece::Open(range, count) => items.push(page.slice(range), count),
                    Piece::Closed(result) => items.push(result, 1),
                }
            }
            (group.to, items)
        });
        groups.collect()
    }
}
