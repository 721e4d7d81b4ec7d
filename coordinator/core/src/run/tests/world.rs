//! A run as its shell sees it, which checks every promise on the way.

use std::cell::Cell;
use std::time::{Duration, Instant};

use callboard_proto::{Effect as ToolEffect, ToolUseId, Turn, TurnKey};

use super::{answered, bad_call, call, call_of, failed, key, report, run_id};
use crate::input::NewCall;
use crate::run::{
    Answer, Eager, Effect, Gathered, Input, RETRIES_MAX, RunLoop, Stop, Terms, TurnStep, Usage,
};

/// Rare things that the schedules must have met.
#[derive(Default)]
pub(super) struct Met {
    pub(super) early: Cell<u32>,
    pub(super) held_up: Cell<u32>,
    pub(super) kept: Cell<u32>,
    pub(super) discarded: Cell<u32>,
    pub(super) asked_again: Cell<u32>,
    pub(super) hidden: Cell<u32>,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

/// A turn as the shell knows it.
struct Open {
    turn: TurnKey,
    calls: Vec<NewCall>,
    is_sealed: bool,
}

/// The run, and what is known of it from outside.
pub(super) struct World<'a> {
    pub(super) run: RunLoop,
    terms: &'a Terms,
    met: &'a Met,
    start: Instant,
    pub(super) now: Instant,
    asks: u32,
    retries: u32,
    has_failed: bool,
    posted: u32,
    pub(super) ended: bool,
    /// The calls that the response brought so far.
    streamed: Vec<NewCall>,
    /// The answer to the last question, if it came: its calls and whether they are to be run.
    answer: Option<(Vec<ToolUseId>, bool)>,
    open: Option<Open>,
}

impl<'a> World<'a> {
    pub(super) fn new(terms: &'a Terms, met: &'a Met) -> Self {
        let start = Instant::now();
        Self {
            run: RunLoop::new(run_id(), terms.clone(), start),
            terms,
            met,
            start,
            now: start,
            asks: 0,
            retries: 0,
            has_failed: false,
            posted: 0,
            ended: false,
            streamed: Vec::new(),
            answer: None,
            open: None,
        }
    }

    pub(super) fn perform_all(&mut self) {
        while let Some(effect) = self.run.poll_effect() {
            assert!(!self.ended, "{effect:?} after the end");
            match effect {
                Effect::AskModel { turn } => {
                    assert!(self.open.is_none(), "asked with calls dangling");
                    assert!(self.now < self.start + self.terms.budgets.time);
                    self.asks += 1;
                    if std::mem::take(&mut self.has_failed) {
                        count(&self.met.asked_again);
                        self.retries += 1;
                    }
                    assert_eq!(turn.turn.0, self.asks);
                    self.streamed.clear();
                    self.answer = None;
                }
                Effect::Turn { turn, step } => self.take_step(turn, step),
                Effect::FeedBack(gathered) => {
                    let (calls, _) = self.answer.take().unwrap();
                    self.take_report(&gathered, &calls);
                }
                Effect::Discard(gathered) => {
                    count(&self.met.discarded);
                    let open = self.open.as_ref().unwrap();
                    let calls: Vec<_> = open.calls.iter().map(|call| call.id.clone()).collect();
                    assert!(gathered.early_calls <= u32::try_from(calls.len()).unwrap());
                    assert_eq!(gathered.hidden, Duration::ZERO);
                    self.take_report(&gathered, &calls);
                }
                Effect::End(_) => {
                    assert!(self.open.is_none(), "ended with calls dangling");
                    self.ended = true;
                }
            }
        }
        let budgets = &self.terms.budgets;
        assert!(self.asks - self.retries <= budgets.turns);
        assert!(self.retries <= RETRIES_MAX);
        assert!(self.posted <= budgets.calls);
        assert_eq!(self.posted, self.run.calls_posted());
        assert_eq!(
            self.ended,
            self.run.poll_timeout().is_none(),
            "who waits has a deadline"
        );
    }

    fn take_step(&mut self, turn: TurnKey, step: TurnStep) {
        let (calls, is_sealed) = match step {
            TurnStep::Open {
                calls,
                deadline,
                call_time,
                is_sealed,
            } => {
                assert!(self.open.is_none());
                let budgets = &self.terms.budgets;
                let end = self.start + budgets.time;
                assert!(deadline <= end.max(self.now));
                let given =
                    call_time.unwrap_or_else(|| deadline.saturating_duration_since(self.now));
                assert!(given <= budgets.turn_time);
                self.open = Some(Open {
                    turn,
                    calls: Vec::new(),
                    is_sealed: false,
                });
                (calls, is_sealed)
            }
            TurnStep::Add { calls, is_sealed } => (calls, is_sealed),
            TurnStep::Cancel(_) => {
                assert_eq!(self.open.as_ref().unwrap().turn, turn);
                return;
            }
        };
        let open = self.open.as_mut().unwrap();
        assert_eq!(open.turn, turn);
        assert!(!open.is_sealed, "opened after the turn was sealed");
        open.is_sealed = is_sealed;
        for call in calls {
            let place = open.calls.len();
            if let Ok(posting) = &call.body {
                self.posted += 1;
                match &self.answer {
                    Some((_, is_run)) => assert!(is_run, "{} must not run", call.id),
                    None => {
                        count(&self.met.early);
                        assert_eq!(self.terms.eager, Eager::Read);
                        assert!(!self.terms.refuses_calls);
                        assert_eq!(posting.manifest.effect, ToolEffect::Read);
                    }
                }
            }
            let expected = match &self.answer {
                Some((answer, _)) => &answer[place],
                None => &self.streamed[place].id,
            };
            assert_eq!(call.id, *expected, "opened twice or out of order");
            open.calls.push(call);
        }
        assert_eq!(
            is_sealed,
            !self.run.is_asking(),
            "a turn is open until its response is whole"
        );
    }

    fn take_report(&mut self, gathered: &Gathered, calls: &[ToolUseId]) {
        let open = self.open.take().unwrap();
        assert_eq!(gathered.report.turn, open.turn);
        let reported: Vec<_> = gathered.report.calls.iter().map(|call| &call.id).collect();
        assert_eq!(reported, calls.iter().collect::<Vec<_>>());
        if gathered.hidden > Duration::ZERO {
            count(&self.met.hidden);
            assert!(gathered.early_calls > 0);
        }
    }

    /// What the model says, if it is asked; whether it was.
    fn asked(&self) -> Option<Turn> {
        self.run.is_asking().then_some(Turn(self.asks))
    }

    pub(super) fn stream(&mut self, kind: u8) {
        let Some(turn) = self.asked() else { return };
        let id = format!("s{}", self.streamed.len());
        let call = match kind {
            0 | 1 => call(&id),
            2 => call_of(&id, ToolEffect::Write),
            _ => bad_call(&id),
        };
        self.streamed.push(call.clone());
        let took = self.run.takes_early();
        self.run
            .handle_input(Input::EarlyCall { turn, call }, self.now);
        if took && !self.run.takes_early() {
            count(&self.met.held_up);
        }
    }

    pub(super) fn answer(
        &mut self,
        calls: u8,
        bad: u8,
        stop: Stop,
        tokens: u64,
        contradicts: bool,
    ) {
        let Some(turn) = self.asked() else { return };
        let mut all = self.streamed.clone();
        if contradicts && !all.is_empty() {
            all.remove(0);
        }
        all.extend((0..calls).map(|index| {
            let id = format!("c{index}");
            if index == bad {
                bad_call(&id)
            } else {
                call(&id)
            }
        }));
        let opened = self.open.as_ref().map_or(0, |open| open.calls.len());
        let is_contradicted = std::iter::zip(&self.streamed[..opened], &all)
            .any(|(streamed, call)| streamed.id != call.id)
            || opened > all.len();
        let is_run = stop == Stop::Calls && !self.terms.refuses_calls;
        if !is_contradicted {
            if opened > 0 && !is_run {
                count(&self.met.kept);
            }
            let ids = all.iter().map(|call| call.id.clone()).collect();
            self.answer = Some((ids, is_run));
        }
        let answer = Answer {
            calls: all,
            stop,
            usage: Some(Usage {
                input_tokens: tokens,
                output_tokens: 1,
            }),
            account: None,
        };
        self.run
            .handle_input(Input::ModelAnswered { turn, answer }, self.now);
    }

    pub(super) fn fail(&mut self, delay: Option<u16>) {
        let Some(turn) = self.asked() else { return };
        let delay = delay.map(|ms| Duration::from_millis(u64::from(ms)));
        self.run.handle_input(failed(turn.0, delay), self.now);
        self.has_failed = true;
    }

    /// Each call took from its opening, whenever that was, until now or less.
    pub(super) fn report(&mut self, drop: u8, shuffle: bool) {
        let Some(open) = &self.open else { return };
        let mut report = report(open.turn, &open.calls);
        for (index, call) in (1u32..).zip(&mut report.calls) {
            call.elapsed = Duration::from_millis(u64::from(index * 7));
        }
        if usize::from(drop) < report.calls.len() {
            report.calls.remove(usize::from(drop));
        }
        if shuffle {
            report.calls.reverse();
        }
        self.run.handle_input(Input::Reported(report), self.now);
    }

    pub(super) fn lose(&mut self) {
        let Some(open) = &self.open else { return };
        let turn = open.turn.turn;
        self.run.handle_input(Input::ReportLost { turn }, self.now);
    }

    pub(super) fn stale(&mut self) {
        let turn = self.asks + 1;
        let early = Input::EarlyCall {
            turn: Turn(turn),
            call: call("x"),
        };
        let lost = Input::ReportLost { turn: Turn(turn) };
        for input in [
            early,
            answered(turn, Stop::Done, vec![]),
            failed(turn, Some(Duration::ZERO)),
            Input::Reported(report(key(turn), &[])),
            lost,
        ] {
            self.run.handle_input(input, self.now);
        }
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
        if self.run.poll_timeout().is_some_and(|at| at <= self.now) {
            self.run.handle_timeout(self.now);
        }
    }
}
