//! Writes down what runs and the dispatcher tell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use callboard_coordinator_core::{CallEvent, Report};
use callboard_proto::{RunId, TraceContext};

use super::entry::Happening;
use super::log::RunLog;
use crate::dispatch::ObserveCalls;
use crate::run::{EndSummary, Observe, RunEvent, in_ms};

/// The logs of the runs that are written, by run. Told to the dispatcher as its observer.
#[derive(Debug, Default)]
pub struct RunLogs(Mutex<HashMap<RunId, Arc<RunLog>>>);

impl RunLogs {
    /// Begins the log of a run that begins now; what watches the run writes into it.
    pub fn begin(
        self: &Arc<Self>,
        run: RunId,
        model: &str,
        trace: Option<&TraceContext>,
    ) -> (Arc<RunLog>, Recorder) {
        let log = Arc::new(RunLog::new());
        let trace_id = trace.map(TraceContext::trace_text);
        log.write(Happening::RunStarted {
            run: run.to_string(),
            model: model.to_owned(),
            started_at: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            trace_id,
        });
        self.logs().insert(run, Arc::clone(&log));
        let recorder = Recorder(Arc::clone(&log));
        (log, recorder)
    }

    /// Writes what the dispatcher tells of this run, too, into a log.
    pub fn alias(&self, run: RunId, log: &Arc<RunLog>) {
        self.logs().insert(run, Arc::clone(log));
    }

    /// Writes into a run's log no longer: what is still told of it is late. Who has the log keeps it.
    pub fn end(&self, run: RunId) {
        self.logs().remove(&run);
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<RunId, Arc<RunLog>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObserveCalls for RunLogs {
    fn observe(&self, event: &CallEvent) {
        let CallEvent { call, kind } = event;
        let log = self.logs().get(&call.run).cloned();
        if let Some(log) = log {
            log.write(Happening::of_call(call.turn, call.id.as_str(), kind));
        }
    }
}

/// Writes down what one run tells.
#[derive(Debug)]
pub struct Recorder(Arc<RunLog>);

impl Observe for Recorder {
    fn observe(&mut self, event: &RunEvent<'_>) {
        let what = match event {
            RunEvent::Asked { turn } => Happening::ModelAsked { turn: turn.0 },
            RunEvent::Answered {
                turn,
                text,
                calls,
                stop_reason: _,
                usage,
            } => Happening::ModelAnswered {
                turn: turn.0,
                text: (*text).to_owned(),
                calls: calls.len(),
                input_tokens: usage.map(|usage| usage.input_tokens),
                output_tokens: usage.map(|usage| usage.output_tokens),
            },
            RunEvent::Failed { turn, message } => Happening::ModelFailed {
                turn: turn.0,
                message: (*message).to_owned(),
            },
            RunEvent::Opened { turn, time } => Happening::TurnOpened {
                turn: turn.0,
                deadline_ms: in_ms(*time),
            },
            RunEvent::Reported(report) => reported(report, false),
            RunEvent::Discarded(report) => reported(report, true),
            RunEvent::Ended(end) => {
                let EndSummary {
                    reason, message, ..
                } = EndSummary::of(end);
                Happening::RunEnded {
                    reason: reason.into(),
                    message,
                }
            }
            // Its opening is told by the dispatcher, before the response is whole.
            RunEvent::StartedEarly { .. } | RunEvent::Hidden { .. } => return,
        };
        self.0.write(what);
    }
}

fn reported(report: &Report, discarded: bool) -> Happening {
    Happening::TurnReported {
        turn: report.turn.turn.0,
        stopped: report.stopped.as_str().into(),
        gathered_ms: in_ms(report.elapsed),
        discarded,
    }
}
