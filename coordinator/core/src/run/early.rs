//! The calls of one response that are opened while it still streams.

use std::time::Instant;

use callboard_proto::Effect as ToolEffect;

use super::budget::TURN_CALLS_MAX;
use crate::input::NewCall;

/// The calls of one response that were opened while it still streamed: its first ones, without a gap,
/// so that the turn's report stays in call order.
#[derive(Debug, Default)]
pub(super) struct Early {
    calls: Vec<(NewCall, Instant)>,
    is_over: bool,
}

impl Early {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Calls among them that were posted, in contrast to those that failed their check.
    pub(super) fn posted(&self) -> u32 {
        self.calls
            .iter()
            .map(|(call, _)| u32::from(call.body.is_ok()))
            .sum()
    }

    /// Whether another call may join.
    pub(super) fn goes_on(&self) -> bool {
        !self.is_over
    }

    /// Lets no later call join: what can't be opened now holds up all that follow it.
    pub(super) fn stop(&mut self) {
        self.is_over = true;
    }

    /// Whether a call may be opened before it is known why the model stopped: a tool that only reads, or a
    /// failed check, which runs nothing. An id that is there already ends the run once the response is whole.
    pub(super) fn admits(&self, call: &NewCall, has_room: bool) -> bool {
        let may_run = match &call.body {
            Ok(posting) => has_room && posting.manifest.effect == ToolEffect::Read,
            Err(_) => true,
        };
        self.goes_on()
            && may_run
            && self.len() < TURN_CALLS_MAX
            && self.calls.iter().all(|(other, _)| other.id != call.id)
    }

    pub(super) fn push(&mut self, call: NewCall, now: Instant) {
        self.calls.push((call, now));
    }

    /// How the whole response contradicts what was opened of it, if it does: it must begin with exactly
    /// these calls. A call that failed its check is the same if it failed alike: nothing ran.
    pub(super) fn contradiction(&self, calls: &[NewCall]) -> Option<String> {
        let is_same = |one: &NewCall, other: &NewCall| {
            one.id == other.id
                && match (&one.body, &other.body) {
                    (Ok(one), Ok(other)) => {
                        one.digest == other.digest
                            && one.tool == other.tool
                            && one.arguments == other.arguments
                    }
                    (Err(one), Err(other)) => one == other,
                    (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
                }
        };
        let (position, (call, _)) =
            self.calls
                .iter()
                .enumerate()
                .find(|(position, (call, _))| {
                    !calls
                        .get(*position)
                        .is_some_and(|other| is_same(call, other))
                })?;
        let place = position + 1;
        Some(format!(
            "call {place} of the response, {:?}, is not what it was while the response streamed, so none of its results \
             was used; this is a fault of the model's adapter",
            call.id.as_str()
        ))
    }

    pub(super) fn into_calls(self) -> impl Iterator<Item = (NewCall, Instant)> {
        self.calls.into_iter()
    }
}
