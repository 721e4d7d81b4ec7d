//! A turn that is gathered, and the report that must come of it.

use std::time::{Duration, Instant};

use callboard_proto::{Executed, Failure, FailureKind, Outcome, ToolName, ToolUseId, TurnKey};

use super::early::Early;
use super::effect::RunEnd;
use crate::input::NewCall;
use crate::report::{CallReport, Report, StopReason};

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// One outcome for each call, in call order.
    pub report: Report,
    /// Calls that were posted while the response still streamed.
    pub early_calls: u32,
    /// How much sooner the report was there than if every call had been opened when the response was
    /// whole, each taken to last as long as it did: the longest call, less the longest wait after that
    /// moment. Zero where no call was early, and where the results weren't wanted.
    pub hidden: Duration,
}

/// What a run does once a report is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It goes on, if the budgets allow it.
    GoOn,
    /// It asks the same again, not before this instant.
    AskAgain(Instant),
    /// It ends.
    End(RunEnd),
}

/// What becomes of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// They go into the conversation, and perhaps to the model.
    Wanted,
    /// They belong to an answer that isn't to be run: kept beside it, and that is all.
    Kept,
    /// They belong to no answer.
    Discarded,
}

/// A turn that is gathered.
#[derive(Debug)]
pub(super) struct Gathering {
    /// What was opened, in order: the report must answer exactly these.
    calls: Vec<Opened>,
    early_calls: u32,
    /// When the last of them were opened: the response was whole, or given up.
    sealed: Instant,
    /// When the report is given up; the turn's deadline or its cancel plus the grace.
    pub(super) give_up: Instant,
    pub(super) results: Use,
    pub(super) then: Then,
}

/// A call as it was opened.
#[derive(Debug)]
struct Opened {
    id: ToolUseId,
    /// The tool that it was posted to, or why it couldn't be.
    tool: Result<ToolName, Failure>,
    at: Instant,
}

impl Opened {
    fn new(call: &NewCall, at: Instant) -> Self {
        let tool = call.body.as_ref().map(|posting| posting.tool.clone());
        Self {
            id: call.id.clone(),
            tool: tool.map_err(Clone::clone),
            at,
        }
    }
}

impl Gathering {
    /// A turn that is sealed now, with these calls after the early ones.
    pub(super) fn new(
        early: Early,
        rest: &[NewCall],
        results: Use,
        then: Then,
        give_up: Instant,
        now: Instant,
    ) -> Self {
        Self {
            early_calls: early.posted(),
            calls: early
                .into_calls()
                .map(|(call, opened)| Opened::new(&call, opened))
                .chain(rest.iter().map(|call| Opened::new(call, now)))
                .collect(),
            sealed: now,
            give_up,
            results,
            then,
        }
    }

    /// The report with exactly one outcome for each opened call, in order. A call that the report
    /// doesn't hold may have run.
    pub(super) fn complete(&self, report: Option<Report>, turn: TurnKey, now: Instant) -> Gathered {
        let report = match report {
            Some(report) if self.is_answered_by(&report) => report,
            Some(report) => self.fill(report, now),
            None => {
                let opened = self.calls.first().map_or(self.sealed, |call| call.at);
                let nothing = Report {
                    turn,
                    calls: Vec::new(),
                    stopped: StopReason::Deadline,
                    elapsed: now.saturating_duration_since(opened),
                };
                self.fill(nothing, now)
            }
        };
        Gathered {
            hidden: self.hidden(&report),
            early_calls: self.early_calls,
            report,
        }
    }

    fn is_answered_by(&self, report: &Report) -> bool {
        report.calls.len() == self.calls.len()
            && std::iter::zip(&report.calls, &self.calls).all(|(call, opened)| call.id == opened.id)
    }

    fn fill(&self, mut report: Report, now: Instant) -> Report {
        let mut found = std::mem::take(&mut report.calls);
        report.calls = self
            .calls
            .iter()
            .map(
                |opened| match found.iter().position(|call| call.id == opened.id) {
                    Some(position) => found.swap_remove(position),
                    None => lost(opened, now),
                },
            )
            .collect();
        report
    }

    fn hidden(&self, report: &Report) -> Duration {
        if self.early_calls == 0 || self.results != Use::Wanted {
            return Duration::ZERO;
        }
        let mut without = Duration::ZERO;
        let mut with = Duration::ZERO;
        for (call, opened) in std::iter::zip(&report.calls, &self.calls) {
            let ahead = self.sealed.saturating_duration_since(opened.at);
            without = without.max(call.elapsed);
            with = with.max(call.elapsed.saturating_sub(ahead));
        }
        without.saturating_sub(with)
    }
}

fn lost(opened: &Opened, now: Instant) -> CallReport {
    let failure = match &opened.tool {
        Ok(_) => Failure::new(
            FailureKind::Internal,
            "the coordinator lost track of the call",
            Executed::Unknown,
        ),
        Err(failure) => failure.clone(),
    };
    CallReport {
        id: opened.id.clone(),
        tool: opened.tool.as_ref().ok().cloned(),
        outcome: Outcome::Failed(failure),
        attempts: 0,
        worker: None,
        elapsed: now.saturating_duration_since(opened.at),
        queued: Duration::ZERO,
        executed: Duration::ZERO,
    }
}
