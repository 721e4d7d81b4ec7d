//! Waits for what must come true.

use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::time::interval;

/// How long a condition may take to come true: a hang, and not a slow machine, must be what ends it. Chosen, not
/// measured.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How often a condition is looked at.
const TICK: Duration = Duration::from_millis(20);

/// Asks `probe` until it has an answer.
///
/// # Errors
/// The probe's own, or that nothing came of it within [`PATIENCE`]; the text names `what`.
pub async fn until<T>(
    what: &str,
    mut probe: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        if let Some(found) = probe().await? {
            return Ok(found);
        }
        if began.elapsed() > PATIENCE {
            bail!("not within {PATIENCE:?}: {what}");
        }
    }
}
