//! A log line for each change of a call's state, with the ids by which it is found in traces and views.

use std::sync::Arc;

use callboard_coordinator_core::{CallEvent, EventKind};
use callboard_proto::{CallKey, Executed};

use crate::dispatch::ObserveCalls;
use crate::run::in_ms;
use crate::traces::Traces;

/// The target of these lines, for log filters: `warn,callboard::call=debug`.
pub const TARGET: &str = "callboard::call";

/// Logs what becomes of calls: each step at `debug`, failures and late results at `info`. What a model or
/// a tool said isn't part of it.
#[derive(Debug)]
pub struct CallLog {
    traces: Option<Arc<Traces>>,
}

impl CallLog {
    /// Logs with the trace of each call, where that is recorded.
    #[must_use]
    pub const fn new(traces: Option<Arc<Traces>>) -> Self {
        Self { traces }
    }

    /// Whether anything of it would be written: turns need not be watched for it otherwise.
    #[must_use]
    pub fn is_heard() -> bool {
        tracing::enabled!(target: TARGET, tracing::Level::INFO)
    }
}

/// Writes a line with a call's ids.
macro_rules! line {
    ($level:ident, $call:expr, $trace:expr, $($rest:tt)*) => {
        tracing::$level!(
            target: TARGET,
            run = %$call.run,
            turn = $call.turn.0,
            tool_use_id = $call.id.as_str(),
            trace_id = $trace,
            $($rest)*
        )
    };
}

impl ObserveCalls for CallLog {
    fn observe(&self, event: &CallEvent) {
        let CallEvent { call, kind } = event;
        let trace = self.trace(call);
        let trace = trace.as_deref();
        match kind {
            EventKind::Opened { tool } => {
                let tool = tool.as_ref().map(|tool| tool.as_str());
                line!(debug, call, trace, tool, "call opened");
            }
            EventKind::Posted {
                attempt,
                worker,
                instance,
            } => line!(debug, call, trace, attempt = attempt.0, %worker, %instance, "call posted"),
            EventKind::Running { attempt } => {
                line!(debug, call, trace, attempt = attempt.0, "call running");
            }
            EventKind::Granted { attempt } => {
                line!(debug, call, trace, attempt = attempt.0, "call granted");
            }
            EventKind::Progress {
                attempt, percent, ..
            } => line!(
                debug,
                call,
                trace,
                attempt = attempt.0,
                percent,
                "call progressed"
            ),
            EventKind::Returned {
                attempt,
                why,
                delay,
            } => {
                let delay_ms = in_ms(*delay);
                line!(
                    debug,
                    call,
                    trace,
                    attempt = attempt.0,
                    why,
                    delay_ms,
                    "call returned"
                );
            }
            EventKind::Settled {
                kind,
                is_error,
                executed,
                worker,
                attempts,
                elapsed,
                ..
            } => {
                let worker = worker.as_ref().map(|worker| worker.as_str());
                let executed: &Executed = executed;
                let elapsed_ms = in_ms(*elapsed);
                match kind {
                    Some(kind) => line!(
                        info,
                        call,
                        trace,
                        "error.type" = kind.as_str(),
                        executed = executed.as_str(),
                        worker,
                        attempts,
                        elapsed_ms,
                        "call failed"
                    ),
                    None => line!(
                        debug,
                        call,
                        trace,
                        worker,
                        attempts,
                        elapsed_ms,
                        is_error,
                        "call completed"
                    ),
                }
            }
            EventKind::LateResult { attempt, kind } => {
                let outcome = kind.map_or("completed", |kind| kind.as_str());
                line!(
                    info,
                    call,
                    trace,
                    attempt = attempt.0,
                    outcome,
                    "late result"
                );
            }
        }
    }
}

impl CallLog {
    fn trace(&self, call: &CallKey) -> Option<String> {
        let traces = self.traces.as_ref()?;
        Some(traces.of_run(call.run)?.trace_text())
    }
}
