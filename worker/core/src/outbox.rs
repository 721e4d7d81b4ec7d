//! Results on their way out: those for one reply subject leave together, cut to what a message may hold.

use std::sync::Arc;

use callboard_proto::Outcome;
use callboard_proto::message::{AckItem, BadItem, ResultItem};
use rustc_hash::FxHashMap;

use crate::{Config, ReplyTo};

/// Most bytes of an encoded result beyond its payload and id (chosen: field names and numbers, doubled).
const RESULT_BYTES: usize = 256;
/// Most bytes of a content part beyond its payload (chosen: field names and a media type).
const PART_BYTES: usize = 96;
/// Most bytes of an encoded ack item beyond its id (chosen as above).
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
pub(crate) struct Group {
    pub(crate) to: ReplyTo,
    pub(crate) items: Vec<Arc<ResultItem>>,
    bytes: usize,
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

    pub(crate) fn push(&mut self, to: ReplyTo, result: Arc<ResultItem>) {
        let bytes = estimate(&result);
        let at = match self.groups.last() {
            Some(group) if group.to == to => Some(self.groups.len() - 1),
            Some(_) => self.open.get(&to).copied(),
            None => None,
        };
        if let Some(group) = at.map(|at| &mut self.groups[at])
            && self.cut.fits(group.items.len(), group.bytes, bytes)
        {
            group.bytes += bytes;
            group.items.push(result);
            return;
        }
        self.open.insert(to, self.groups.len());
        self.groups.push(Group {
            to,
            items: vec![result],
            bytes,
        });
    }

    pub(crate) fn take(&mut self) -> Vec<Group> {
        if !self.groups.is_empty() {
            self.open.clear();
        }
        std::mem::take(&mut self.groups)
    }
}

/// Most bytes that a result takes in a message: encoding it to know exactly would cost as much as sending it.
fn estimate(result: &ResultItem) -> usize {
    let parts = match &result.outcome {
        Outcome::Completed(completed) => completed.content.len(),
        Outcome::Failed(_) => 0,
    };
    RESULT_BYTES + PART_BYTES * parts + result.of.id.as_str().len() + result.outcome.bytes()
}
