//! What the dispatch actor is asked.

use callboard_coordinator_core::{
    CancelReason, Counters, NewCall, Report, TurnOptions, WorkerView,
};
use callboard_proto::{CallKey, RunId, ToolName, TurnKey};
use tokio::sync::oneshot;

use crate::catalogue::Offer;
use crate::dispatch::handle::{Known, Standing};

/// One wish.
#[derive(Debug)]
pub(super) enum Message {
    /// Drive these calls, the first of a turn or all, and report.
    Gather {
        turn: TurnKey,
        options: TurnOptions,
        calls: Vec<NewCall>,
        is_whole: bool,
        report: oneshot::Sender<Report>,
    },
    /// Drive more calls of a turn that isn't whole yet.
    More {
        turn: TurnKey,
        calls: Vec<NewCall>,
        is_whole: bool,
    },
    /// End a turn whose asker has gone, whole or not.
    Abandon { turn: TurnKey },
    /// End a turn.
    CancelTurn { turn: TurnKey, reason: CancelReason },
    /// End one call.
    CancelCall { call: CallKey },
    /// A run is over.
    EndRun { run: RunId },
    /// Say when all of these tools are known to be offered by somebody.
    AwaitTools {
        wanted: Vec<ToolName>,
        known: oneshot::Sender<()>,
    },
    /// Say which tools are offered now.
    Offers { offers: oneshot::Sender<Vec<Offer>> },
    /// Say who is there now.
    Workers {
        workers: oneshot::Sender<Vec<(WorkerView, Vec<Known>)>>,
    },
    /// Say how the dispatcher stands.
    Standing { standing: oneshot::Sender<Standing> },
    /// Say what was counted.
    Counters { counters: oneshot::Sender<Counters> },
    /// End every open turn as `interrupted`, then end.
    ShutDown,
}
