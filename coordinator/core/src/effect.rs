//! What a dispatcher wants done.

use std::time::Duration;

use callboard_proto::message::{
    CallHead, CallItem, CancelHead, CancelItem, GrantHead, GrantItem, StatusHead, StatusItem,
};
use callboard_proto::{
    Attempt, CallKey, Executed, FailureKind, InstanceId, Pool, Token, ToolName, WorkerName,
};

use crate::report::Report;

/// Where an instance listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Its pool.
    pub pool: Pool,
    /// The instance.
    pub instance: InstanceId,
}

/// One thing that a dispatcher wants done. What can't be delivered comes back as
/// [`crate::Input::Undelivered`] under the same token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Post calls.
    Call {
        /// Where to.
        to: Address,
        /// The token for the answers.
        token: Token,
        /// What the calls share.
        head: CallHead,
        /// The calls.
        items: Vec<CallItem>,
    },
    /// Let waiting writes run.
    Grant {
        /// Where to.
        to: Address,
        /// The token for the answers.
        token: Token,
        /// What the grants share.
        head: GrantHead,
        /// The grants.
        items: Vec<GrantItem>,
    },
    /// End attempts.
    Cancel {
        /// Where to.
        to: Address,
        /// The token for the answers.
        token: Token,
        /// What the cancels share.
        head: CancelHead,
        /// The cancels.
        items: Vec<CancelItem>,
    },
    /// Ask what is held.
    Status {
        /// Where to.
        to: Address,
        /// The token for the answers.
        token: Token,
        /// What the questions share.
        head: StatusHead,
        /// The questions.
        items: Vec<StatusItem>,
    },
    /// Say a word to oneself (P14).
    Echo {
        /// Its number.
        seq: u64,
    },
    /// An instance is here whose tools aren't known, or have changed: describe it.
    Describe {
        /// Where to.
        to: Address,
    },
    /// A turn is over.
    Report(Report),
    /// Something that people and traces want to know.
    Event(CallEvent),
}

/// What became of a call, as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEvent {
    /// The call.
    pub call: CallKey,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It was opened and waits for a slot.
    Opened {
        /// The tool; absent where the call failed before it could be posted.
        tool: Option<ToolName>,
    },
    /// An attempt was posted.
    Posted {
        /// The attempt.
        attempt: Attempt,
        /// The worker it was placed on.
        worker: WorkerName,
        /// That worker's instance.
        instance: InstanceId,
    },
    /// The worker said that the attempt runs.
    Running {
        /// The attempt.
        attempt: Attempt,
    },
    /// A `write` was granted.
    Granted {
        /// The attempt.
        attempt: Attempt,
    },
    /// The tool said how far it is.
    Progress {
        /// The attempt.
        attempt: Attempt,
        /// Percent done, if the tool knows.
        percent: Option<u8>,
        /// What the tool says about it.
        message: Option<String>,
    },
    /// An attempt ended without settling the call, which waits again.
    Returned {
        /// The attempt.
        attempt: Attempt,
        /// Why: a failure's kind, or `busy`, `stale`, `draining` and their like.
        why: &'static str,
        /// How long the call waits at least.
        delay: Duration,
    },
    /// The call has its outcome.
    Settled {
        /// The kind of failure; `None` where the tool completed.
        kind: Option<FailureKind>,
        /// Whether a tool that completed calls its own answer an error.
        is_error: bool,
        /// What happened, as the model reads it; empty where the tool completed.
        message: String,
        /// Whether the tool may have run.
        executed: Executed,
        /// The worker whose answer settled it.
        worker: Option<WorkerName>,
        /// Attempts made.
        attempts: u32,
        /// Time from opening.
        elapsed: Duration,
        /// Time at the worker before the tool was entered.
        queued: Duration,
        /// Time inside the tool, as the worker measured it.
        ran_for: Duration,
    },
    /// A result came after the report (P15); the model never sees it.
    LateResult {
        /// The attempt.
        attempt: Attempt,
        /// The kind of failure; `None` where the tool completed.
        kind: Option<FailureKind>,
    },
}
