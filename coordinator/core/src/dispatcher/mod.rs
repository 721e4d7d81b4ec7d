//! The dispatcher: the machine that holds the ledger of every open turn, the waiting room, and what
//! is known of the workers, and drives each call to its one outcome.
//!
//! Read on in the order of a call's life: `open` (a call enters the ledger), `post` (it is placed and
//! sent), `control` (grants, cancels, questions), `reply` (what workers say), `undelivered` (what did not
//! reach them), `end` (an attempt ended: move, retry or settle), `settle` (the
//! outcome and the report), `time` (deadlines and answers that are due), `lease` (beats, echo, status,
//! lost instances), `session` (the instances that runs are bound to).

mod control;
mod end;
mod full;
mod lease;
mod open;
mod post;
mod reply;
mod session;
mod settle;
mod time;
mod undelivered;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use callboard_proto::message::{CancelItem, GrantItem};
use callboard_proto::{Token, TurnKey};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rustc_hash::FxHashMap;
use slotmap::SlotMap;

pub use view::WorkerView;

use self::session::Sessions;
use crate::config::Config;
use crate::counters::Counters;
use crate::effect::{CallEvent, Effect, EventKind};
use crate::input::Input;
use crate::late::LateAttempts;
use crate::lease_clock::LeaseClock;
use crate::ledger::{AttemptRef, Call, CallRef, Turn, TurnIndex};
use crate::mutation::Mutated;
use crate::registry::{Registry, WorkerIndex};
use crate::retry::RetryBudget;
use crate::sent::SentMessages;
use crate::timers::{Timer, Timers};
use crate::waiting::WaitingRoom;

/// Drives the calls of many turns to one outcome each. See the module's head.
#[derive(Debug)]
pub struct Dispatcher {
    config: Config,
    now: Instant,
    rng: fastrand::Rng,
    entropy: ChaCha8Rng,
    turns: SlotMap<TurnIndex, Turn>,
    by_turn: FxHashMap<TurnKey, TurnIndex>,
    registry: Registry,
    sessions: Sessions,
    waiting: WaitingRoom,
    /// Calls that their turns' caps keep out of the waiting room; they count as its own (P5).
    held_calls: usize,
    next_order: u64,
    sent: SentMessages,
    timers: Timers,
    next_tick: Instant,
    clock: LeaseClock,
    link_is_up: bool,
    /// Whether it was down since it was last proven.
    was_down: bool,
    retry_budget: RetryBudget,
    late: LateAttempts,
    grants: BTreeMap<WorkerIndex, Vec<(AttemptRef, GrantItem)>>,
    cancels: BTreeMap<WorkerIndex, Vec<(Option<AttemptRef>, CancelItem)>>,
    /// Attempts that are asked about, by their instances.
    questions: VecDeque<(WorkerIndex, VecDeque<AttemptRef>)>,
    effects: VecDeque<Effect>,
    /// Whether the waiting room is worth a look: somebody came, or something freed.
    unplaced: bool,
    counters: Counters,
    mutated: Mutated,
}

impl Dispatcher {
    /// A dispatcher that knows no worker and no turn.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let mut entropy = ChaCha8Rng::from_seed(config.seed);
        let rng = fastrand::Rng::with_seed(entropy.next_u64());
        Self {
            now,
            rng,
            entropy,
            turns: SlotMap::with_key(),
            by_turn: FxHashMap::default(),
            registry: Registry::default(),
            sessions: Sessions::default(),
            waiting: WaitingRoom::default(),
            held_calls: 0,
            next_order: 0,
            sent: SentMessages::default(),
            timers: Timers::default(),
            next_tick: now,
            clock: LeaseClock::new(config.limits.tick),
            link_is_up: true,
            was_down: false,
            retry_budget: RetryBudget::new(&config.limits),
            late: LateAttempts::new(config.limits.late_attempts_max),
            grants: BTreeMap::new(),
            cancels: BTreeMap::new(),
            questions: VecDeque::new(),
            effects: VecDeque::new(),
            unplaced: false,
            counters: Counters::default(),
            mutated: Mutated::default(),
            config,
        }
    }

    /// Takes one thing that happened. Inputs that are ready at the same moment are best all taken
    /// before effects are polled: what goes to one worker then travels in one message.
    ///
    /// # Panics
    /// When a turn is opened twice, or a call or seal names a turn that isn't open or is sealed: the
    /// shell opens turns and knows.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        self.now = now;
        match input {
            Input::Open { turn, options } => self.open_turn(turn, options),
            Input::Call { turn, call } => self.open_call(turn, call),
            Input::Seal { turn } => self.seal(turn),
            Input::CancelTurn { turn, reason } => self.cancel_turn(turn, reason),
            Input::CancelCall { call } => self.cancel_one(&call),
            Input::EndRun { run } => {
                self.sessions.remove(&run);
            }
            Input::Ack { token, batch } => self.take_ack(token, batch),
            Input::Result { token, batch } => self.take_result(token, batch),
            Input::Progress { token, batch } => self.take_progress(token, batch),
            Input::Free { token, free } => self.take_free(token, &free),
            Input::Refusal { token, refusal } => self.take_refusal(token, &refusal),
            Input::Undelivered { token, why } => self.take_undelivered(token, &why),
            Input::Beat(beat) => self.take_beat(&beat),
            Input::Announce(announce) => self.take_announcement(announce),
            Input::Described(announce) => self.take_description(announce),
            Input::Echo { seq } => self.take_echo(seq),
            Input::LinkDown => self.link_down(),
            Input::LinkUp => self.link_up(),
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Answer(token) => self.answer_is_due(token),
                Timer::Retry(call) => self.retry_is_due(call),
                Timer::Turn(turn) => self.turn_is_due(turn),
                Timer::Lease => self.prove_link(),
            }
        }
        if now >= self.next_tick {
            self.tick();
        }
        if self.next_probe().is_some_and(|probe| probe <= now) {
            self.unplaced = true;
        }
    }

    /// The next thing to do; `None` until the next input or timeout.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        if self.effects.is_empty() {
            self.post();
        }
        self.effects.pop_front()
    }

    /// When [`Self::handle_timeout`] is wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let mut next = self.next_tick;
        if let Some(timer) = self.timers.next() {
            next = next.min(timer);
        }
        if self.waiting.len() > 0
            && let Some(probe) = self.next_probe()
            // A probe that is due already waits for a slot, not for time.
            && probe > self.now
        {
            next = next.min(probe);
        }
        Some(next)
    }

    fn next_probe(&self) -> Option<Instant> {
        self.registry
            .iter()
            .filter_map(|(_, worker)| worker.health.next_probe())
            .min()
    }

    /// Whether [`Effect::Event`]s are made from now on for turns that aren't watched, too: without a
    /// listener they only cost time.
    pub fn tell_events(&mut self, events: bool) {
        self.config.events = events;
    }

    fn call(&self, at: CallRef) -> Option<&Call> {
        self.turns.get(at.turn)?.calls.get(at.index as usize)
    }

    fn call_mut(&mut self, at: CallRef) -> Option<&mut Call> {
        self.turns
            .get_mut(at.turn)?
            .calls
            .get_mut(at.index as usize)
    }

    /// 128 random bits that nobody can guess who has seen others (P3).
    fn random_uuid(&mut self) -> uuid::Uuid {
        let high = u128::from(self.entropy.next_u64());
        uuid::Uuid::from_u128(high << 64 | u128::from(self.entropy.next_u64()))
    }

    fn token(&mut self) -> Token {
        Token::new(self.random_uuid())
    }

    #[cfg(feature = "mutation")]
    pub(crate) fn set_mutated(&mut self, mutated: Mutated) {
        self.mutated = mutated;
    }

    /// Whether somebody wants to know what becomes of this call.
    fn is_watched(&self, at: CallRef) -> bool {
        let turn = self.turns.get(at.turn);
        turn.is_some_and(|turn| self.config.events || turn.options.is_watched)
    }

    fn event(&mut self, at: CallRef, kind: impl FnOnce() -> EventKind) {
        if self.is_watched(at)
            && let Some(turn) = self.turns.get(at.turn)
        {
            let call = turn.call_key(at.index);
            let kind = kind();
            self.effects
                .push_back(Effect::Event(CallEvent { call, kind }));
        }
    }
}
