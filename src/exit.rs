//! What the process says by its exit code.

use std::process::ExitCode;

use callboard_coordinator::follow::FollowError;
use callboard_coordinator::probe::ProbeError;
use callboard_coordinator::run::Tally;

use crate::output;

/// Exit codes, as `--help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was done; every call completed.
    Done,
    /// A fault of Callboard's own.
    Internal,
    /// The input or the options can't be worked with; nothing was run.
    BadInput,
    /// Some calls failed, or their tools answered with an error.
    SomeFailed,
    /// No call ran.
    NoneRan,
    /// The server can't be reached or can't be worked with, or nobody is there.
    Unreachable,
    /// A run ended without the model's final answer.
    Unfinished,
    /// Interrupted by Ctrl-C.
    Interrupted,
}

/// The table of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done; every call completed
  1    a fault of Callboard's own
  2    the input or the options can't be worked with; nothing was run
  3    some calls failed, or their tools answered with an error
  4    no call ran
  5    the NATS server, or what was probed or followed, can't be reached or can't be worked with
  6    the run ended without the model's final answer
  130  interrupted by Ctrl-C; every call was settled and printed all the same";

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Internal => 1,
            Self::BadInput => 2,
            Self::SomeFailed => 3,
            Self::NoneRan => 4,
            Self::Unreachable => 5,
            Self::Unfinished => 6,
            Self::Interrupted => 130,
        }
    }

    /// The code for calls that were settled.
    pub(crate) fn of_calls(tally: &Tally) -> Self {
        if tally.calls == tally.completed {
            Self::Done
        } else if tally.calls == tally.not_executed {
            Self::NoneRan
        } else {
            Self::SomeFailed
        }
    }

    /// The code for an error that ended a command.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        use callboard_proto::server::LinkError;
        let of_cause = |cause: &(dyn std::error::Error + 'static)| {
            if let Some(link) = cause.downcast_ref::<LinkError>() {
                return Some(match link {
                    // What the operator gave, and not the server, is at fault.
                    LinkError::Url { .. }
                    | LinkError::Credentials { .. }
                    | LinkError::Nkey { .. }
                    | LinkError::Signing { .. } => Self::BadInput,
                    LinkError::Unreachable { .. }
                    | LinkError::TooOld { .. }
                    | LinkError::Login { .. }
                    | LinkError::Tls { .. }
                    | LinkError::Permission { .. }
                    | LinkError::Silent { .. }
                    | LinkError::Away { .. }
                    | LinkError::PayloadTooSmall { .. } => Self::Unreachable,
                });
            }
            if let Some(FollowError::Unreachable { .. }) = cause.downcast_ref() {
                return Some(Self::Unreachable);
            }
            if cause.is::<ProbeError>() {
                return Some(Self::Unreachable);
            }
            let is_refused = cause.is::<Refused>().then_some(Self::Unreachable);
            is_refused.or_else(|| cause.is::<BadInput>().then_some(Self::BadInput))
        };
        error.chain().find_map(of_cause).unwrap_or(Self::Internal)
    }

    /// Prints an error with all its causes, and gives the code.
    pub(crate) fn report(self, error: &anyhow::Error) -> ExitCode {
        if output::is_broken_pipe(error) {
            // Whoever read has read enough.
            return ExitCode::SUCCESS;
        }
        output::error(error);
        self.into()
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What was given can't be worked with. The text says what and how to cure it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadInput(pub(crate) String);

/// The server takes what was connected no longer. The text says what it refuses and how to cure it.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses what this worker needs: {0}")]
pub(crate) struct Refused(pub(crate) String);

/// Marks an error as one of the input.
pub(crate) fn bad_input(error: impl Into<anyhow::Error>) -> anyhow::Error {
    let error = error.into();
    let text = error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ");
    anyhow::Error::new(BadInput(text))
}
