//! What happens to a run.

use std::time::Duration;

use callboard_proto::Turn;

use super::budget::Usage;
use crate::input::{CancelReason, NewCall};
use crate::report::Report;

/// Why a model stopped, as far as the loop cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It wants its calls run and their results.
    Calls,
    /// It is done.
    Done,
    /// It wants to be asked again with what it said so far, and nothing else: a long turn of tools that
    /// its provider runs was split, or its context was compacted.
    Paused,
    /// Its output was cut off by a limit: the last call may be half a call, so none runs.
    Truncated,
    /// It, or its provider, declined to go on.
    Declined,
    /// A reason that this version doesn't know: nothing runs.
    Unknown(String),
}

impl Stop {
    /// The reason as a model or person reads it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Calls => "the response asked for calls".to_owned(),
            Self::Done => "the response was final".to_owned(),
            Self::Truncated => {
                "the response was cut off by a length limit, so its calls may be incomplete"
                    .to_owned()
            }
            Self::Declined => "the response was a refusal".to_owned(),
            Self::Paused => "the response was only paused, which leaves no call waiting".to_owned(),
            Self::Unknown(reason) => {
                format!("the response stopped for an unknown reason ({reason:?})")
            }
        }
    }
}

/// What the loop needs of a model response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The calls, in the model's order, each checked against its tool.
    pub calls: Vec<NewCall>,
    /// Why the model stopped.
    pub stop: Stop,
    /// What it used, if it says so.
    pub usage: Option<Usage>,
    /// What to say where the run ends for a stop that isn't known: who stopped so, and what helps. `None`: the
    /// reason alone.
    pub account: Option<String>,
}

/// One thing that happens to a run. What comes for a turn that isn't being waited for changes nothing.
#[derive(Debug)]
pub enum Input {
    /// A call of the response that still streams is surely whole. Each comes once, in call order.
    EarlyCall {
        /// The turn that the response is for.
        turn: Turn,
        /// The call, checked against its tool.
        call: NewCall,
    },
    /// The model answered.
    ModelAnswered {
        /// The turn that it was asked for.
        turn: Turn,
        /// Its answer.
        answer: Answer,
    },
    /// The model gave no answer.
    ModelFailed {
        /// The turn that it was asked for.
        turn: Turn,
        /// Why, for people.
        message: String,
        /// After how long the same question may be asked again; `None` where that is no help or was tried.
        retry_after: Option<Duration>,
    },
    /// Responses that came to nothing used so much: they were cut off, or asked for anew. Counts at any time,
    /// even at the run's end.
    Discarded(Usage),
    /// A turn was gathered.
    Reported(Report),
    /// Whoever gathered a turn is gone, and its report with it.
    ReportLost {
        /// The turn.
        turn: Turn,
    },
    /// The run shall end. A turn that is being gathered is still reported.
    Cancel(CancelReason),
}
