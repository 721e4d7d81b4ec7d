//! The failures that a worker's core reports itself: each of an attempt that never entered its tool.

use callboard_proto::{Executed, FailureKind, Outcome};

/// Longest part of a decoder's or peer's words that is repeated, in bytes (chosen, not measured).
const REASON_BYTES_MAX: usize = 256;

pub(crate) fn cancelled() -> Outcome {
    unexecuted(
        FailureKind::Cancelled,
        "The call was cancelled before its tool was entered; it did not run.".to_owned(),
    )
}

pub(crate) fn timed_out() -> Outcome {
    unexecuted(
        FailureKind::TimedOut,
        "The time for the call was over before its tool was entered; it did not run.".to_owned(),
    )
}

pub(crate) fn interrupted() -> Outcome {
    unexecuted(
        FailureKind::Interrupted,
        "The worker was told to end before the call's tool was entered; it did not run.".to_owned(),
    )
}

pub(crate) fn unreadable(reason: &str) -> Outcome {
    unexecuted(
        FailureKind::ProtocolError,
        format!(
            "The worker can't read the call ({}); it did not run.",
            shortened(reason)
        ),
    )
}

pub(crate) fn other_arguments() -> Outcome {
    unexecuted(
        FailureKind::ProtocolError,
        "The same attempt was delivered before with other arguments; this delivery did not run."
            .to_owned(),
    )
}

/// Takes back a `no` about an attempt that may have run in an earlier delivery.
pub(crate) fn in_doubt(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Failed(mut failure) if failure.executed == Executed::No => {
            failure.executed = Executed::Unknown;
            failure
                .message
                .push_str(" Whether an earlier delivery of it ran isn't known any more.");
            Outcome::Failed(failure)
        }
        outcome @ (Outcome::Completed(_) | Outcome::Failed(_)) => outcome,
    }
}

/// The beginning of a reason: a decoder's error can repeat what it read, however long.
pub(crate) fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)]
}

fn unexecuted(kind: FailureKind, message: String) -> Outcome {
    Outcome::failed(kind, message, Executed::No)
}

#[cfg(test)]
mod tests {
    use super::{
        Outcome, cancelled, in_doubt, interrupted, other_arguments, shortened, timed_out,
        unreadable,
    };

    #[test]
    fn a_model_reads_what_happened_and_that_nothing_ran() {
        let texts: Vec<_> = [
            cancelled(),
            timed_out(),
            interrupted(),
            unreadable("the body is empty"),
            other_arguments(),
            in_doubt(cancelled()),
        ]
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Failed(failure) => {
                format!("{} {}: {}", failure.kind, failure.executed, failure.message)
            }
            Outcome::Completed(_) => panic!("a failure was expected"),
        })
        .collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
        cancelled no: The call was cancelled before its tool was entered; it did not run.
        timed_out no: The time for the call was over before its tool was entered; it did not run.
        interrupted no: The worker was told to end before the call's tool was entered; it did not run.
        protocol_error no: The worker can't read the call (the body is empty); it did not run.
        protocol_error no: The same attempt was delivered before with other arguments; this delivery did not run.
        cancelled unknown: The call was cancelled before its tool was entered; it did not run. Whether an earlier delivery of it ran isn't known any more.
        ");
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let long = format!("{}ü", "x".repeat(255));
        assert_eq!(shortened(&long), "x".repeat(255));
    }
}
