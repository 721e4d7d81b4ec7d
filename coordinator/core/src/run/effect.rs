//! What a run wants done.

use std::time::Instant;

use callboard_proto::TurnKey;

use crate::input::{CancelReason, NewCall};
use crate::report::Report;

/// One thing that a run wants done.
#[derive(Debug)]
pub enum Effect {
    /// Ask the model with the conversation as it stands.
    AskModel {
        /// The turn that its answer will be.
        turn: TurnKey,
    },
    /// Post these calls and report them.
    OpenTurn {
        /// The turn.
        turn: TurnKey,
        /// Its calls, in order; those that can't be posted say why.
        calls: Vec<NewCall>,
        /// When the turn is reported at the latest.
        deadline: Instant,
    },
    /// End the calls of the turn that is being gathered; its report is still awaited.
    CancelTurn {
        /// The turn.
        turn: TurnKey,
        /// Why.
        reason: CancelReason,
    },
    /// Append these results to the conversation: one for each call of the turn, in call order.
    FeedBack(Report),
    /// The run is over; always the last effect. A question that is still open is dropped.
    End(RunEnd),
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The model gave its final answer.
    Answered,
    /// The last response that the budget allows still asked for calls; they were answered.
    TurnsExhausted,
    /// The model went on asking for calls after the budget for calls was used up.
    CallsExhausted,
    /// The tokens were used up, and the model was not done.
    TokensExhausted,
    /// The time was used up.
    TimeExhausted,
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
            Self::TimeExhausted => "time_exhausted",
            Self::Cancelled(CancelReason::Asked) => "cancelled",
            Self::Cancelled(CancelReason::ShuttingDown) => "interrupted",
            Self::Truncated => "truncated",
            Self::Declined => "declined",
            Self::ModelFailed { .. } => "model_failed",
        }
    }
}
