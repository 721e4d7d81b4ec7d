//! What a run wants done.

use std::time::{Duration, Instant};

use callboard_proto::TurnKey;

use super::gathering::Gathered;
use crate::input::{CancelReason, NewCall};

/// One thing that a run wants done.
#[derive(Debug)]
pub enum Effect {
    /// Ask the model with the conversation as it stands. The question is dropped, if it is still open,
    /// once [`RunLoop::is_asking`](super::RunLoop::is_asking) says no.
    AskModel {
        /// The turn that its answer will be.
        turn: TurnKey,
    },
    /// Do something with the turn that is gathered, or begin to gather it.
    Turn {
        /// The turn.
        turn: TurnKey,
        /// What to do.
        step: TurnStep,
    },
    /// Append these results to the conversation: one for each call of the turn, in call order.
    FeedBack(Gathered),
    /// Keep these results for the record alone: the response that asked for them broke off, or
    /// contradicted itself, and is no part of the conversation.
    Discard(Gathered),
    /// The run is over; always the last effect.
    End(RunEnd),
}

/// A step of gathering. A turn is opened, perhaps added to, and sealed by the step that says so;
/// exactly then it is reported.
#[derive(Clone, Debug)]
pub enum TurnStep {
    /// Open the turn and post these calls.
    Open {
        /// The first calls, in order; those that can't be posted say why.
        calls: Vec<NewCall>,
        /// When the turn is reported at the latest.
        deadline: Instant,
        /// Time for each call from its own start, where the deadline alone would give it too much.
        call_time: Option<Duration>,
        /// Whether these are all of the turn's calls.
        is_sealed: bool,
    },
    /// Post more calls of the turn.
    Add {
        /// The calls that follow, in order; none where the turn is only sealed.
        calls: Vec<NewCall>,
        /// Whether no more follow.
        is_sealed: bool,
    },
    /// End the calls of the turn; its report is still awaited.
    Cancel(CancelReason),
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The model gave its final answer.
    Answered,
    /// The last response that the budget allows still asked for calls; they were answered.
    TurnsExhausted,
    /// The model went on asking for calls after the budget for calls was used up, or although there are
    /// none to be had.
    CallsExhausted,
    /// The tokens were used up, and the model was not done.
    TokensExhausted,
    /// The time was used up.
    TimeExhausted {
        /// How far the question was that the model was being asked, if it was; for people.
        failure: Option<String>,
    },
    /// Somebody asked for the end.
    Cancelled(CancelReason),
    /// A limit cut the model's response off.
    Truncated,
    /// The model, or its provider, declined to go on.
    Declined,
    /// The model gave no answer, or one that can't be worked with.
    ModelFailed {
        /// What happened, for people.
        message: String,
    },
}

impl RunEnd {
    /// The reason in one word, for views, logs and `--json`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TurnsExhausted => "turns_exhausted",
            Self::CallsExhausted => "calls_exhausted",
            Self::TokensExhausted => "tokens_exhausted",
            Self::TimeExhausted { .. } => "time_exhausted",
            Self::Cancelled(CancelReason::Asked) => "cancelled",
            Self::Cancelled(CancelReason::ShuttingDown) => "interrupted",
            Self::Truncated => "truncated",
            Self::Declined => "declined",
            Self::ModelFailed { .. } => "model_failed",
        }
    }
}
