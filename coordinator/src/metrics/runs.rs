//! What one run says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_coordinator_core::{Report, StopReason};
use callboard_proto::RunId;
use callboard_telemetry::metrics::{Scope, names};

use super::calls::CallMetrics;
use crate::run::{Observe, RunEvent};

/// Watches one run.
#[derive(Debug)]
pub struct RunMetrics {
    scope: Scope,
    calls: Arc<CallMetrics>,
    agent: String,
    model: String,
    began: Instant,
    asked: Option<Instant>,
    /// The time that each open turn has.
    times: HashMap<u32, Duration>,
    run: Option<RunId>,
}

impl RunMetrics {
    pub(super) fn new(scope: Scope, calls: Arc<CallMetrics>, agent: &str, model: &str) -> Self {
        Self {
            scope,
            calls,
            agent: agent.to_owned(),
            model: model.to_owned(),
            began: Instant::now(),
            asked: None,
            times: HashMap::new(),
            run: None,
        }
    }

    fn answered(&mut self, error: &str) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let labels = vec![
            ("gen_ai_request_model", self.model.clone()),
            ("error_type", error.to_owned()),
        ];
        let inference = self.scope.histogram(&names::INFERENCE, labels);
        let trace = self.run.and_then(|run| self.calls.trace(run));
        inference.observe(asked.elapsed(), trace.as_ref());
    }

    fn reported(&mut self, report: &Report) {
        self.run = Some(report.turn.run);
        let time = self.times.remove(&report.turn.turn.0);
        if let (StopReason::Deadline, Some(time)) = (report.stopped, time) {
            let late = report.elapsed.saturating_sub(time);
            let overshoot = self.scope.histogram(&names::OVERSHOOT, Vec::new());
            overshoot.observe(late, self.calls.trace(report.turn.run).as_ref());
        }
    }
}

impl Observe for RunMetrics {
    fn observe(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Asked { .. } => self.asked = Some(Instant::now()),
            RunEvent::Opened { turn, time } => {
                self.times.insert(turn.0, *time);
            }
            RunEvent::Answered { usage, .. } => {
                if let Some(usage) = usage {
                    let (input, output) = (usage.input_tokens, usage.output_tokens);
                    self.calls.used(&self.model, input, output);
                }
                self.answered("");
            }
            RunEvent::Failed { .. } => self.answered("model_failed"),
            RunEvent::Reported(report) | RunEvent::Discarded(report) => self.reported(report),
            RunEvent::Ended(end) => {
                let reason = end.as_str();
                self.calls.run_ended(reason);
                let error = match reason {
                    "answered" => "",
                    other => other,
                };
                let labels = vec![
                    ("gen_ai_agent_name", self.agent.clone()),
                    ("error_type", error.to_owned()),
                ];
                let invoked = self.scope.histogram(&names::INVOKE_AGENT, labels);
                let trace = self.run.and_then(|run| self.calls.trace(run));
                invoked.observe(self.began.elapsed(), trace.as_ref());
            }
            RunEvent::StartedEarly { .. } | RunEvent::Hidden { .. } => {}
        }
    }
}
