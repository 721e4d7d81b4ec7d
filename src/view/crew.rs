//! Who is there, as far as a short look tells.

use std::time::{Duration, Instant};

use callboard_coordinator::core::WorkerView;
use callboard_coordinator::dispatch::{DispatchHandle, Known};

/// A beat comes each second; one may be lost.
const BEAT_WITHIN: Duration = Duration::from_millis(1500);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Everybody who is there, once each has told its load in a beat; who doesn't beat is shown without.
pub(crate) async fn heard(
    dispatch: &DispatchHandle,
) -> anyhow::Result<Vec<(WorkerView, Vec<Known>)>> {
    let until = Instant::now() + BEAT_WITHIN;
    loop {
        let workers = dispatch.workers().await?;
        if workers.iter().all(|(worker, _)| worker.beat.is_some()) || Instant::now() >= until {
            return Ok(workers);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
