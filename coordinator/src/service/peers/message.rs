//! What replicas ask each other. All fields have names, and what one side doesn't know it ignores, so
//! that replicas of two versions work while they are rolled out.

use std::time::Duration;

use callboard_proto::RunId;
use serde::{Deserialize, Serialize};

use crate::service::refusal::Refusal;
use crate::service::runs::{CallContent, Events, Kind, Page, RunList, RunView, Status};
use crate::service::token::Caller;

/// What is asked, and on whose behalf. The replica that was asked over HTTP has checked the token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    /// On whose behalf.
    pub(crate) caller: Caller,
    /// What.
    pub(crate) ask: Ask,
}

/// What one replica can ask another.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A run as it stands, or as it ended, if that is soon.
    View(Target, u64),
    /// Some events of a run.
    Events(Target, Events),
    /// What a call of a run was given and answered: its turn and its id.
    Content(Target, u32, String),
    /// The end of a run.
    Cancel(Target),
    /// Runs, the latest first.
    List {
        /// Only those that are older.
        before: Option<RunId>,
        /// Only those that are so.
        status: Option<Status>,
        /// So many.
        limit: usize,
    },
    /// A key for a run.
    Claim(Claim),
    /// A key back, whose run never began or is kept no longer.
    Release(Claim),
    /// What a key stands for.
    Held(Claim),
}

/// One run or execution.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Target {
    pub(crate) kind: Kind,
    pub(crate) run: RunId,
}

/// A key, and what it is to stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub(crate) kind: Kind,
    pub(crate) caller: String,
    pub(crate) key: String,
    /// Of what was asked for.
    pub(crate) fingerprint: String,
    pub(crate) run: RunId,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A run.
    View(Box<RunView>),
    /// Events.
    Events(Page),
    /// What a call was given and answered.
    Content(CallContent),
    /// Runs.
    List(RunList),
    /// The key is the asker's, or what it stands for.
    Claimed(Option<Claim>),
    /// Why there is none.
    Refused(Refusal),
}

impl Ask {
    /// How long the answer may take by its own nature.
    pub(crate) fn wait(&self) -> Duration {
        match self {
            Self::View(_, wait_ms) => Duration::from_millis(*wait_ms),
            Self::Events(_, events) => Duration::from_millis(events.wait_ms),
            Self::Content(..)
            | Self::Cancel(_)
            | Self::List { .. }
            | Self::Claim(_)
            | Self::Release(_)
            | Self::Held(_) => Duration::ZERO,
        }
    }
}

impl Answer {
    pub(super) fn of<T>(result: Result<T, Refusal>, answer: impl FnOnce(T) -> Self) -> Self {
        result.map_or_else(Self::Refused, answer)
    }

    pub(crate) fn view(self) -> Result<RunView, Refusal> {
        match self {
            Self::View(view) => Ok(*view),
            other @ (Self::Events(_)
            | Self::Content(_)
            | Self::List(_)
            | Self::Claimed(_)
            | Self::Refused(_)) => Err(other.unexpected()),
        }
    }

    pub(crate) fn events(self) -> Result<Page, Refusal> {
        match self {
            Self::Events(page) => Ok(page),
            other @ (Self::View(_)
            | Self::Content(_)
            | Self::List(_)
            | Self::Claimed(_)
            | Self::Refused(_)) => Err(other.unexpected()),
        }
    }

    pub(crate) fn content(self) -> Result<CallContent, Refusal> {
        match self {
            Self::Content(content) => Ok(content),
            other @ (Self::View(_)
            | Self::Events(_)
            | Self::List(_)
            | Self::Claimed(_)
            | Self::Refused(_)) => Err(other.unexpected()),
        }
    }

    pub(crate) fn list(self) -> Result<RunList, Refusal> {
        match self {
            Self::List(list) => Ok(list),
            other @ (Self::View(_)
            | Self::Events(_)
            | Self::Content(_)
            | Self::Claimed(_)
            | Self::Refused(_)) => Err(other.unexpected()),
        }
    }

    pub(super) fn claimed(self) -> Result<Option<Claim>, Refusal> {
        match self {
            Self::Claimed(claim) => Ok(claim),
            other @ (Self::View(_)
            | Self::Events(_)
            | Self::Content(_)
            | Self::List(_)
            | Self::Refused(_)) => Err(other.unexpected()),
        }
    }

    fn unexpected(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::View(_)
            | Self::Events(_)
            | Self::Content(_)
            | Self::List(_)
            | Self::Claimed(_) => {
                tracing::error!("a replica answered something else than it was asked");
                Refusal::Internal
            }
        }
    }
}
