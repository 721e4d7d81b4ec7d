//! What happens to a worker.

use std::time::Duration;

use callboard_proto::codec::Batch;
use callboard_proto::message::{
    CallHead, CallItem, CancelHead, CancelItem, GrantHead, GrantItem, StatusHead, StatusItem,
};
use callboard_proto::{AttemptKey, CoordinatorId, Outcome, Token};

use crate::OfferedTool;

/// Where a message wants its answers: the subject `reply.{tenant}.{coordinator}.{token}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyTo {
    /// Who hears it.
    pub coordinator: CoordinatorId,
    /// The token of the message that is answered (P3).
    pub token: Token,
}

/// The end of an attempt that entered its tool, or that the executor could not start.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The attempt, as [`crate::Effect::Start`] named it.
    pub of: AttemptKey,
    /// Its place, as the same named it: where whoever ran it remembers, it is found without a search.
    pub place: Option<usize>,
    /// How it ended; a failure's `executed` is this attempt's truth.
    pub outcome: Outcome,
    /// Time inside the tool.
    pub executed: Duration,
}

/// One thing that happens to a worker.
#[derive(Debug)]
pub enum Input {
    /// Calls arrive.
    Call {
        /// Where the answer goes.
        reply: ReplyTo,
        /// The calls, each decoded or not.
        batch: Batch<CallHead, CallItem>,
    },
    /// Grants arrive.
    Grant {
        /// Where the answer goes.
        reply: ReplyTo,
        /// The grants.
        batch: Batch<GrantHead, GrantItem>,
    },
    /// Cancels arrive.
    Cancel {
        /// Where the answer goes.
        reply: ReplyTo,
        /// The cancels.
        batch: Batch<CancelHead, CancelItem>,
    },
    /// A coordinator asks what is held.
    Status {
        /// Where the answer goes.
        reply: ReplyTo,
        /// The questions.
        batch: Batch<StatusHead, StatusItem>,
    },
    /// A tool ended.
    Finished(Finished),
    /// Other tools are on offer from now on, or something else that the instance says of itself changed.
    /// What runs goes on; what hasn't entered a tool that is gone, or was changed, is let go.
    Tools(Vec<OfferedTool>),
    /// Take no more calls; after `grace`, cancel what still runs.
    Drain {
        /// Time until what still runs is cancelled.
        grace: Duration,
    },
}
