//! Who is read when metrics are asked for.

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator::dispatch::DispatchHandle;
use callboard_coordinator::metrics::CoordinatorMetrics;
use callboard_worker::executor::Handle;
use callboard_worker::metrics::WorkerMetrics;
use tokio::time::timeout;

/// How long who is read may take to say how it stands; a loop that turns needs far less than a
/// millisecond. Chosen below the time that scrapers and probes wait.
const PATIENCE: Duration = Duration::from_millis(800);

/// Nobody who is read lives any more.
#[derive(Debug)]
pub(crate) struct AllGone;

/// A coordinator and the workers in its process, for when their metrics are asked for.
#[derive(Clone)]
pub(crate) struct Readers {
    coordinator: Option<(Arc<CoordinatorMetrics>, DispatchHandle)>,
    workers: Vec<(Handle, Arc<WorkerMetrics>)>,
}

impl Readers {
    pub(crate) fn new(
        metrics: Option<Arc<CoordinatorMetrics>>,
        dispatch: DispatchHandle,
        workers: Vec<(Handle, Arc<WorkerMetrics>)>,
    ) -> Self {
        Self {
            coordinator: metrics.map(|metrics| (metrics, dispatch)),
            workers,
        }
    }

    pub(super) fn of_worker(handle: Handle, metrics: Arc<WorkerMetrics>) -> Self {
        Self {
            coordinator: None,
            workers: vec![(handle, metrics)],
        }
    }

    /// Has their metrics say how they stand now. Who doesn't answer in time says what it said last.
    ///
    /// # Errors
    /// When nobody of them lives any more.
    pub(crate) async fn refresh(&self) -> Result<(), AllGone> {
        let mut is_there = false;
        if let Some((metrics, dispatch)) = &self.coordinator {
            is_there |= !matches!(
                timeout(PATIENCE, metrics.refresh(dispatch)).await,
                Ok(Err(_gone))
            );
        }
        for (handle, metrics) in &self.workers {
            match timeout(PATIENCE, handle.snapshot()).await {
                Ok(Ok(snapshot)) => {
                    metrics.refresh(snapshot);
                    is_there = true;
                }
                Ok(Err(_gone)) => {}
                Err(_elapsed) => is_there = true,
            }
        }
        if is_there { Ok(()) } else { Err(AllGone) }
    }
}
