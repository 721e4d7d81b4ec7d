//! What a run needs: somebody who gathers turns, and perhaps somebody who watches.

use std::future::Future;

use callboard_coordinator_core::run::{RunEnd, Usage};
use callboard_coordinator_core::{CancelReason, NewCall, Report, TurnOptions};
use callboard_proto::{RunId, Turn, TurnKey};

/// Whoever gathered a turn is gone, and its report with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the dispatcher ended before it reported the turn")]
pub struct GatherLost;

/// What posts the calls of a turn and reports their outcomes.
pub trait Gather: Send + Sync + 'static {
    /// Opens a turn, posts its calls and waits for its report: one outcome for each call, in call
    /// order, at `options.deadline` at the latest.
    ///
    /// # Errors
    /// When the dispatcher ended, so that no report will come.
    ///
    /// # Cancel safety
    /// Dropping it gives up the report; the calls go on until they are cancelled or their deadline.
    fn gather(
        &self,
        turn: TurnKey,
        options: TurnOptions,
        calls: Vec<NewCall>,
    ) -> impl Future<Output = Result<Report, GatherLost>> + Send;

    /// Ends all calls of a turn; its report follows. Never waits.
    fn cancel(&self, turn: TurnKey, reason: CancelReason);

    /// Says that a run is over, so that what is remembered for it (its affinity) may go. Never waits.
    fn end_run(&self, run: RunId);
}

/// Something that happened in a run, for views and traces. What happens to each call is told by the
/// dispatcher's own events.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// The model is asked.
    Asked {
        /// The turn that its answer will be.
        turn: Turn,
    },
    /// The model answered.
    Answered {
        /// The turn.
        turn: Turn,
        /// What it said.
        text: &'a str,
        /// Calls that it asks for.
        calls: usize,
        /// What it used, if it said so.
        usage: Option<Usage>,
    },
    /// A turn was gathered.
    Reported(&'a Report),
    /// The run ended.
    Ended(&'a RunEnd),
}

/// What watches a run. Called inside of the run's own task: it must be quick and must not block.
pub trait Observe: Send + 'static {
    /// Takes notice.
    fn observe(&mut self, event: &RunEvent<'_>);
}

/// Watches nothing.
impl Observe for () {
    fn observe(&mut self, _event: &RunEvent<'_>) {}
}

impl<F: FnMut(&RunEvent<'_>) + Send + 'static> Observe for F {
    fn observe(&mut self, event: &RunEvent<'_>) {
        self(event);
    }
}
