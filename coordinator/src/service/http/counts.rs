//! What the service itself counts: its answers, and what it drives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use callboard_telemetry::metrics::{Reading, Source, names};

use super::{App, crowd};
use crate::service::runs::Runs;

/// Counts the answers of the service, and reads how much it drives.
#[derive(Debug)]
pub(super) struct Counts {
    runs: Weak<Runs>,
    answers: Mutex<BTreeMap<u16, u64>>,
}

impl Counts {
    /// Counts into what these runs count into.
    pub(super) fn of(runs: &Arc<Runs>) -> Arc<Self> {
        let counts = Arc::new(Self {
            runs: Arc::downgrade(runs),
            answers: Mutex::default(),
        });
        runs.metrics().add(Arc::clone(&counts) as _);
        counts
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<u16, u64>> {
        // Numbers alone: they are sound whenever the lock is free.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an answer when its head is there.
pub(super) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    // Machines ask all the time: beside it, what callers are told would not be seen.
    let is_counted = !crowd::is_probe(&request);
    let response = next.run(request).await;
    if is_counted {
        *app.counts
            .answers()
            .entry(response.status().as_u16())
            .or_default() += 1;
    }
    response
}

impl Source for Counts {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a metric is a float; counts above 2^53 don't come"
    )]
    fn read(&self) -> Vec<Reading> {
        let in_flight = self.runs.upgrade().map_or(0, |runs| runs.in_flight());
        let answers = self.answers();
        let answers = answers
            .iter()
            .map(|(status, answers)| (vec![("status", status.to_string())], *answers as f64));
        vec![
            Reading::single(names::SERVICE_IN_FLIGHT, in_flight as f64),
            Reading::by(names::SERVICE_ANSWERS, answers),
        ]
    }
}
