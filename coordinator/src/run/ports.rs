//! What a run needs: somebody who gathers turns, and perhaps somebody who watches.

use std::future::Future;
use std::time::Duration;

use callboard_coordinator_core::run::{RunEnd, Usage};
use callboard_coordinator_core::{CancelReason, NewCall, Report, TurnOptions};
use callboard_proto::{RunId, ToolName, ToolUseId, Turn, TurnKey};

use crate::model::ToolUse;

/// Whoever gathered a turn is gone, and its report with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the dispatcher ended before it reported the turn")]
pub struct GatherLost;

/// What posts the calls of turns and reports their outcomes.
pub trait Gather: Send + Sync + 'static {
    /// A turn in its hands.
    type Gathering: Gathering;

    /// Opens a turn; it is reported at `options.deadline` at the latest, if it is sealed by then. Never
    /// waits, and need not do anything before the turn's report is awaited.
    fn open(&self, turn: TurnKey, options: TurnOptions) -> Self::Gathering;

    /// Says that a run is over, so that what is remembered for it (its affinity) may go. Never waits.
    fn end_run(&self, run: RunId);

    /// Opens a turn, posts its calls and waits for its report.
    ///
    /// # Errors
    /// When the dispatcher ended, so that no report will come.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it cancels the turn.
    fn gather(
        &self,
        turn: TurnKey,
        options: TurnOptions,
        calls: Vec<NewCall>,
    ) -> impl Future<Output = Result<Report, GatherLost>> + Send {
        let mut turn = self.open(turn, options);
        turn.add(calls);
        turn.seal();
        async move { turn.report().await }
    }
}

/// A turn that is gathered. Dropped before its report, it cancels the turn.
pub trait Gathering: Send + 'static {
    /// Posts calls after those that it has. Never waits; without effect once the turn is sealed.
    fn add(&mut self, calls: Vec<NewCall>);

    /// Says that no more calls come. Never waits.
    fn seal(&mut self);

    /// Ends all calls of the turn; its report still follows. Never waits.
    fn cancel(&mut self, reason: CancelReason);

    /// Sees to it that what was said is done, and waits for the report: one outcome for each call, in
    /// call order. It is polled from the opening on, ends only when the turn is sealed and settled, and
    /// is not polled after that.
    ///
    /// # Errors
    /// When the dispatcher ended, so that no report will come.
    ///
    /// # Cancel safety
    /// Cancel safe: called again, it goes on where it was.
    fn report(&mut self) -> impl Future<Output = Result<Report, GatherLost>> + Send;
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
    /// A turn is opened for its calls.
    Opened {
        /// The turn.
        turn: Turn,
        /// The time that it has, at most.
        time: Duration,
    },
    /// A call of the response that still streams was posted.
    StartedEarly {
        /// The turn.
        turn: Turn,
        /// The call.
        call: &'a ToolUseId,
        /// Its tool.
        tool: &'a ToolName,
    },
    /// The model answered.
    Answered {
        /// The turn.
        turn: Turn,
        /// What it said.
        text: &'a str,
        /// Calls that it asks for.
        calls: &'a [ToolUse],
        /// Why it stopped, in its provider's own word; empty where it gave none.
        stop_reason: &'a str,
        /// What it used, if it said so.
        usage: Option<Usage>,
    },
    /// The model gave no answer. It is asked again, or the run ends; calls that were posted early are
    /// settled first.
    Failed {
        /// The turn.
        turn: Turn,
        /// Why, with all causes.
        message: &'a str,
    },
    /// A turn was gathered.
    Reported(&'a Report),
    /// A turn was gathered for the record alone: its response broke off or contradicted itself, so that
    /// nobody reads its results.
    Discarded(&'a Report),
    /// Calls of a turn had a head start; follows its report.
    Hidden {
        /// The turn.
        turn: Turn,
        /// Calls that were posted while the response streamed.
        early_calls: u32,
        /// How much sooner the turn was reported for it; see [`Gathered::hidden`].
        ///
        /// [`Gathered::hidden`]: callboard_coordinator_core::run::Gathered::hidden
        hidden: Duration,
    },
    /// The run ended.
    Ended(&'a RunEnd),
}

/// What watches a run. Called inside of the run's own task: it must be quick and must not block.
pub trait Observe: Send + 'static {
    /// Takes notice.
    fn observe(&mut self, event: &RunEvent<'_>);
}

/// Several watch, one after the other.
impl Observe for Vec<Box<dyn Observe>> {
    fn observe(&mut self, event: &RunEvent<'_>) {
        for observer in self {
            observer.observe(event);
        }
    }
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
