//! The end of all runs: nothing new begins, and what runs after a grace is told to end.

use std::time::Duration;

use callboard_coordinator_core::CancelReason;

use super::Runs;

/// How long what was told to end may take beyond the grace. Chosen: a cancelled turn is reported within
/// 0.5 s, and a missing report given up after 2 s.
const SETTLE: Duration = Duration::from_secs(5);

impl Runs {
    /// Begins nothing from now on.
    pub fn drain(&self) {
        self.state().admission.drain();
    }

    /// Whether nothing begins any more.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.state().admission.is_draining()
    }

    /// How many runs and executions are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        *self.in_flight.borrow()
    }

    /// Waits until none is in flight any more; after `grace` those that are end as `interrupted`, with
    /// all their calls settled. Gives how many that were.
    pub async fn finish(&self, grace: Duration) -> usize {
        self.drain();
        if tokio::time::timeout(grace, self.idle()).await.is_ok() {
            return 0;
        }
        let interrupted = self.interrupt();
        // What doesn't end even then is left behind: its calls are settled with the dispatcher.
        let _ = tokio::time::timeout(SETTLE, self.idle()).await;
        interrupted
    }

    async fn idle(&self) {
        // The sender is our own, which outlives the borrow.
        let _ = self.in_flight.subscribe().wait_for(|runs| *runs == 0).await;
    }

    fn interrupt(&self) -> usize {
        let mut state = self.state();
        state.is_interrupted = true;
        let running: Vec<_> = state
            .runs
            .running()
            .chain(state.executions.running())
            .collect();
        for act in &running {
            act.cancel(CancelReason::ShuttingDown);
        }
        running.len()
    }
}
