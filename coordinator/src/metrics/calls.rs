//! What the reports of turns say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard_coordinator_core::{CallEvent, CallReport, Report, StopReason};
use callboard_proto::{Executed, Outcome, ToolName, TraceContext};
use callboard_telemetry::metrics::{Histogram, Labels, Reading, Scope, Source, names};
use callboard_telemetry::semconv;
use rustc_hash::FxHashMap;

use crate::dispatch::ObserveCalls;
use crate::traces::Traces;

/// The tool of a call that names none of the run's tools: what a model made up is no label.
const NO_TOOL: &str = "unknown";

/// Counts calls by their outcomes, and takes their times.
#[derive(Debug)]
pub struct CallMetrics {
    scope: Scope,
    traces: Option<Arc<Traces>>,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    by_tool: FxHashMap<Option<ToolName>, FxHashMap<&'static str, Series>>,
    gathered: BTreeMap<&'static str, Histogram>,
    runs: BTreeMap<&'static str, u64>,
    tokens: BTreeMap<String, (u64, u64)>,
}

/// What is kept of the calls of one tool with one outcome.
#[derive(Debug)]
struct Series {
    calls: u64,
    duration: Histogram,
    waited: Histogram,
}

impl CallMetrics {
    pub(super) fn new(scope: Scope, traces: Option<Arc<Traces>>) -> Self {
        Self {
            scope,
            traces,
            counted: Mutex::default(),
        }
    }

    /// The trace of a run, for exemplars.
    pub(super) fn trace(&self, run: callboard_proto::RunId) -> Option<TraceContext> {
        self.traces.as_ref().and_then(|traces| traces.of_run(run))
    }

    pub(super) fn run_ended(&self, reason: &'static str) {
        *self.counted().runs.entry(reason).or_default() += 1;
    }

    pub(super) fn used(&self, model: &str, input_tokens: u64, output_tokens: u64) {
        let mut counted = self.counted();
        let (input, output) = counted.tokens.entry(model.to_owned()).or_default();
        *input += input_tokens;
        *output += output_tokens;
    }

    fn take(&self, counted: &mut Counted, call: &CallReport, trace: Option<&TraceContext>) {
        let (outcome, error, ran) = match &call.outcome {
            Outcome::Completed(completed) if completed.is_error => ("tool_error", "", true),
            Outcome::Completed(_) => ("completed", "", true),
            Outcome::Failed(failure) => {
                let kind = failure.kind.as_str();
                (kind, kind, failure.executed == Executed::Yes)
            }
        };
        let by_outcome = match counted.by_tool.get_mut(&call.tool) {
            Some(by_outcome) => by_outcome,
            None => counted.by_tool.entry(call.tool.clone()).or_default(),
        };
        let series = by_outcome
            .entry(outcome)
            .or_insert_with(|| self.series(call.tool.as_ref(), error));
        series.calls += 1;
        series.duration.observe(call.elapsed, trace);
        if ran {
            let waited = call.elapsed.saturating_sub(call.executed);
            series.waited.observe(waited, trace);
        }
    }

    fn series(&self, tool: Option<&ToolName>, error: &str) -> Series {
        let tool = tool.map_or(NO_TOOL, ToolName::as_str);
        let duration: Labels = vec![
            ("gen_ai_tool_name", tool.to_owned()),
            ("gen_ai_tool_type", semconv::FUNCTION.to_owned()),
            ("error_type", error.to_owned()),
        ];
        let waited = vec![("tool", tool.to_owned())];
        Series {
            calls: 0,
            duration: self.scope.histogram(&names::EXECUTE_TOOL, duration),
            waited: self.scope.histogram(&names::SCHEDULE_TO_START, waited),
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        // Numbers alone: they are sound whenever the lock is free.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObserveCalls for CallMetrics {
    fn observe(&self, _event: &CallEvent) {}

    fn reported(&self, report: &Report) {
        let trace = self.trace(report.turn.run);
        let mut counted = self.counted();
        for call in &report.calls {
            self.take(&mut counted, call, trace.as_ref());
        }
        let stopped: StopReason = report.stopped;
        let gathered = counted.gathered.entry(stopped.as_str()).or_insert_with(|| {
            let labels = vec![("stopped", stopped.as_str().to_owned())];
            self.scope.histogram(&names::GATHER, labels)
        });
        gathered.observe(report.elapsed, trace.as_ref());
    }
}

impl Source for CallMetrics {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a metric is a float; counts above 2^53 don't come"
    )]
    fn read(&self) -> Vec<Reading> {
        let counted = self.counted();
        let calls = counted.by_tool.iter().flat_map(|(tool, by_outcome)| {
            let tool = tool.as_ref().map_or(NO_TOOL, ToolName::as_str);
            by_outcome.iter().map(move |(outcome, series)| {
                let outcome = ("outcome", (*outcome).to_owned());
                let labels = vec![("tool", tool.to_owned()), outcome];
                (labels, series.calls as f64)
            })
        });
        let runs = counted.runs.iter();
        let runs = runs.map(|(end, runs)| (vec![("end", (*end).to_owned())], *runs as f64));
        let tokens = |which: fn(&(u64, u64)) -> u64| {
            let by_model = counted.tokens.iter();
            let label = |model: &String| vec![("gen_ai_request_model", model.clone())];
            by_model
                .map(|(model, tokens)| (label(model), which(tokens) as f64))
                .collect::<Vec<_>>()
        };
        vec![
            Reading::by(names::CALLS, calls),
            Reading::by(names::RUNS, runs),
            Reading::by(names::INPUT_TOKENS, tokens(|tokens| tokens.0)),
            Reading::by(names::OUTPUT_TOKENS, tokens(|tokens| tokens.1)),
        ]
    }
}
