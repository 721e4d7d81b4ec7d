//! What happens to a dispatcher.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard_proto::codec::Batch;
use callboard_proto::message::{
    AckItem, Announce, Beat, Free, ProgressHead, ProgressItem, Refusal, ReplyHead, ResultItem,
};
use callboard_proto::{
    CallKey, Digest, Epoch, Failure, Manifest, RunId, Token, ToolName, ToolUseId, TraceContext,
    TurnKey,
};

/// How a turn is gathered.
#[derive(Clone, Debug)]
pub struct TurnOptions {
    /// When the turn is reported at the latest.
    pub deadline: Instant,
    /// Longest time for a call, from its opening; the turn's deadline caps it.
    pub call_deadline: Option<Duration>,
    /// Calls of the turn that are in flight at once, at most.
    pub parallel_max: Option<u32>,
    /// The epoch of the run's owner.
    pub epoch: Epoch,
    /// The span that the turn's calls belong below; absent where nobody follows the trace.
    pub trace: Option<TraceContext>,
    /// Whether its events are told even while nobody listens to those of all turns.
    pub is_watched: bool,
}

impl TurnOptions {
    /// A turn that is reported by `deadline`, of a run that isn't durable, without any other limit and
    /// unwatched.
    #[must_use]
    pub const fn until(deadline: Instant) -> Self {
        Self {
            deadline,
            call_deadline: None,
            parallel_max: None,
            epoch: Epoch(0),
            trace: None,
            is_watched: false,
        }
    }
}

/// A call that may be posted: its arguments were parsed and fit the schema.
#[derive(Clone, Debug)]
pub struct Posting {
    /// The tool's name, as its worker gave it.
    pub tool: ToolName,
    /// The digest of the tool that the run froze.
    pub digest: Digest,
    /// What the tool declares, after the operator's word.
    pub manifest: Arc<Manifest>,
    /// The model's own JSON.
    pub arguments: Bytes,
    /// Idempotency key, if the caller gave one.
    pub key: Option<String>,
}

/// A call as it is opened: to be posted, or failed before it could be.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// The provider's id; unique in its turn.
    pub id: ToolUseId,
    /// What to post, or why nothing can be.
    pub body: Result<Posting, Failure>,
}

/// Why a turn or call is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CancelReason {
    /// A person or program asked: the outcomes are `cancelled`.
    Asked,
    /// The coordinator is shutting down: the outcomes are `interrupted`.
    ShuttingDown,
}

/// Why a message did not reach its instance. Binding: nothing of it was or will be received.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Undelivered {
    /// The server answered 503: nobody listens.
    NoResponders,
    /// The link refused the message: larger than the server takes.
    TooLarge,
    /// The link was down and took nothing (P13).
    LinkDown,
}

/// One thing that happens to a dispatcher.
#[derive(Debug)]
pub enum Input {
    /// A turn begins.
    Open {
        /// Its key; not open yet.
        turn: TurnKey,
        /// How it is gathered.
        options: TurnOptions,
    },
    /// A call of an open, unsealed turn.
    Call {
        /// The turn.
        turn: TurnKey,
        /// The call.
        call: NewCall,
    },
    /// No more calls come: report when all are settled.
    Seal {
        /// The turn.
        turn: TurnKey,
    },
    /// End all calls of a turn, then report.
    CancelTurn {
        /// The turn.
        turn: TurnKey,
        /// Why.
        reason: CancelReason,
    },
    /// A run is over: what was remembered for it may go.
    EndRun {
        /// The run.
        run: RunId,
    },
    /// End one call.
    CancelCall {
        /// The call.
        call: CallKey,
    },
    /// A worker says what it holds.
    Ack {
        /// The token that it came under (P3).
        token: Token,
        /// The states.
        batch: Batch<ReplyHead, AckItem>,
    },
    /// A worker says how attempts ended.
    Result {
        /// The token that it came under (P3).
        token: Token,
        /// The ends.
        batch: Batch<ReplyHead, ResultItem>,
    },
    /// A worker says how far attempts are.
    Progress {
        /// The token that it came under (P3).
        token: Token,
        /// How far.
        batch: Batch<ProgressHead, ProgressItem>,
    },
    /// A worker holds slots out (P6).
    Free {
        /// The token that it came under (P3).
        token: Token,
        /// What is free.
        free: Free,
    },
    /// A worker could not read a whole message.
    Refusal {
        /// The token that it came under (P3).
        token: Token,
        /// Why.
        refusal: Refusal,
    },
    /// A message did not reach its instance.
    Undelivered {
        /// The token of that message.
        token: Token,
        /// Why.
        why: Undelivered,
    },
    /// An instance lives.
    Beat(Beat),
    /// Somebody says that an instance is there and offers these digests. Anybody in the tenant can say so: it is
    /// believed where nothing is known yet; else the instance itself is asked.
    Announce(Announce),
    /// An instance describes itself, under the token of the question that only it was sent (P3).
    Described(Announce),
    /// The dispatcher's own echo came back (P14).
    Echo {
        /// The number that was sent.
        seq: u64,
    },
    /// The link to the server went down.
    LinkDown,
    /// The link to the server is up again.
    LinkUp,
}
