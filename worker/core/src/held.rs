//! The attempts that hold a slot, and one timer for each.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard_proto::{AttemptKey, Effect as ToolEffect, GrantId, ToolName};

use crate::index::Ticket;
use crate::memory::Origin;
use crate::{ReplyTo, Start};

/// What a tool is entered with.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) tool: ToolName,
    pub(crate) arguments: Bytes,
    pub(crate) key: Option<String>,
    pub(crate) traceparent: Option<String>,
    /// Time for the attempt, from the moment that allowed it: arrival or grant.
    pub(crate) budget: Duration,
}

/// How far an attempt is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// A write without a grant.
    Waiting {
        pending: Pending,
        /// When the wait is over (P17); unknown until the ack left.
        void_at: Option<Instant>,
    },
    /// It may start, and does as soon as the shell asks.
    Queued(Pending),
    /// Its tool was entered.
    Running,
}

/// An attempt that holds a slot.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) of: AttemptKey,
    /// Under which it is remembered.
    pub(crate) ticket: Ticket,
    pub(crate) effect: ToolEffect,
    /// Hash of the tool and its arguments; see [`crate::admission`].
    pub(crate) fingerprint: u64,
    pub(crate) origin: Origin,
    /// Whether it may be a copy of one that ran and was forgotten: then nothing says that it did not.
    pub(crate) may_have_run: bool,
    /// The coordinator whose slot it is.
    pub(crate) peer: usize,
    /// The tool whose own slot it holds too.
    pub(crate) own_slot: Option<usize>,
    /// Where the result goes: the newest message that named the attempt.
    pub(crate) reply: ReplyTo,
    /// The open answer that the result helps to settle.
    pub(crate) answer: Option<u64>,
    pub(crate) arrived: Instant,
    /// When the tool was entered; until then, when the attempt arrived.
    pub(crate) started: Instant,
    /// When its budget is over.
    pub(crate) deadline: Instant,
    pub(crate) grant: Option<GrantId>,
    /// Whether the tool was told to end.
    pub(crate) is_stopping: bool,
    pub(crate) stage: Stage,
    /// Its armed timer, and where it stands among those of the same moment.
    due: Option<(Instant, usize)>,
}

impl Held {
    pub(crate) fn new(
        (of, ticket): (AttemptKey, Ticket),
        effect: ToolEffect,
        fingerprint: u64,
        origin: Origin,
        (peer, reply, answer): (usize, ReplyTo, u64),
        pending: Pending,
        now: Instant,
    ) -> Self {
        Self {
            of,
            ticket,
            effect,
            fingerprint,
            origin,
            may_have_run: false,
            peer,
            own_slot: None,
            reply,
            answer: Some(answer),
            arrived: now,
            started: now,
            deadline: now + pending.budget,
            grant: None,
            is_stopping: false,
            stage: match effect {
                ToolEffect::Read | ToolEffect::Idempotent => Stage::Queued(pending),
                ToolEffect::Write => Stage::Waiting {
                    pending,
                    void_at: None,
                },
            },
            due: None,
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        match self.stage {
            Stage::Waiting { .. } => true,
            Stage::Queued(_) | Stage::Running => false,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        match self.stage {
            Stage::Running => true,
            Stage::Waiting { .. } | Stage::Queued(_) => false,
        }
    }

    /// What its tool will be entered with, until it is.
    pub(crate) fn pending(&self) -> Option<&Pending> {
        match &self.stage {
            Stage::Waiting { pending, .. } | Stage::Queued(pending) => Some(pending),
            Stage::Running => None,
        }
    }

    /// Whether its timer's moment has come, fired or not.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|(due, _)| due <= now)
    }
}

/// The attempts that hold a slot.
#[derive(Debug, Default)]
pub(crate) struct HeldTable {
    entries: Vec<Option<Held>>,
    vacant: Vec<usize>,
    /// Attempts by the moment of their timer: those of one message mostly share it.
    timers: BTreeMap<Instant, Vec<usize>>,
    /// Attempts that may start, in order. What left, or started, meanwhile is skipped.
    queued: VecDeque<usize>,
    running: u32,
}

impl HeldTable {
    pub(crate) fn is_empty(&self) -> bool {
        self.vacant.len() == self.entries.len()
    }

    pub(crate) fn running(&self) -> u32 {
        self.running
    }

    /// All places where attempts may be; some are vacant.
    pub(crate) fn places(&self) -> std::ops::Range<usize> {
        0..self.entries.len()
    }

    pub(crate) fn find(&self, at: usize) -> Option<&Held> {
        self.entries.get(at)?.as_ref()
    }

    pub(crate) fn get(&self, at: usize) -> &Held {
        self.entries[at].as_ref().expect("a place that is held")
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> &mut Held {
        self.entries[at].as_mut().expect("a place that is held")
    }

    /// Where the next attempt that is taken will be.
    pub(crate) fn next_place(&self) -> usize {
        self.vacant.last().copied().unwrap_or(self.entries.len())
    }

    /// Takes an attempt, arms its budget, and lets it start if it needs no grant.
    pub(crate) fn insert(&mut self, held: Held) {
        let (deadline, is_waiting) = (held.deadline, held.is_waiting());
        let at = match self.vacant.pop() {
            Some(at) => {
                self.entries[at] = Some(held);
                at
            }
            None => {
                self.entries.push(Some(held));
                self.entries.len() - 1
            }
        };
        self.arm(at, deadline);
        if !is_waiting {
            self.queued.push_back(at);
        }
    }

    pub(crate) fn remove(&mut self, at: usize) -> Held {
        self.disarm(at);
        let held = self.entries[at].take().expect("a place that is held");
        self.running -= u32::from(held.is_running());
        self.vacant.push(at);
        held
    }

    /// Replaces the timer of an attempt.
    pub(crate) fn arm(&mut self, at: usize, due: Instant) {
        self.disarm(at);
        let together = self.timers.entry(due).or_default();
        let position = together.len();
        together.push(at);
        self.get_mut(at).due = Some((due, position));
    }

    pub(crate) fn disarm(&mut self, at: usize) {
        let Some((due, position)) = self.get_mut(at).due.take() else {
            return;
        };
        let Entry::Occupied(mut together) = self.timers.entry(due) else {
            return;
        };
        together.get_mut().swap_remove(position);
        match together.get().get(position).copied() {
            Some(moved) => self.get_mut(moved).due = Some((due, position)),
            None if together.get().is_empty() => {
                together.remove();
            }
            None => {}
        }
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timers.first_key_value().map(|(due, _)| *due)
    }

    /// The next attempt whose timer is due; whoever handles it disarms or removes it.
    pub(crate) fn first_due(&self, now: Instant) -> Option<usize> {
        let (due, together) = self.timers.first_key_value()?;
        (*due <= now).then(|| together.first().copied())?
    }

    /// Starts the clock of a waiting write, once its ack leaves (P17).
    pub(crate) fn open_window(&mut self, at: usize, ends: Instant) {
        let held = self.get_mut(at);
        if let Stage::Waiting { void_at, .. } = &mut held.stage
            && void_at.is_none()
        {
            *void_at = Some(ends);
            let due = held.deadline.min(ends);
            self.arm(at, due);
        }
    }

    /// Lets a waiting write start, with a new budget from now.
    pub(crate) fn grant(&mut self, at: usize, grant: GrantId, budget: Duration, now: Instant) {
        let held = self.get_mut(at);
        match std::mem::replace(&mut held.stage, Stage::Running) {
            Stage::Waiting { mut pending, .. } => {
                pending.budget = budget;
                held.grant = Some(grant);
                held.deadline = now + budget;
                held.stage = Stage::Queued(pending);
                let deadline = held.deadline;
                self.arm(at, deadline);
                self.queued.push_back(at);
            }
            stage @ (Stage::Queued(_) | Stage::Running) => held.stage = stage,
        }
    }

    /// Starts the next attempt that may.
    pub(crate) fn next_start(&mut self, now: Instant) -> Option<Start> {
        while let Some(at) = self.queued.pop_front() {
            let Some(held) = &mut self.entries[at] else {
                continue;
            };
            match std::mem::replace(&mut held.stage, Stage::Running) {
                Stage::Queued(pending) => {
                    held.started = now;
                    self.running += 1;
                    return Some(Start {
                        of: held.of.clone(),
                        place: at,
                        reply: held.reply,
                        tool: pending.tool,
                        effect: held.effect,
                        arguments: pending.arguments,
                        budget: pending.budget,
                        queued: now.saturating_duration_since(held.arrived),
                        key: pending.key,
                        traceparent: pending.traceparent,
                    });
                }
                stage @ (Stage::Waiting { .. } | Stage::Running) => held.stage = stage,
            }
        }
        None
    }
}
