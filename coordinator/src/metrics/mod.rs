//! The metrics of a coordinator: counted from the reports of turns, and read from the dispatcher when they
//! are asked for.
//!
//! `calls` counts what each report says, `runs` what each run says, `standing` reads the dispatcher.

mod calls;
mod runs;
mod standing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use callboard_telemetry::metrics::{Metrics, SpanSource};
use callboard_telemetry::{SpanCounts, Telemetry};

use crate::dispatch::{DispatchHandle, Gone};
use crate::traces::Traces;

pub use calls::CallMetrics;
pub use runs::RunMetrics;

/// The metrics of one coordinator.
#[derive(Debug)]
pub struct CoordinatorMetrics {
    metrics: Arc<Metrics>,
    calls: Arc<CallMetrics>,
    standing: Arc<standing::Standing>,
    agent: String,
}

impl CoordinatorMetrics {
    /// None yet. Where traces are recorded, durations are told with an exemplar of one.
    #[must_use]
    pub fn new(telemetry: &Telemetry, agent: &str, traces: Option<&Arc<Traces>>) -> Self {
        let metrics = Arc::new(Metrics::new(telemetry));
        let calls = Arc::new(CallMetrics::new(&metrics, traces.cloned()));
        let standing = Arc::new(standing::Standing::default());
        let counts: Arc<SpanCounts> = Arc::clone(telemetry.counts());
        metrics.add(Arc::new(SpanSource(counts)));
        metrics.add(Arc::clone(&calls) as _);
        metrics.add(Arc::clone(&standing) as _);
        Self {
            metrics,
            calls,
            standing,
            agent: agent.to_owned(),
        }
    }

    /// Who the dispatcher tells of its reports.
    #[must_use]
    pub fn calls(&self) -> &Arc<CallMetrics> {
        &self.calls
    }

    /// What watches a run with this model.
    #[must_use]
    pub fn run(&self, model: &str) -> RunMetrics {
        RunMetrics::new(
            Arc::clone(&self.metrics),
            Arc::clone(&self.calls),
            &self.agent,
            model,
        )
    }

    /// Asks the dispatcher how it stands, for the next [`Self::text`] and for what is exported.
    ///
    /// # Errors
    /// When the dispatcher has ended; what it said last is kept.
    pub async fn refresh(&self, dispatch: &DispatchHandle) -> Result<(), Gone> {
        self.standing.set(dispatch.standing().await?);
        Ok(())
    }

    /// All metrics, in the text format that Prometheus reads
    /// ([`CONTENT_TYPE`](callboard_telemetry::metrics::CONTENT_TYPE)).
    #[must_use]
    pub fn text(&self) -> String {
        self.metrics.text()
    }
}
