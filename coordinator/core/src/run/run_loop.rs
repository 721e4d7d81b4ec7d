//! The loop itself.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use callboard_proto::{RunId, Turn, TurnKey};

use super::answer;
use super::budget::{REPORT_GRACE, Usage};
use super::early::Early;
use super::effect::{Effect, RunEnd, TurnStep};
use super::gathering::{Gathering, Then, Use};
use super::input::{Answer, Input, Stop};
use super::spent::Spent;
use super::terms::{Eager, Terms};
use crate::input::{CancelReason, NewCall};
use crate::report::Report;

/// Drives one conversation to its end.
#[derive(Debug)]
pub struct RunLoop {
    run: RunId,
    terms: Terms,
    /// When the time budget is used up.
    deadline: Instant,
    /// The turn that is asked for or gathered; the last one, once the run has ended.
    turn: Turn,
    spent: Spent,
    state: State,
    effects: VecDeque<Effect>,
}

#[derive(Debug)]
enum State {
    /// The model is asked; these calls of its answer are open already.
    Asking(Early),
    /// The same question is asked again at this instant.
    Waiting(Instant),
    Gathering(Gathering),
    Ended,
}

impl RunLoop {
    /// Begins a run: the first effect asks the model, unless the budget allows no turn at all.
    #[must_use]
    pub fn new(run: RunId, terms: Terms, now: Instant) -> Self {
        let deadline = now + terms.budgets.time;
        let mut this = Self {
            run,
            terms,
            deadline,
            turn: Turn(0),
            spent: Spent::default(),
            state: State::Ended,
            effects: VecDeque::new(),
        };
        this.ask_or_end(now);
        this
    }

    /// Takes something that happened. After [`Effect::End`] nothing has an effect, but that what was used
    /// counts.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        match input {
            Input::EarlyCall { turn, call } => {
                if turn == self.turn && self.takes_early() {
                    self.open_early(call, now);
                }
            }
            Input::ModelAnswered { turn, answer } => {
                if let Some(early) = self.asked_for(turn) {
                    self.answered(answer, early, now);
                }
            }
            Input::ModelFailed {
                turn,
                message,
                retry_after,
            } => {
                if let Some(early) = self.asked_for(turn) {
                    self.failed(message, retry_after, early, now);
                }
            }
            Input::Discarded(usage) => self.spent.usage.add(usage),
            Input::Reported(report) => {
                if report.turn == self.turn() {
                    self.reported(Some(report), now);
                }
            }
            Input::ReportLost { turn } => {
                if turn == self.turn {
                    self.reported(None, now);
                }
            }
            Input::Cancel(reason) => self.cancel(reason, now),
        }
    }

    /// Acts on time that has passed; does nothing before [`Self::poll_timeout`]'s instant.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        match &mut self.state {
            State::Asking(early) => {
                // Its calls end at this very deadline, so nobody has to cancel them.
                let early = std::mem::take(early);
                let end = RunEnd::TimeExhausted { failure: None };
                self.give_up(early, Then::End(end), None, now);
            }
            State::Waiting(_) => self.ask_or_end(now),
            State::Gathering(_) => {
                self.step(TurnStep::Cancel(CancelReason::Asked));
                self.reported(None, now);
            }
            State::Ended => {}
        }
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Asking(_) => Some(self.deadline),
            State::Waiting(until) => Some(*until),
            State::Gathering(gathering) => Some(gathering.give_up),
            State::Ended => None,
        }
    }

    /// Whether an answer of the model is waited for.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking(_))
    }

    /// Whether another [`Input::EarlyCall`] of the response that is waited for can have an effect.
    #[must_use]
    pub fn takes_early(&self) -> bool {
        let may = match self.terms.eager {
            Eager::Off => false,
            Eager::Read => !self.terms.refuses_calls,
        };
        may && matches!(&self.state, State::Asking(early) if early.goes_on())
    }

    /// When the time budget is used up.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Tokens used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.spent.usage
    }

    /// Calls that were posted so far; those that failed before posting aren't counted.
    #[must_use]
    pub fn calls_posted(&self) -> u32 {
        self.spent.calls
    }

    /// The turn that is asked for or gathered; the last one, once the run has ended.
    #[must_use]
    pub fn turn(&self) -> TurnKey {
        TurnKey {
            run: self.run,
            turn: self.turn,
        }
    }

    fn step(&mut self, step: TurnStep) {
        let turn = self.turn();
        self.effects.push_back(Effect::Turn { turn, step });
    }

    /// The early calls of the answer that has just come, if it was waited for.
    fn asked_for(&mut self, turn: Turn) -> Option<Early> {
        match &mut self.state {
            State::Asking(early) if turn == self.turn => Some(std::mem::take(early)),
            State::Asking(_) | State::Waiting(_) | State::Gathering(_) | State::Ended => None,
        }
    }

    fn end(&mut self, end: RunEnd) {
        self.state = State::Ended;
        self.effects.push_back(Effect::End(end));
    }

    fn go_on(&mut self, then: Then, now: Instant) {
        match then {
            Then::GoOn => self.ask_or_end(now),
            Then::AskAgain(at) if now < at => self.state = State::Waiting(at),
            Then::AskAgain(_) => self.ask_or_end(now),
            Then::End(end) => self.end(end),
        }
    }

    fn ask_or_end(&mut self, now: Instant) {
        let budgets = &self.terms.budgets;
        if now >= self.deadline {
            return self.end(RunEnd::TimeExhausted { failure: None });
        }
        if self.spent.responses(self.turn) >= budgets.turns {
            return self.end(RunEnd::TurnsExhausted);
        }
        if let Some(tokens) = budgets.tokens
            && self.spent.usage.total() >= tokens
        {
            return self.end(RunEnd::TokensExhausted);
        }
        self.turn.0 += 1;
        self.state = State::Asking(Early::default());
        self.effects
            .push_back(Effect::AskModel { turn: self.turn() });
    }

    /// Opens a call before it is known why the model will stop. With the first one, the turn.
    fn open_early(&mut self, call: NewCall, now: Instant) {
        let has_room = self.spent.calls < self.terms.budgets.calls;
        let is_late = now >= self.deadline;
        let State::Asking(early) = &mut self.state else {
            return;
        };
        if is_late || !early.admits(&call, has_room) {
            return early.stop();
        }
        let is_first = early.is_empty();
        self.spent.calls += u32::from(call.body.is_ok());
        early.push(call.clone(), now);
        let calls = vec![call];
        let is_sealed = false;
        self.step(if is_first {
            // Nobody knows yet when the response will be whole, so the turn has the run's time, and each
            // call the turn's.
            TurnStep::Open {
                calls,
                deadline: self.deadline,
                call_time: Some(self.terms.budgets.turn_time),
                is_sealed,
            }
        } else {
            TurnStep::Add { calls, is_sealed }
        });
    }

    fn answered(&mut self, answer: Answer, early: Early, now: Instant) {
        let Answer {
            mut calls,
            stop,
            usage,
            account,
        } = answer;
        if let Some(usage) = usage {
            self.spent.usage.add(usage);
        }
        if let Some(message) = answer::contradiction(&calls, &stop, &early) {
            let then = Then::End(RunEnd::ModelFailed { message });
            return self.give_up(early, then, Some(CancelReason::Asked), now);
        }
        let too_often = self.spent.count_pause(&stop);
        let rest = &mut calls[early.len()..];
        let (end, results) = if stop == Stop::Calls {
            (self.spent.charge(&self.terms, rest, &early), Use::Wanted)
        } else {
            answer::refuse_all(rest, &stop);
            match too_often.or_else(|| answer::end_after(stop, account)) {
                Some(end) => (Some(end), Use::Kept),
                None => (None, Use::Wanted),
            }
        };
        let then = end.map_or(Then::GoOn, Then::End);
        if calls.is_empty() {
            return self.go_on(then, now);
        }
        self.gather(calls, early, results, then, now);
    }

    /// Opens what isn't open yet of a whole response, and waits for the report.
    fn gather(
        &mut self,
        mut calls: Vec<NewCall>,
        early: Early,
        results: Use,
        then: Then,
        now: Instant,
    ) {
        let deadline = (now + self.terms.budgets.turn_time).min(self.deadline.max(now));
        let had_early = !early.is_empty();
        let rest = calls.split_off(early.len());
        let give_up = deadline + REPORT_GRACE;
        self.state = State::Gathering(Gathering::new(early, &rest, results, then, give_up, now));
        let is_sealed = true;
        self.step(if had_early {
            TurnStep::Add {
                calls: rest,
                is_sealed,
            }
        } else {
            TurnStep::Open {
                calls: rest,
                deadline,
                call_time: None,
                is_sealed,
            }
        });
        if had_early && results != Use::Wanted {
            // What still runs of it is of no use to anybody.
            self.step(TurnStep::Cancel(CancelReason::Asked));
        }
    }

    fn failed(
        &mut self,
        message: String,
        retry_after: Option<Duration>,
        early: Early,
        now: Instant,
    ) {
        let then = match self.spent.retry(retry_after, now, self.deadline) {
            Some(at) => Then::AskAgain(at),
            None => Then::End(RunEnd::ModelFailed { message }),
        };
        self.give_up(early, then, Some(CancelReason::Asked), now);
    }

    /// Goes on without an answer, once the calls that it began with are settled.
    fn give_up(&mut self, early: Early, then: Then, cancel: Option<CancelReason>, now: Instant) {
        if early.is_empty() {
            return self.go_on(then, now);
        }
        let give_up = now + REPORT_GRACE;
        let gathering = Gathering::new(early, &[], Use::Discarded, then, give_up, now);
        self.state = State::Gathering(gathering);
        self.step(TurnStep::Add {
            calls: Vec::new(),
            is_sealed: true,
        });
        if let Some(reason) = cancel {
            self.step(TurnStep::Cancel(reason));
        }
    }

    fn reported(&mut self, report: Option<Report>, now: Instant) {
        let key = self.turn();
        let gathering = match std::mem::replace(&mut self.state, State::Ended) {
            State::Gathering(gathering) => gathering,
            other @ (State::Asking(_) | State::Waiting(_) | State::Ended) => {
                self.state = other;
                return;
            }
        };
        let gathered = gathering.complete(report, key, now);
        self.effects.push_back(match gathering.results {
            Use::Wanted | Use::Kept => Effect::FeedBack(gathered),
            Use::Discarded => Effect::Discard(gathered),
        });
        self.go_on(gathering.then, now);
    }

    fn cancel(&mut self, reason: CancelReason, now: Instant) {
        let then = Then::End(RunEnd::Cancelled(reason));
        match &mut self.state {
            State::Asking(early) => {
                let early = std::mem::take(early);
                self.give_up(early, then, Some(reason), now);
            }
            State::Waiting(_) => self.go_on(then, now),
            State::Gathering(gathering) => {
                // The first word stands: a second cancel neither extends the wait nor changes the reason.
                if matches!(gathering.then, Then::End(RunEnd::Cancelled(_))) {
                    return;
                }
                gathering.then = then;
                gathering.give_up = gathering.give_up.min(now + REPORT_GRACE);
                self.step(TurnStep::Cancel(reason));
            }
            State::Ended => {}
        }
    }
}
