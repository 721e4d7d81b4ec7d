//! The outcomes of a turn, and why gathering stopped.

use std::time::Duration;

use callboard_proto::{Outcome, ToolName, ToolUseId, TurnKey, WorkerName};

/// Why gathering stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StopReason {
    /// Every call was settled.
    Settled,
    /// The turn's deadline came first.
    Deadline,
    /// The turn was cancelled.
    Cancelled,
}

impl StopReason {
    /// The reason in one word, for views and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One call of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// The provider's id.
    pub id: ToolUseId,
    /// The tool; absent where the call failed before it could be posted.
    pub tool: Option<ToolName>,
    /// How the call ended.
    pub outcome: Outcome,
    /// Attempts made, `busy` answers and moves included.
    pub attempts: u32,
    /// The worker of the attempt that settled it.
    pub worker: Option<WorkerName>,
    /// Time from opening to the outcome.
    pub elapsed: Duration,
    /// Time at the worker before the tool was entered.
    pub queued: Duration,
    /// Time inside the tool, as the worker measured it.
    pub executed: Duration,
}

/// The outcomes of a turn, in call order; exactly one for each call that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The turn.
    pub turn: TurnKey,
    /// One for each call, in the order in which they were opened.
    pub calls: Vec<CallReport>,
    /// Why gathering stopped.
    pub stopped: StopReason,
    /// Time from opening the turn to the report.
    pub elapsed: Duration,
}
