//! What a run has spent so far, held against its terms.

use std::time::{Duration, Instant};

use callboard_proto::Turn;

use super::answer::refuse;
use super::budget::{PAUSES_MAX, RETRIES_MAX, Usage};
use super::early::Early;
use super::effect::RunEnd;
use super::input::Stop;
use super::terms::Terms;
use crate::input::NewCall;

/// What a run has spent so far.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) calls: u32,
    pub(super) usage: Usage,
    /// Responses in a row that were only paused.
    pauses: u32,
    /// Responses that broke off and were asked for again.
    retries: u32,
    /// Whether the model heard that there are no calls to be had.
    was_refused: bool,
}

impl Spent {
    /// Takes calls out of the budget and refuses the surplus; those that were opened early are taken
    /// already. Asking for calls when nothing is left ends the run after the report: the model had its
    /// chance to answer without.
    pub(super) fn charge(
        &mut self,
        terms: &Terms,
        rest: &mut [NewCall],
        early: &Early,
    ) -> Option<RunEnd> {
        let runnable = rest.iter_mut().filter(|call| call.body.is_ok());
        if terms.refuses_calls {
            let had_its_chance = self.was_refused;
            for call in runnable {
                self.was_refused = true;
                refuse(call, "this run allows no calls; the call was not run");
            }
            return had_its_chance.then_some(RunEnd::CallsExhausted);
        }
        let allowed = terms.budgets.calls;
        let was_exhausted = self.calls - early.posted() >= allowed;
        let mut is_over = false;
        for call in runnable {
            if self.calls < allowed {
                self.calls += 1;
            } else {
                is_over = true;
                refuse(call, &format!("call budget of {allowed} used up"));
            }
        }
        (was_exhausted && is_over).then_some(RunEnd::CallsExhausted)
    }

    /// Counts pauses in a row; the run ends with the one that is too many.
    pub(super) fn count_pause(&mut self, stop: &Stop) -> Option<RunEnd> {
        self.pauses = match stop {
            Stop::Paused => self.pauses + 1,
            Stop::Calls | Stop::Done | Stop::Truncated | Stop::Declined | Stop::Unknown(_) => 0,
        };
        (self.pauses > PAUSES_MAX).then(|| RunEnd::ModelFailed {
            message: format!("the response was paused {} times in a row", self.pauses),
        })
    }

    /// The responses so far, with the one of this turn: those that broke off don't count.
    pub(super) fn responses(&self, turn: Turn) -> u32 {
        turn.0 - self.retries
    }

    /// When the same question may be asked again, if it may and there is time for it.
    pub(super) fn retry(
        &mut self,
        delay: Option<Duration>,
        now: Instant,
        deadline: Instant,
    ) -> Option<Instant> {
        let at = now.checked_add(delay?)?;
        if self.retries >= RETRIES_MAX || at >= deadline {
            return None;
        }
        self.retries += 1;
        Some(at)
    }
}
