//! What an instance knows of attempts (P1, P16): which it holds, how others ended, and which it must
//! refuse for ever.
//!
//! Memory is bounded, and forgetting can never let an attempt in. What is dropped leaves its mark in
//! a horizon: the newest beat that a copy of something dropped can name.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard_proto::codec;
use callboard_proto::message::ResultItem;
use callboard_proto::{AttemptKey, Effect as ToolEffect, Executed, GrantId, Outcome, Turn};

use crate::held::HeldTable;
use crate::index::{Hash, Index, Place, Ticket};
use crate::mutation::{Mutated, Mutation};
use crate::pages::{self, Pages};
use crate::{Config, Counters};

/// What an entry costs beyond its encoded result, in bytes (the sizes of the entry and of its place
/// in the index, rounded up).
const ENTRY_BYTES: usize = 160;

/// Beats at least whose attempts are remembered, however fast they come (chosen, not measured): the last of
/// them a coordinator needn't have seen yet.
const BEATS_KEPT: usize = 4;

/// What is known of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It holds a slot, at this place of the table.
    Held(usize),
    /// It ended, and its result is kept under this number.
    Kept(u32),
    /// It never entered its tool and never will.
    Refused,
    /// It may have entered its tool; the result is gone.
    Forgotten,
}

/// What bounds the beats that a copy of an attempt's message can name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The newest beat when the attempt was first heard of.
    pub(crate) beat: u64,
    /// Whether its message named no beat.
    pub(crate) is_unseen: bool,
}

/// How an attempt came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    /// Hash of what was delivered; `None` where that couldn't be read.
    pub(crate) fingerprint: Option<u64>,
    pub(crate) effect: ToolEffect,
    /// The grant that it acted on.
    pub(crate) grant: Option<GrantId>,
    pub(crate) origin: Origin,
}

/// A result for those who ask again.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) delivery: Delivery,
    place: pages::Place,
    /// What the result says of its attempt.
    executed: Executed,
    ticket: Ticket,
    until: Instant,
}

impl Kept {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.place.bytes()
    }
}

/// The light entry of an attempt that must be refused for ever.
#[derive(Debug)]
struct Grave {
    of: AttemptKey,
    ticket: Ticket,
    origin: Origin,
    /// What it may have done before it was forgotten; `None` if it never entered its tool.
    may_have_run: Option<ToolEffect>,
}

/// What was taken in since the newest beat left.
#[derive(Clone, Copy, Debug, Default)]
struct Filled {
    results: usize,
    bytes: usize,
    refused: usize,
}

/// What an instance knows of attempts. An attempt is in one place at a time.
#[derive(Debug)]
pub(crate) struct Memory {
    index: Index,
    pub(crate) pages: Pages,
    kept: VecDeque<Kept>,
    /// The number of the oldest kept result.
    kept_first: u32,
    kept_bytes: usize,
    kept_for: Duration,
    kept_bytes_max: usize,
    kept_max: usize,
    graves: VecDeque<Grave>,
    /// The number of the oldest grave.
    graves_first: u32,
    graves_max: usize,
    /// Calls that name a beat up to this one, and aren't known, may be copies of a refused one.
    horizon: Option<u64>,
    /// Attempts whose calls named a beat up to this one, and aren't known, may have run.
    forgotten_horizon: Option<u64>,
    /// An attempt was dropped whose call named no beat.
    has_dropped_unseen: bool,
    /// Such an attempt was dropped that may have run and changed something.
    has_dropped_unseen_effect: bool,
    /// A write that may have run was dropped.
    has_dropped_write: bool,
    filled: Filled,
    pub(crate) mutated: Mutated,
}

impl Memory {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            index: Index::default(),
            pages: Pages::default(),
            kept: VecDeque::new(),
            kept_first: 0,
            kept_bytes: 0,
            kept_for: config.results_kept_for,
            kept_bytes_max: config.results_bytes_max,
            kept_max: config.results_max,
            graves: VecDeque::new(),
            graves_first: 0,
            graves_max: config.tombstones_max,
            horizon: None,
            forgotten_horizon: None,
            has_dropped_unseen: false,
            has_dropped_unseen_effect: false,
            has_dropped_write: false,
            filled: Filled::default(),
            mutated: Mutated::default(),
        }
    }

    /// What is known of an attempt; those that hold a slot are in `held`.
    pub(crate) fn find(&self, of: &AttemptKey, held: &HeldTable) -> Option<Known> {
        let is_its = |place| match place {
            Place::Held(at) => self.is_same(&held.get(at as usize).of, of),
            Place::Kept(number) => self.is_same(&self.attempt_of(self.kept(number)), of),
            Place::Grave(number) => {
                self.is_same(&self.grave(number).of, of) && !self.mutated.lacks(Mutation::Tombstone)
            }
        };
        let place = self.index.find(self.hash(of), is_its)?;
        Some(match place {
            Place::Held(at) => Known::Held(at as usize),
            Place::Kept(number) => Known::Kept(number),
            Place::Grave(number) => match self.grave(number).may_have_run {
                None => Known::Refused,
                Some(_) => Known::Forgotten,
            },
        })
    }

    /// Whether so much was taken in under the newest beat that the next one should leave early: what is
    /// forgotten must be some beats older than what is new, or new calls are taken for copies of it.
    pub(crate) fn is_filling(&self) -> bool {
        let Filled {
            results,
            bytes,
            refused,
        } = self.filled;
        results * BEATS_KEPT > self.kept_max
            || bytes * BEATS_KEPT > self.kept_bytes_max
            || refused * BEATS_KEPT > self.graves_max
    }

    /// Notes that a beat left.
    pub(crate) fn beat_left(&mut self) {
        self.filled = Filled::default();
    }

    /// Entries of all kinds.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Remembers an unknown attempt that gets a slot, at this place.
    pub(crate) fn hold(&mut self, of: &AttemptKey, at: usize) -> Ticket {
        let at = u32::try_from(at).expect("slots are counted by a u32");
        self.index.enter(self.hash(of), Place::Held(at))
    }

    /// The result with a number that [`Self::find`] gave.
    pub(crate) fn kept(&self, number: u32) -> &Kept {
        self.kept
            .get(number.wrapping_sub(self.kept_first) as usize)
            .expect("the index names only results that are kept")
    }

    /// The result with a number that [`Self::find`] gave, encoded; `None` if it hasn't left yet.
    pub(crate) fn closed_result(&self, number: u32) -> Option<Bytes> {
        self.pages.closed(&self.kept(number).place)
    }

    /// Where the result with a number stands that [`Self::find`] gave.
    pub(crate) fn place(&self, number: u32) -> &pages::Place {
        &self.kept(number).place
    }

    fn attempt_of(&self, kept: &Kept) -> AttemptKey {
        codec::attempt_of(self.pages.bytes(&kept.place)).expect("the result was written here")
    }

    fn hash(&self, of: &AttemptKey) -> Hash {
        if self.mutated.lacks(Mutation::TurnIdentity) {
            return Hash::of(&without_turn(of));
        }
        Hash::of(of)
    }

    /// Notes where an attempt is now that was held under a ticket until now, or never was.
    fn place_at(&mut self, of: &AttemptKey, held: Option<Ticket>, place: Place) -> Ticket {
        match held {
            Some(ticket) => {
                self.index.change(ticket, place);
                ticket
            }
            None => self.index.enter(self.hash(of), place),
        }
    }

    fn is_same(&self, one: &AttemptKey, other: &AttemptKey) -> bool {
        if self.mutated.lacks(Mutation::TurnIdentity) {
            return without_turn(one) == without_turn(other);
        }
        one == other
    }

    fn grave(&self, number: u32) -> &Grave {
        self.graves
            .get(number.wrapping_sub(self.graves_first) as usize)
            .expect("the index names only graves that are there")
    }

    /// Writes and keeps the result of an attempt that was held until now, or never was; says where it
    /// stands until the next flush.
    pub(crate) fn keep(
        &mut self,
        result: &ResultItem,
        delivery: Delivery,
        held: Option<Ticket>,
        now: Instant,
        counters: &mut Counters,
    ) -> pages::Place {
        let written = self.pages.write(result);
        let place = Place::Kept(following(self.kept_first, self.kept.len()));
        let ticket = self.place_at(&result.of, held, place);
        let kept = Kept {
            delivery,
            place: written.clone(),
            executed: told_executed(&result.outcome),
            ticket,
            until: now + self.kept_for,
        };
        self.filled.results += 1;
        self.filled.bytes += kept.bytes();
        self.kept_bytes += kept.bytes();
        self.kept.push_back(kept);
        while self.kept_bytes > self.kept_bytes_max || self.kept.len() > self.kept_max {
            counters.results_evicted += 1;
            self.evict(counters);
        }
        written
    }

    /// Refuses for ever an attempt that was held until now, or never was. What it may have done before
    /// it was forgotten is `None` if it never entered its tool.
    pub(crate) fn refuse(
        &mut self,
        of: AttemptKey,
        origin: Origin,
        may_have_run: Option<ToolEffect>,
        held: Option<Ticket>,
        counters: &mut Counters,
    ) {
        self.filled.refused += 1;
        let ticket = self.place_at(&of, held, self.next_grave());
        let grave = Grave {
            of,
            ticket,
            origin,
            may_have_run,
        };
        self.bury(grave, counters);
    }

    /// Forgets the results that were kept long enough.
    pub(crate) fn expire(&mut self, now: Instant, counters: &mut Counters) {
        while self.kept.front().is_some_and(|kept| kept.until <= now) {
            counters.results_expired += 1;
            self.evict(counters);
        }
    }

    /// Whether an unknown call may be a copy of one that is no longer remembered and must not run.
    ///
    /// Without a beat only a `write` is refused, and only once it matters: a client that sees no
    /// beats must be able to read, and what isn't a write may run twice.
    pub(crate) fn must_not_run(&self, seen: Option<u64>, effect: ToolEffect) -> bool {
        match seen {
            Some(seen) => self.horizon.is_some_and(|horizon| seen <= horizon),
            None => match effect {
                ToolEffect::Read | ToolEffect::Idempotent => false,
                ToolEffect::Write => self.has_dropped_unseen,
            },
        }
    }

    /// Whether an unknown call may be a copy of one that ran and was forgotten, so that no binding
    /// word about it is true. Without a beat a `read` counts as new: it had no effect to lie about.
    pub(crate) fn may_have_run(&self, seen: Option<u64>, effect: ToolEffect) -> bool {
        match seen {
            Some(_) => self.may_be_forgotten(seen),
            None => match effect {
                ToolEffect::Read => false,
                ToolEffect::Idempotent | ToolEffect::Write => self.has_dropped_unseen_effect,
            },
        }
    }

    /// Whether an unknown attempt that somebody asks for, and whose call named `seen`, may have run.
    pub(crate) fn may_be_forgotten(&self, seen: Option<u64>) -> bool {
        self.forgotten_horizon
            .is_some_and(|horizon| seen.is_none_or(|seen| seen <= horizon))
    }

    /// Whether an unknown attempt that somebody grants may have run here. A grant doesn't say which
    /// beat its call named, so one dropped write leaves a doubt about all.
    pub(crate) fn may_have_run_granted(&self) -> bool {
        self.has_dropped_write
    }

    /// Forgets the oldest result, and leaves a light entry. Only a read that ran leaves nothing: it
    /// may run again, and a flood of reads must not push out what matters.
    fn evict(&mut self, counters: &mut Counters) {
        let Some(kept) = self.kept.pop_front() else {
            return;
        };
        self.kept_first = self.kept_first.wrapping_add(1);
        self.kept_bytes -= kept.bytes();
        let Delivery { effect, origin, .. } = kept.delivery;
        let may_have_run = match (kept.executed, effect) {
            (Executed::Yes | Executed::Unknown, ToolEffect::Read) => {
                self.index.remove(kept.ticket);
                self.forgotten_horizon = self.forgotten_horizon.max(Some(origin.beat));
                self.drop_pages();
                return;
            }
            (Executed::Yes | Executed::Unknown, ToolEffect::Idempotent | ToolEffect::Write) => {
                Some(effect)
            }
            (Executed::No, _) => None,
        };
        let grave = Grave {
            of: self.attempt_of(&kept),
            ticket: kept.ticket,
            origin,
            may_have_run,
        };
        self.index.change(kept.ticket, self.next_grave());
        self.drop_pages();
        self.bury(grave, counters);
    }

    fn drop_pages(&mut self) {
        self.pages
            .drop_before(self.kept.front().map(|kept| &kept.place));
    }

    /// Where the next grave will be.
    fn next_grave(&self) -> Place {
        Place::Grave(following(self.graves_first, self.graves.len()))
    }

    fn bury(&mut self, grave: Grave, counters: &mut Counters) {
        self.graves.push_back(grave);
        while self.graves.len() > self.graves_max {
            self.drop_grave(counters);
        }
    }

    /// Drops the oldest grave; the horizons stand for it from now on.
    fn drop_grave(&mut self, counters: &mut Counters) {
        let Some(grave) = self.graves.pop_front() else {
            return;
        };
        self.index.remove(grave.ticket);
        self.graves_first = self.graves_first.wrapping_add(1);
        counters.tombstones_dropped += 1;
        let beat = Some(grave.origin.beat);
        self.horizon = self.horizon.max(beat);
        self.has_dropped_unseen |= grave.origin.is_unseen;
        if let Some(effect) = grave.may_have_run {
            self.forgotten_horizon = self.forgotten_horizon.max(beat);
            self.has_dropped_unseen_effect |= grave.origin.is_unseen;
            self.has_dropped_write |= effect == ToolEffect::Write;
        }
    }
}

/// The number that follows `count` others.
fn following(first: u32, count: usize) -> u32 {
    let count = u32::try_from(count).expect("fewer are remembered than a u32 counts");
    first.wrapping_add(count)
}

fn without_turn(of: &AttemptKey) -> AttemptKey {
    AttemptKey {
        turn: Turn(0),
        ..of.clone()
    }
}

fn told_executed(outcome: &Outcome) -> Executed {
    match outcome {
        Outcome::Completed(_) => Executed::Yes,
        Outcome::Failed(failure) => failure.executed,
    }
}
