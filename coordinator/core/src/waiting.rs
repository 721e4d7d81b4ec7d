//! The waiting room (P5): calls that wait for a slot, in call order, lane by lane.
//!
//! A lane holds the calls that compete for the same instances, so that a tool whose pool is full
//! holds up nobody else.

use std::collections::{BTreeMap, VecDeque};

use callboard_proto::{Digest, RunId};

use crate::ledger::CallRef;

/// What the calls of one lane have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lane {
    pub(crate) digest: Digest,
    /// The run, where its calls must stay on one instance (P11).
    pub(crate) bound_to: Option<RunId>,
    /// Whether its calls have a strike and travel alone (P8).
    pub(crate) struck: bool,
}

/// The calls that wait for a slot.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    lanes: BTreeMap<Lane, VecDeque<(u64, CallRef)>>,
    length: usize,
}

impl WaitingRoom {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Calls that wait in lanes of this tool.
    pub(crate) fn len_for(&self, digest: Digest) -> usize {
        let from = Lane {
            digest,
            bound_to: None,
            struck: false,
        };
        self.lanes
            .range(from..)
            .take_while(|(lane, _)| lane.digest == digest)
            .map(|(_, queue)| queue.len())
            .sum()
    }

    /// Enters a call at its place: `order` is its rank among all calls, kept when it comes back.
    pub(crate) fn enter(&mut self, lane: Lane, order: u64, call: CallRef) {
        let queue = self.lanes.entry(lane).or_default();
        if queue.back().is_none_or(|(last, _)| *last < order) {
            queue.push_back((order, call));
        } else {
            let at = queue.partition_point(|(other, _)| *other < order);
            queue.insert(at, (order, call));
        }
        self.length += 1;
    }

    /// Takes a call out, wherever it stands.
    pub(crate) fn leave(&mut self, lane: Lane, order: u64) {
        let Some(queue) = self.lanes.get_mut(&lane) else {
            return;
        };
        if let Ok(at) = queue.binary_search_by_key(&order, |(other, _)| *other) {
            queue.remove(at);
            self.length -= 1;
        }
        if queue.is_empty() {
            self.lanes.remove(&lane);
        }
    }

    /// The lanes with somebody in them.
    pub(crate) fn lanes(&self) -> Vec<Lane> {
        self.lanes.keys().copied().collect()
    }

    /// The lanes with somebody in them, each with the rank of who is next.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (u64, Lane)> {
        self.lanes
            .iter()
            .filter_map(|(lane, queue)| queue.front().map(|(order, _)| (*order, *lane)))
    }

    /// The call that is next in a lane.
    pub(crate) fn head(&self, lane: Lane) -> Option<(u64, CallRef)> {
        self.lanes.get(&lane)?.front().copied()
    }

    /// Takes the call that is next in a lane.
    pub(crate) fn take_head(&mut self, lane: Lane) {
        if let Some(queue) = self.lanes.get_mut(&lane) {
            self.length -= usize::from(queue.pop_front().is_some());
            if queue.is_empty() {
                self.lanes.remove(&lane);
            }
        }
    }

    /// Everybody in a lane, in order.
    pub(crate) fn in_lane(&self, lane: Lane) -> Vec<CallRef> {
        self.lanes
            .get(&lane)
            .into_iter()
            .flatten()
            .map(|(_, call)| *call)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: u32) -> CallRef {
        CallRef {
            turn: slotmap::KeyData::from_ffi(1 << 32 | 1).into(),
            index: number,
        }
    }

    #[test]
    fn a_call_that_comes_back_stands_where_it_stood() {
        let lane = Lane {
            digest: Digest::new([1; 32]),
            bound_to: None,
            struck: false,
        };
        let mut room = WaitingRoom::default();
        for order in [2, 3, 5] {
            room.enter(lane, order, call(0));
        }
        room.enter(lane, 4, call(4));
        room.enter(lane, 1, call(1));
        assert_eq!(room.head(lane), Some((1, call(1))));
        room.leave(lane, 1);
        room.leave(lane, 2);
        room.leave(lane, 3);
        assert_eq!(room.head(lane), Some((4, call(4))));
        assert_eq!(room.len_for(lane.digest), 2);
        room.leave(lane, 4);
        room.leave(lane, 5);
        room.leave(lane, 5);
        assert_eq!((room.len(), room.lanes()), (0, vec![]));
    }
}
