//! The loop itself.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use callboard_proto::{
    Executed, Failure, FailureKind, Outcome, RunId, ToolName, ToolUseId, Turn, TurnKey,
};

use super::budget::{Budgets, REPORT_GRACE, Usage};
use super::effect::{Effect, RunEnd};
use super::input::{Answer, Input, Stop};
use crate::input::{CancelReason, NewCall};
use crate::report::{CallReport, Report, StopReason};

/// Drives one conversation to its end.
#[derive(Debug)]
pub struct RunLoop {
    run: RunId,
    budgets: Budgets,
    /// When the time budget is used up.
    deadline: Instant,
    /// The turn that is asked for or gathered; the last one, once the run has ended.
    turn: Turn,
    calls_posted: u32,
    usage: Usage,
    state: State,
    effects: VecDeque<Effect>,
}

#[derive(Debug)]
enum State {
    Asking,
    Gathering(Gathering),
    Ended,
}

#[derive(Debug)]
struct Gathering {
    /// What was opened, in order: the report must answer exactly these.
    calls: Vec<Opened>,
    opened: Instant,
    /// When the report is given up; the turn's deadline or its cancel plus [`REPORT_GRACE`].
    give_up: Instant,
    /// What the run does once the report is in; `None`: go on if the budgets allow it.
    then: Option<RunEnd>,
}

/// A call as it was opened: the tool that it was posted to, or why it couldn't be.
type Opened = (ToolUseId, Result<ToolName, Failure>);

impl RunLoop {
    /// Begins a run: the first effect asks the model, unless the budget allows no turn at all.
    #[must_use]
    pub fn new(run: RunId, budgets: Budgets, now: Instant) -> Self {
        let deadline = now + budgets.time;
        let mut this = Self {
            run,
            budgets,
            deadline,
            turn: Turn(0),
            calls_posted: 0,
            usage: Usage::default(),
            state: State::Asking,
            effects: VecDeque::new(),
        };
        this.ask_or_end(now);
        this
    }

    /// Takes something that happened. After [`Effect::End`] nothing has an effect.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        match input {
            Input::ModelAnswered { turn, answer } => {
                if self.is_asking(turn) {
                    self.answered(answer, now);
                }
            }
            Input::ModelFailed { turn, message } => {
                if self.is_asking(turn) {
                    self.end(RunEnd::ModelFailed { message });
                }
            }
            Input::Reported(report) => {
                if report.turn == self.key() {
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
        match &self.state {
            State::Asking if now >= self.deadline => self.end(RunEnd::TimeExhausted),
            State::Gathering(gathering) if now >= gathering.give_up => {
                self.effects.push_back(Effect::CancelTurn {
                    turn: self.key(),
                    reason: CancelReason::Asked,
                });
                self.reported(None, now);
            }
            State::Asking | State::Gathering(_) | State::Ended => {}
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
            State::Asking => Some(self.deadline),
            State::Gathering(gathering) => Some(gathering.give_up),
            State::Ended => None,
        }
    }

    /// Tokens used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Calls that were posted so far; those that failed before posting aren't counted.
    #[must_use]
    pub fn calls_posted(&self) -> u32 {
        self.calls_posted
    }

    fn key(&self) -> TurnKey {
        TurnKey {
            run: self.run,
            turn: self.turn,
        }
    }

    fn is_asking(&self, turn: Turn) -> bool {
        matches!(self.state, State::Asking) && turn == self.turn
    }

    fn end(&mut self, end: RunEnd) {
        self.state = State::Ended;
        self.effects.push_back(Effect::End(end));
    }

    fn ask_or_end(&mut self, now: Instant) {
        if now >= self.deadline {
            return self.end(RunEnd::TimeExhausted);
        }
        if self.turn.0 >= self.budgets.turns {
            return self.end(RunEnd::TurnsExhausted);
        }
        if let Some(tokens) = self.budgets.tokens
            && self.usage.total() >= tokens
        {
            return self.end(RunEnd::TokensExhausted);
        }
        self.turn.0 += 1;
        self.state = State::Asking;
        self.effects
            .push_back(Effect::AskModel { turn: self.key() });
    }

    fn answered(&mut self, answer: Answer, now: Instant) {
        let Answer {
            mut calls,
            stop,
            usage,
        } = answer;
        if let Some(usage) = usage {
            self.usage.add(usage);
        }
        // Two calls under one id can't both be answered: no provider takes two results for it.
        if let Some(id) = first_repeated(&calls) {
            return self.end(RunEnd::ModelFailed {
                message: format!(
                    "the response holds two calls with the id {:?}, so none of its {} calls was run",
                    id.as_str(),
                    calls.len()
                ),
            });
        }
        let then = match &stop {
            Stop::Calls if calls.is_empty() => {
                return self.end(RunEnd::ModelFailed {
                    message: "the response says that calls follow, and holds none".to_owned(),
                });
            }
            Stop::Calls => self.charge(&mut calls),
            // The budget of turns bounds how often.
            Stop::Paused if calls.is_empty() => return self.ask_or_end(now),
            Stop::Paused => None,
            Stop::Done => Some(RunEnd::Answered),
            Stop::Truncated => Some(RunEnd::Truncated),
            Stop::Declined => Some(RunEnd::Declined),
            Stop::Unknown(reason) => Some(RunEnd::ModelFailed {
                message: format!(
                    "the response stopped for the reason {reason:?}, which is unknown"
                ),
            }),
        };
        if calls.is_empty() {
            return self.end(
                then.expect("only Stop::Calls and Stop::Paused yield no end, and they have calls"),
            );
        }
        if stop != Stop::Calls {
            let why = format!("{}; the call was not run", stop.describe());
            for call in &mut calls {
                refuse(call, &why);
            }
        }
        self.open(calls, then, now);
    }

    /// Takes the calls out of the budget and refuses the surplus. Asking for calls when nothing is
    /// left ends the run after the report: the model had its chance to answer without.
    fn charge(&mut self, calls: &mut [NewCall]) -> Option<RunEnd> {
        let allowed = self.budgets.calls;
        let was_exhausted = self.calls_posted >= allowed;
        let mut is_over = false;
        for call in calls.iter_mut().filter(|call| call.body.is_ok()) {
            if self.calls_posted < allowed {
                self.calls_posted += 1;
            } else {
                is_over = true;
                refuse(call, &format!("call budget of {allowed} used up"));
            }
        }
        (was_exhausted && is_over).then_some(RunEnd::CallsExhausted)
    }

    fn open(&mut self, calls: Vec<NewCall>, then: Option<RunEnd>, now: Instant) {
        let deadline = (now + self.budgets.turn_time).min(self.deadline.max(now));
        self.state = State::Gathering(Gathering {
            calls: calls
                .iter()
                .map(|call| {
                    let tool = call.body.as_ref().map(|posting| posting.tool.clone());
                    (call.id.clone(), tool.map_err(Clone::clone))
                })
                .collect(),
            opened: now,
            give_up: deadline + REPORT_GRACE,
            then,
        });
        self.effects.push_back(Effect::OpenTurn {
            turn: self.key(),
            calls,
            deadline,
        });
    }

    fn reported(&mut self, report: Option<Report>, now: Instant) {
        let key = self.key();
        let gathering = match std::mem::replace(&mut self.state, State::Ended) {
            State::Gathering(gathering) => gathering,
            other @ (State::Asking | State::Ended) => {
                self.state = other;
                return;
            }
        };
        let report = complete(report, key, &gathering, now);
        self.effects.push_back(Effect::FeedBack(report));
        match gathering.then {
            Some(end) => self.end(end),
            None => self.ask_or_end(now),
        }
    }

    fn cancel(&mut self, reason: CancelReason, now: Instant) {
        let turn = self.key();
        match &mut self.state {
            State::Asking => self.end(RunEnd::Cancelled(reason)),
            State::Gathering(gathering) => {
                // The first word stands: a second cancel neither extends the wait nor changes the reason.
                if matches!(gathering.then, Some(RunEnd::Cancelled(_))) {
                    return;
                }
                gathering.then = Some(RunEnd::Cancelled(reason));
                gathering.give_up = gathering.give_up.min(now + REPORT_GRACE);
                self.effects.push_back(Effect::CancelTurn { turn, reason });
            }
            State::Ended => {}
        }
    }
}

fn first_repeated(calls: &[NewCall]) -> Option<ToolUseId> {
    let mut seen = BTreeSet::new();
    calls
        .iter()
        .find(|call| !seen.insert(&call.id))
        .map(|call| call.id.clone())
}

/// Refuses a call that could have been posted; one that failed its check keeps its true cause.
fn refuse(call: &mut NewCall, why: &str) {
    if call.body.is_ok() {
        call.body = Err(Failure::new(FailureKind::Refused, why, Executed::No));
    }
}

/// The report with exactly one outcome for each opened call, in order. A call that the report doesn't
/// hold may have run.
fn complete(report: Option<Report>, turn: TurnKey, gathering: &Gathering, now: Instant) -> Report {
    let elapsed = now.saturating_duration_since(gathering.opened);
    let is_complete = |report: &Report| {
        report.calls.len() == gathering.calls.len()
            && std::iter::zip(&report.calls, &gathering.calls).all(|(call, (id, _))| call.id == *id)
    };
    let mut report = match report {
        Some(report) if is_complete(&report) => return report,
        Some(report) => report,
        None => Report {
            turn,
            calls: Vec::new(),
            stopped: StopReason::Deadline,
            elapsed,
        },
    };
    let mut found = std::mem::take(&mut report.calls);
    report.calls = gathering
        .calls
        .iter()
        .map(
            |opened| match found.iter().position(|call| call.id == opened.0) {
                Some(position) => found.swap_remove(position),
                None => lost(opened, elapsed),
            },
        )
        .collect();
    report
}

fn lost((id, tool): &Opened, elapsed: Duration) -> CallReport {
    let failure = match tool {
        Ok(_) => Failure::new(
            FailureKind::Internal,
            "the coordinator lost track of the call",
            Executed::Unknown,
        ),
        Err(failure) => failure.clone(),
    };
    CallReport {
        id: id.clone(),
        tool: tool.as_ref().ok().cloned(),
        outcome: Outcome::Failed(failure),
        attempts: 0,
        worker: None,
        elapsed,
        queued: Duration::ZERO,
        executed: Duration::ZERO,
    }
}
