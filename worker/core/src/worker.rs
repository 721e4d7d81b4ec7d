//! The machine: its four verbs, and how attempts leave it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use callboard_proto::message::ResultItem;
use callboard_proto::{AttemptKey, InstanceId, Outcome};

use crate::answers::Answers;
use crate::beats::Beats;
use crate::catalogue::Catalogue;
use crate::drain::Drain;
use crate::failure;
use crate::held::{Held, HeldTable, Stage};
use crate::memory::{Delivery, Known, Memory, Origin};
use crate::mutation::{Mutated, Mutation};
use crate::outbox::Outbox;
use crate::peers::Peers;
use crate::tool_slots::ToolSlots;
use crate::{
    Config, Counters, Effect, Finished, Identity, Input, OfferedTool, ReplyTo, StopReason,
};

/// One instance: which attempts it holds, and what it says to whom.
#[derive(Debug)]
pub struct Worker {
    pub(crate) identity: Identity,
    pub(crate) config: Config,
    pub(crate) catalogue: Catalogue,
    pub(crate) held: HeldTable,
    pub(crate) memory: Memory,
    pub(crate) peers: Peers,
    pub(crate) tool_slots: ToolSlots,
    pub(crate) answers: Answers,
    pub(crate) outbox: Outbox,
    pub(crate) beats: Beats,
    pub(crate) drain: Drain,
    pub(crate) counters: Counters,
    /// Numbers the reports of the instance.
    pub(crate) reports: u64,
    /// Effects that only wait to be polled.
    pub(crate) ready: VecDeque<Effect>,
    /// The latest moment that anybody told.
    pub(crate) now: Instant,
    pub(crate) mutated: Mutated,
    #[cfg(feature = "mutation")]
    pub(crate) starts: rustc_hash::FxHashMap<callboard_proto::AttemptKey, crate::Start>,
}

impl Worker {
    /// Begins a life: the first beat is ready at once.
    #[must_use]
    pub fn new(identity: Identity, config: Config, tools: Vec<OfferedTool>, now: Instant) -> Self {
        Self {
            identity,
            tool_slots: ToolSlots::new(&config, &tools),
            catalogue: Catalogue::new(tools),
            held: HeldTable::default(),
            memory: Memory::new(&config),
            peers: Peers::new(&config),
            answers: Answers::default(),
            outbox: Outbox::new(&config),
            beats: Beats::new(config.beat_interval, now),
            drain: Drain::default(),
            counters: Counters::default(),
            reports: 0,
            ready: VecDeque::new(),
            now,
            mutated: Mutated::default(),
            #[cfg(feature = "mutation")]
            starts: rustc_hash::FxHashMap::default(),
            config,
        }
    }

    /// Takes one thing that happened at `now`. A batch that names another instance is counted and
    /// dropped; the shell refuses it by [`Self::names_us`].
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        self.now = now;
        self.memory.expire(now, &mut self.counters);
        match input {
            Input::Call { reply, batch } => self.on_call(reply, batch),
            Input::Grant { reply, batch } => self.on_grant(reply, batch),
            Input::Cancel { reply, batch } => self.on_cancel(reply, batch),
            Input::Status { reply, batch } => self.on_status(reply, batch),
            Input::Finished(finished) => self.on_finished(finished),
            Input::Tools(tools) => self.on_tools(tools),
            Input::Drain { grace } => self.on_drain(grace),
        }
        if self.memory.is_filling() {
            self.beats.advance(now);
        }
    }

    /// Does what is due at `now`. Calling it early or often is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.memory.expire(now, &mut self.counters);
        self.beats.handle_timeout(now);
        self.answers.expire(now);
        while let Some(at) = self.held.first_due(now) {
            self.on_due(at);
        }
        let expired = self.peers.expire_offers(now) + self.tool_slots.expire_offers(now);
        self.counters.offers_expired += u64::from(expired);
        self.drop_orphans();
        self.end_grace();
    }

    /// Gives the next thing to do. Tools are entered first, so that the results of those that end at
    /// once leave with everything else that is ready; messages are built when nothing else is left.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        while let Some(effect) = self.ready.pop_front() {
            if !self.is_void(&effect) {
                return Some(effect);
            }
        }
        if let Some(start) = self.held.next_start(self.now) {
            self.counters.started += 1;
            #[cfg(feature = "mutation")]
            self.starts.insert(start.of.clone(), start.clone());
            return Some(Effect::Start(start));
        }
        self.flush();
        self.ready.pop_front()
    }

    /// Gives the moment at which [`Self::handle_timeout`] is wanted; there is always a next beat.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [
            Some(self.beats.next()),
            self.answers.due(),
            self.held.next_due(),
            self.peers.offers_end,
            self.tool_slots.offers_end(),
            self.peers.silence_at(),
            self.drain.grace_ends(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Changes the most bytes that one message may have, for a link whose server takes less or more.
    pub fn set_batch_bytes_max(&mut self, bytes_max: usize) {
        self.outbox.cut.set_bytes_max(bytes_max);
    }

    /// Whether a message is for this life: it names this instance, or none (P2).
    #[must_use]
    pub fn names_us(&self, instance: Option<InstanceId>) -> bool {
        instance.is_none_or(|instance| instance == self.identity.instance)
            || self.mutated.lacks(Mutation::InstanceCheck)
    }

    /// Who the instance is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Slots that no attempt holds, whether or not they are held out to somebody.
    #[must_use]
    pub fn slots_free(&self) -> u32 {
        self.peers.unheld()
    }

    /// When the last beat left; `None` before the first.
    #[must_use]
    pub fn last_beat(&self) -> Option<Instant> {
        self.beats.last_left()
    }

    /// Tools that were entered and haven't ended.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.held.running()
    }

    /// Attempts that are remembered: held, ended or refused.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.memory.len()
    }

    /// The version of the tools on offer, from 1.
    #[must_use]
    pub fn catalogue(&self) -> u64 {
        self.catalogue.version
    }

    /// Whether no more calls are taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_draining
    }

    /// Whether [`Effect::Drained`] was given: nothing runs, and everything was said.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.drain.is_told
    }

    /// What happened how often.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The bound on the beats that a copy of a message can name that arrives now.
    pub(crate) fn origin(&self, seen: Option<u64>) -> Origin {
        Origin {
            beat: self.beats.last(),
            is_unseen: seen.is_none(),
        }
    }

    /// What is known of an attempt.
    pub(crate) fn find(&self, of: &AttemptKey) -> Option<Known> {
        self.memory.find(of, &self.held)
    }

    fn on_finished(&mut self, finished: Finished) {
        let is_it = |at: &usize| {
            self.held
                .find(*at)
                .is_some_and(|held| held.of == finished.of)
        };
        let known = match finished.place.filter(is_it) {
            Some(at) => Some(Known::Held(at)),
            None => self.find(&finished.of),
        };
        match known {
            Some(Known::Held(at)) if self.held.get(at).is_running() => {
                self.counters.finished += 1;
                let held = self.release(at, true);
                let queued = held.started.saturating_duration_since(held.arrived);
                self.conclude(held, finished.outcome, queued, finished.executed);
            }
            Some(Known::Held(_) | Known::Kept(_) | Known::Refused | Known::Forgotten) | None => {
                self.counters.finished_unknown += 1;
            }
        }
    }

    /// A timer of an attempt: its budget, or the window for its grant.
    pub(crate) fn on_due(&mut self, at: usize) {
        let held = self.held.get(at);
        match held.stage {
            Stage::Running => self.stop(at, StopReason::TimedOut),
            Stage::Waiting { .. } if held.deadline > self.now => {
                self.counters.grants_void += 1;
                self.drop_unstarted(at);
            }
            Stage::Waiting { .. } | Stage::Queued(_) => {
                self.counters.timed_out_unstarted += 1;
                self.end_unstarted(at, failure::timed_out());
            }
        }
    }

    /// Tells a running tool to end, once.
    pub(crate) fn stop(&mut self, at: usize, reason: StopReason) {
        self.held.disarm(at);
        let held = self.held.get_mut(at);
        if std::mem::replace(&mut held.is_stopping, true) {
            return;
        }
        match reason {
            StopReason::TimedOut => self.counters.timed_out += 1,
            StopReason::Cancelled => self.counters.cancelled += 1,
            StopReason::Orphaned => self.counters.orphans_stopped += 1,
            StopReason::Drained => self.counters.drained += 1,
        }
        self.ready.push_back(Effect::Stop {
            of: held.of.clone(),
            place: at,
            reason,
        });
    }

    /// Whether an effect lost its sense while it waited: a tool that ended needs no stop.
    fn is_void(&self, effect: &Effect) -> bool {
        let Effect::Stop { of, place, .. } = effect else {
            return false;
        };
        let held = self.held.find(*place).filter(|held| held.of == *of);
        held.is_none_or(|held| !held.is_stopping)
    }

    /// Ends an attempt that never entered its tool, with a result.
    pub(crate) fn end_unstarted(&mut self, at: usize, outcome: Outcome) {
        let held = self.release(at, true);
        let queued = self.now.saturating_duration_since(held.arrived);
        self.conclude(held, outcome, queued, Duration::ZERO);
    }

    /// Refuses, for ever and without a word, an attempt that never entered its tool.
    pub(crate) fn drop_unstarted(&mut self, at: usize) {
        let held = self.release(at, false);
        let may_have_run = held.may_have_run.then_some(held.effect);
        self.memory.refuse(
            held.of,
            held.origin,
            may_have_run,
            Some(held.ticket),
            &mut self.counters,
        );
    }

    /// Lets the results of a held attempt go to a newer message, of this coordinator or another.
    pub(crate) fn adopt(&mut self, at: usize, reply: ReplyTo, peer: usize, answer: Option<u64>) {
        let held = self.held.get_mut(at);
        held.reply = reply;
        held.answer = answer;
        let before = std::mem::replace(&mut held.peer, peer);
        if before != peer {
            self.peers.move_slot(before, peer);
        }
    }

    /// Gives back what an attempt held; whether its coordinator `hears` so by a result.
    fn release(&mut self, at: usize, hears: bool) -> Held {
        let held = self.held.remove(at);
        self.peers.release(held.peer);
        if let Some(own) = held.own_slot {
            let hears = hears.then_some(held.reply.coordinator);
            self.tool_slots.release(own, hears, self.now);
        }
        held
    }

    fn conclude(&mut self, held: Held, outcome: Outcome, queued: Duration, executed: Duration) {
        let outcome = if held.may_have_run {
            failure::in_doubt(outcome)
        } else {
            outcome
        };
        let result = ResultItem {
            of: held.of,
            outcome,
            queued,
            executed,
        };
        if let Some(answer) = held.answer {
            self.answers.sent(answer);
        }
        let written = self.memory.keep(
            &result,
            Delivery {
                fingerprint: Some(held.fingerprint),
                effect: held.effect,
                grant: held.grant,
                origin: held.origin,
            },
            Some(held.ticket),
            self.now,
            &mut self.counters,
        );
        self.outbox.push_written(held.reply, written.range());
    }
}
