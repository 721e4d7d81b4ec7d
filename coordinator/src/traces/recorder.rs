//! What watches one run, or one turn of somebody else's agent.

use std::sync::Arc;
use std::time::Instant;

use callboard_coordinator_core::run::RunEnd;
use callboard_coordinator_core::{Report, TurnOptions};
use callboard_proto::{RunId, TraceContext, Turn};

use super::content;
use super::told::{Answered, What};
use super::writer::Traces;
use crate::model::ToolUse;
use crate::run::{Observe, RunEvent};

/// Watches a run that is recorded. Dropped before the run has ended, it ends its trace all the same.
#[derive(Debug)]
pub struct RunRecorder(Recorder);

/// Watches a turn that is recorded. Dropped before its report, it ends its trace all the same.
#[derive(Debug)]
pub struct TurnRecorder(Recorder);

#[derive(Debug)]
struct Recorder {
    traces: Arc<Traces>,
    run: RunId,
    context: TraceContext,
    is_ended: bool,
}

impl Recorder {
    fn tell(&self, what: What) {
        self.traces.tell(self.run, Instant::now(), what);
    }

    fn end(&mut self, reason: &'static str, is_error: bool) {
        if !std::mem::replace(&mut self.is_ended, true) {
            self.tell(What::Ended { reason, is_error });
        }
    }

    fn reported(&self, report: &Report) {
        let results = if self.traces.captures_content() {
            content::results(report)
        } else {
            Vec::new()
        };
        self.tell(What::Reported {
            turn: report.turn.turn,
            stopped: report.stopped.as_str(),
            elapsed: report.elapsed,
            calls: report.calls.len(),
            results,
        });
    }

    fn arguments(&self, calls: &[ToolUse]) -> Vec<(callboard_proto::ToolUseId, String)> {
        if self.traces.captures_content() {
            content::arguments(calls)
        } else {
            Vec::new()
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end("dropped", true);
    }
}

impl RunRecorder {
    pub(super) fn new(traces: Arc<Traces>, run: RunId, context: TraceContext) -> Self {
        Self(Recorder {
            traces,
            run,
            context,
            is_ended: false,
        })
    }

    /// The run's own span: what its turns belong below.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        self.0.context
    }
}

impl Observe for RunRecorder {
    fn observe(&mut self, event: &RunEvent<'_>) {
        let what = match event {
            RunEvent::Asked { turn } => What::Asked { turn: *turn },
            RunEvent::Opened { turn, time } => What::Opened {
                turn: *turn,
                time: *time,
            },
            RunEvent::Answered {
                turn,
                text: _,
                calls,
                stop_reason,
                usage,
            } => What::Answered(Box::new(Answered {
                turn: *turn,
                calls: calls.len(),
                stop_reason: (*stop_reason).to_owned(),
                usage: *usage,
                arguments: self.0.arguments(calls),
            })),
            RunEvent::Failed { turn, .. } => What::Failed { turn: *turn },
            RunEvent::Reported(report) | RunEvent::Discarded(report) => {
                self.0.reported(report);
                return;
            }
            RunEvent::Ended(end) => {
                self.0.end(end.as_str(), is_error(end));
                return;
            }
            RunEvent::StartedEarly { .. } | RunEvent::Hidden { .. } => return,
        };
        self.0.tell(what);
    }
}

impl TurnRecorder {
    pub(super) fn new(traces: Arc<Traces>, run: RunId, context: TraceContext) -> Self {
        Self(Recorder {
            traces,
            run,
            context,
            is_ended: false,
        })
    }

    /// The turn's own span.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        self.0.context
    }

    /// Notes what is called, and marks the turn's options.
    pub fn opened(&self, turn: Turn, calls: &[ToolUse], options: &mut TurnOptions) {
        options.trace = Some(self.context());
        options.is_watched = true;
        let time = options.deadline.saturating_duration_since(Instant::now());
        self.0.tell(What::Opened { turn, time });
        let arguments = self.0.arguments(calls);
        if !arguments.is_empty() {
            self.0.tell(What::Answered(Box::new(Answered {
                turn,
                calls: calls.len(),
                stop_reason: String::new(),
                usage: None,
                arguments,
            })));
        }
    }

    /// Ends the trace with the turn's report.
    pub fn reported(mut self, report: &Report) {
        self.0.reported(report);
        self.0.end(report.stopped.as_str(), false);
    }
}

/// Whether a run failed. One that was told to end, or that the model ended, has not.
const fn is_error(end: &RunEnd) -> bool {
    match end {
        RunEnd::Answered | RunEnd::Cancelled(_) | RunEnd::Truncated | RunEnd::Declined => false,
        RunEnd::TurnsExhausted
        | RunEnd::CallsExhausted
        | RunEnd::TokensExhausted
        | RunEnd::TimeExhausted { .. }
        | RunEnd::ModelFailed { .. } => true,
    }
}
