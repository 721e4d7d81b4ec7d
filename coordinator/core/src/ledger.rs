//! The ledger of a turn: one slot per call, its attempts, and what is known of each.

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant};

use callboard_proto::{
    Attempt as AttemptNumber, AttemptKey, CallKey, Effect as ToolEffect, Executed, GrantId,
    InstanceId, Outcome, Token, ToolName, ToolUseId, TurnKey, WorkerName,
};
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::input::{CancelReason, Posting, TurnOptions};
use crate::registry::WorkerIndex;
use crate::report::{CallReport, Report, StopReason};
use crate::waiting::Lane;

slotmap::new_key_type! {
    /// Where a turn stands in the dispatcher's table.
    pub(crate) struct TurnIndex;
}

/// Where a call stands: its turn, and its position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallRef {
    pub(crate) turn: TurnIndex,
    pub(crate) index: u32,
}

/// One attempt of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AttemptRef {
    pub(crate) call: CallRef,
    pub(crate) number: AttemptNumber,
}

/// What is known of an attempt that may still answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Posted; no answer yet.
    Posted,
    /// Posted; not answered in time, and the worker was asked (P7).
    Asked,
    /// A `write` that waits at its worker for the grant.
    Waiting,
    /// It entered its tool.
    Running,
    /// Its instance is lost; a late result still counts where P15 says so.
    Lost,
}

/// The permission of one attempt (P17).
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) id: GrantId,
    pub(crate) sent: u32,
    /// The token of its last message.
    pub(crate) token: Token,
}

/// A delivery that may still answer.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) number: AttemptNumber,
    pub(crate) worker: WorkerIndex,
    pub(crate) instance: InstanceId,
    pub(crate) worker_name: WorkerName,
    pub(crate) phase: Phase,
    /// Whether its call had a strike when it was placed (P8).
    pub(crate) struck: bool,
    /// Whether it was heard to have entered its tool.
    pub(crate) entered: bool,
    /// Whether it holds one of its worker's unanswered posts (see `Worker::unanswered`).
    pub(crate) unanswered: bool,
    pub(crate) token: Token,
    /// The tokens of the two latest questions or cancels that name it.
    /// Boxed, as the grant: most attempts have none.
    pub(crate) asked_under: Option<Box<[Token; 2]>>,
    pub(crate) grant: Option<Box<Grant>>,
    /// The last beat that its call named (P13).
    pub(crate) seen: Option<u64>,
    pub(crate) posted: Instant,
}

impl Attempt {
    /// Whether it was sent under this token (P3).
    pub(crate) fn was_sent_under(&self, token: Token) -> bool {
        self.token == token
            || self
                .grant
                .as_ref()
                .is_some_and(|grant| grant.token == token)
            || self.was_asked_under(token)
    }

    /// Whether a grant for it was handed to the link.
    pub(crate) fn was_granted(&self) -> bool {
        self.grant.as_ref().is_some_and(|grant| grant.sent > 0)
    }

    /// Whether one of the two latest questions or cancels that name it was sent under this token.
    pub(crate) fn was_asked_under(&self, token: Token) -> bool {
        self.asked_under
            .as_ref()
            .is_some_and(|asked| asked.contains(&token))
    }

    pub(crate) fn remember_question(&mut self, token: Token) {
        match &mut self.asked_under {
            Some(asked) => **asked = [token, asked[0]],
            none => *none = Some(Box::new([token; 2])),
        }
    }

    /// What its tool does: what was declared, or `write` if its worker waited for a grant all the same.
    pub(crate) fn effect(&self, declared: ToolEffect) -> ToolEffect {
        match self.grant {
            Some(_) => ToolEffect::Write,
            None => declared,
        }
    }

    /// What can be said of it if it never answers: a `write` runs only under a grant, anything else
    /// may run from the moment that it was posted.
    pub(crate) fn executed_if_silent(&self, declared: ToolEffect) -> Executed {
        match self.effect(declared) {
            ToolEffect::Write if !self.was_granted() => Executed::No,
            // A write that was heard running entered its tool (P19), unless its worker was lost: then
            // that is what must be said (P18).
            ToolEffect::Write if self.entered && self.phase != Phase::Lost => Executed::Yes,
            ToolEffect::Write => Executed::Unknown,
            ToolEffect::Read | ToolEffect::Idempotent if self.entered => Executed::Yes,
            ToolEffect::Read | ToolEffect::Idempotent => Executed::Unknown,
        }
    }
}

/// Where an open call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Just opened: nothing is decided.
    Opened,
    /// Beyond its turn's cap: not yet in the waiting room.
    Held,
    /// Between two places: let in, or back from a worker.
    Admitted,
    /// In the waiting room.
    Waiting(Lane),
    /// Waits until a moment, then enters the waiting room.
    Delayed(Instant),
    /// Posted.
    InFlight,
    /// It has its outcome.
    Settled,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) outcome: Outcome,
    pub(crate) worker: Option<WorkerName>,
    pub(crate) elapsed: Duration,
    pub(crate) queued: Duration,
    pub(crate) executed: Duration,
}

/// One call of a turn.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: ToolUseId,
    pub(crate) posting: Option<Box<Posting>>,
    pub(crate) tool: Option<ToolName>,
    pub(crate) opened: Instant,
    pub(crate) deadline: Instant,
    /// Its rank among all calls of the dispatcher.
    pub(crate) order: u64,
    pub(crate) stand: Stand,
    /// Attempts that may still answer, the newest last.
    pub(crate) live: Vec<Attempt>,
    /// What ended attempts did (P19).
    pub(crate) executed: Executed,
    pub(crate) attempts: u32,
    /// Attempts that came back with a failure of the tool.
    pub(crate) failures: u32,
    pub(crate) moves: u32,
    pub(crate) strikes: u32,
    /// Instances that were lost while it ran there.
    pub(crate) losses: u32,
    /// Attempts of which nobody knows whether they ran.
    pub(crate) lost: u32,
    /// Whether somebody asked for its end.
    pub(crate) cancel_asked: bool,
    /// The worker that is better not tried again next.
    pub(crate) avoid: Option<WorkerIndex>,
    pub(crate) settled: Option<Box<Settled>>,
}

impl Call {
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.is_some()
    }

    /// What its tool declares to do.
    pub(crate) fn effect(&self) -> ToolEffect {
        self.posting
            .as_ref()
            .map_or(ToolEffect::Read, |posting| posting.manifest.effect)
    }

    pub(crate) fn attempt(&self, number: AttemptNumber) -> Option<usize> {
        self.live
            .iter()
            .position(|attempt| attempt.number == number)
    }

    /// Whether an answer could not be back in time any more (P5, P12). A call that was given less than
    /// two margins from the start keeps half of its time for the way.
    pub(crate) fn is_past_help(&self, now: Instant, margin: Duration) -> bool {
        let given = self.deadline.saturating_duration_since(self.opened);
        self.deadline.saturating_duration_since(now) <= margin.min(given / 2)
    }

    /// Notes what an ended attempt did; `yes` outweighs `unknown` outweighs `no` (P19).
    pub(crate) fn note_executed(&mut self, executed: Executed) {
        self.executed = join(self.executed, executed);
    }

    /// What can be said of the call if nothing more is heard (P19).
    pub(crate) fn executed_if_silent(&self) -> Executed {
        let effect = self.effect();
        self.live.iter().fold(self.executed, |executed, attempt| {
            join(executed, attempt.executed_if_silent(effect))
        })
    }
}

fn join(one: Executed, other: Executed) -> Executed {
    match (one, other) {
        (Executed::Yes, _) | (_, Executed::Yes) => Executed::Yes,
        (Executed::Unknown, _) | (_, Executed::Unknown) => Executed::Unknown,
        (Executed::No, Executed::No) => Executed::No,
    }
}

/// One turn.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) key: TurnKey,
    pub(crate) options: TurnOptions,
    pub(crate) opened: Instant,
    pub(crate) sealed: bool,
    pub(crate) cancelled: Option<CancelReason>,
    /// Whether its deadline has passed, and whether calls were open then.
    pub(crate) expired: bool,
    pub(crate) overran: bool,
    pub(crate) calls: Vec<Call>,
    /// The positions of the calls, by the hashes of their ids.
    by_id: HashTable<u32>,
    /// Calls without an outcome.
    pub(crate) open: usize,
    /// Calls that count against the turn's cap.
    pub(crate) admitted: u32,
    /// Calls beyond the cap, in order.
    pub(crate) held: VecDeque<u32>,
    /// Whether held calls are being let in just now: each one that ends at once would start it again.
    pub(crate) letting_in: bool,
    /// Calls by their deadline; those that are settled meanwhile are passed over.
    pub(crate) deadlines: BTreeMap<Instant, Vec<u32>>,
    /// When the dispatcher looks at the turn next, as its timer table has it.
    pub(crate) wakes: Option<Instant>,
}

impl Turn {
    pub(crate) fn new(key: TurnKey, options: TurnOptions, now: Instant) -> Self {
        let wakes = Some(options.deadline);
        Self {
            key,
            options,
            opened: now,
            sealed: false,
            cancelled: None,
            expired: false,
            overran: false,
            calls: Vec::new(),
            by_id: HashTable::new(),
            open: 0,
            admitted: 0,
            held: VecDeque::new(),
            letting_in: false,
            deadlines: BTreeMap::new(),
            wakes,
        }
    }

    /// Where the call with an id stands.
    pub(crate) fn position(&self, id: &ToolUseId) -> Option<u32> {
        let is_it = |at: &u32| self.calls[*at as usize].id == *id;
        self.by_id.find(FxBuildHasher.hash_one(id), is_it).copied()
    }

    /// Makes room for more calls.
    pub(crate) fn expect_calls(&mut self, calls: usize) {
        self.calls.reserve(calls);
        let held = &self.calls;
        let rehash = |at: &u32| FxBuildHasher.hash_one(&held[*at as usize].id);
        self.by_id.reserve(calls, rehash);
    }

    /// Adds a call, and gives its position.
    pub(crate) fn push(&mut self, call: Call) -> u32 {
        let position = u32::try_from(self.calls.len()).expect("a turn has fewer than 2^32 calls");
        let hash = FxBuildHasher.hash_one(&call.id);
        self.calls.push(call);
        let calls = &self.calls;
        let rehash = |at: &u32| FxBuildHasher.hash_one(&calls[*at as usize].id);
        self.by_id.insert_unique(hash, position, rehash);
        position
    }

    /// The next moment at which something of this turn is due; `None` once its deadline has passed.
    pub(crate) fn due(&self) -> Option<Instant> {
        let deadline = (!self.expired).then_some(self.options.deadline);
        let first = self.deadlines.keys().next().copied();
        deadline.into_iter().chain(first).min()
    }

    pub(crate) fn call_key(&self, index: u32) -> CallKey {
        CallKey {
            run: self.key.run,
            turn: self.key.turn,
            id: self.calls[index as usize].id.clone(),
        }
    }

    pub(crate) fn attempt_key(&self, index: u32, attempt: AttemptNumber) -> AttemptKey {
        AttemptKey {
            run: self.key.run,
            turn: self.key.turn,
            id: self.calls[index as usize].id.clone(),
            attempt,
            epoch: self.options.epoch,
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.sealed && self.open == 0
    }

    /// Renders the report: one outcome for each call, in call order.
    pub(crate) fn into_report(self, now: Instant) -> Report {
        let stopped = if self.cancelled.is_some() {
            StopReason::Cancelled
        } else if self.overran {
            StopReason::Deadline
        } else {
            StopReason::Settled
        };
        let opened = self.calls.len();
        let calls: Vec<CallReport> = self
            .calls
            .into_iter()
            .filter_map(|call| {
                let settled = call.settled?;
                Some(CallReport {
                    id: call.id,
                    tool: call.tool,
                    outcome: settled.outcome,
                    attempts: call.attempts,
                    worker: settled.worker,
                    elapsed: settled.elapsed,
                    queued: settled.queued,
                    executed: settled.executed,
                })
            })
            .collect();
        assert_eq!(
            calls.len(),
            opened,
            "a call of a complete turn has no outcome"
        );
        Report {
            turn: self.key,
            calls,
            stopped,
            elapsed: now.saturating_duration_since(self.opened),
        }
    }
}
