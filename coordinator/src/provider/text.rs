//! The texts that a model reads where a tool gave no answer: what happened, whether the tool may have
//! run, and what the model can do next. Shared by all providers; each is snapshot-tested.

use std::time::Duration;

use callboard_proto::{Executed, Failure, FailureKind, Part};

/// What stands for a tool's error that says nothing: providers refuse an error without text.
pub const EMPTY_ERROR: &str = "The tool reported an error and gave no details.";

/// What a model reads of a failure.
#[must_use]
pub fn failure(failure: &Failure) -> String {
    let mut text = format!("Error ({}): {}", failure.kind, what_happened(failure.kind));
    let message = failure.message.trim();
    if !message.is_empty() {
        text.push_str("\nDetails: ");
        text.push_str(message);
    }
    text.push_str("\nExecuted: ");
    text.push_str(whether_it_ran(failure.executed));
    text.push_str("\nNext: ");
    text.push_str(what_next(failure.kind, failure.executed));
    if let Some(after) = failure.retry_after {
        text.push_str(&format!(" Not before {} from now.", in_words(after)));
    }
    text
}

fn what_happened(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidArguments => "the arguments are not what the tool takes.",
        FailureKind::UnknownTool => "there is no such tool.",
        FailureKind::Refused => "the call was refused.",
        FailureKind::NoWorker => "the tool exists, but nobody offers it at the moment.",
        FailureKind::Overloaded => "too many calls are waiting already.",
        FailureKind::TimedOut => "the call's time was up before it had a result.",
        FailureKind::WorkerLost => "the machine that held the call was lost.",
        FailureKind::Poison => "the call was given up after it took down the machines that ran it.",
        FailureKind::Crashed => "the tool crashed without an answer.",
        FailureKind::Cancelled => "the call was cancelled on request.",
        FailureKind::Interrupted => "the system was shut down before the call had a result.",
        FailureKind::OutputTooLarge => "the tool's result was too large to be sent.",
        FailureKind::ProtocolError => "the machines involved did not understand each other.",
        FailureKind::Internal => "something failed in the system that runs the tools.",
    }
}

fn whether_it_ran(executed: Executed) -> &'static str {
    match executed {
        Executed::No => "no. The tool did not run, and will not run for this call.",
        Executed::Yes => "yes. The tool was started; all, part or none of its work may be done.",
        Executed::Unknown => "unknown. The tool may or may not have run.",
    }
}

fn what_next(kind: FailureKind, executed: Executed) -> &'static str {
    match executed {
        Executed::No => after_nothing_ran(kind),
        Executed::Yes => after_it_ran(kind),
        Executed::Unknown => after_it_may_have_run(kind),
    }
}

fn after_nothing_ran(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidArguments => "correct the arguments and call again.",
        FailureKind::UnknownTool => "call one of the tools that exist.",
        FailureKind::Refused => {
            "do not repeat the call as it is; go on without it, or say what is missing."
        }
        FailureKind::NoWorker => {
            "nothing is wrong with the call; use another tool or go on without it, and say so."
        }
        FailureKind::Overloaded => "call again later, with fewer calls at once.",
        FailureKind::TimedOut => {
            "it is safe to call again; fewer calls at once leave each more time."
        }
        FailureKind::WorkerLost => "it is safe to call again.",
        FailureKind::Poison | FailureKind::Crashed => {
            "do not repeat the call with the same arguments; change them or go on without it."
        }
        FailureKind::Cancelled => "do not repeat the call unless you are asked to.",
        FailureKind::Interrupted => "it is safe to call again once the work is resumed.",
        FailureKind::OutputTooLarge => "ask for less: a narrower question, fewer items or a range.",
        FailureKind::ProtocolError | FailureKind::Internal => {
            "it is safe to call again once; if that fails too, go on without it and say so."
        }
    }
}

fn after_it_ran(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::OutputTooLarge => {
            "ask for less: a narrower question, fewer items or a range. If the tool changes anything, \
             the change is made: do not make it again."
        }
        FailureKind::Poison | FailureKind::Crashed => {
            "if the tool changes anything, check first what was done. Do not repeat the call with the \
             same arguments; change them or go on without it."
        }
        FailureKind::Cancelled => {
            "if the tool changes anything, check what was done. Do not repeat the call unless you are \
             asked to."
        }
        FailureKind::TimedOut => {
            "if the tool changes anything, check first what was done. If it only reads, ask for less \
             or call again."
        }
        FailureKind::InvalidArguments
        | FailureKind::UnknownTool
        | FailureKind::Refused
        | FailureKind::NoWorker
        | FailureKind::Overloaded
        | FailureKind::WorkerLost
        | FailureKind::Interrupted
        | FailureKind::ProtocolError
        | FailureKind::Internal => {
            "if the tool changes anything, check first what was done and repeat only what is missing. \
             If it only reads, call again."
        }
    }
}

fn after_it_may_have_run(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Poison | FailureKind::Crashed => {
            "if the tool changes anything, check first whether the change was made. Do not repeat the \
             call with the same arguments; change them or go on without it."
        }
        FailureKind::Cancelled => {
            "if the tool changes anything, check whether the change was made. Do not repeat the call \
             unless you are asked to."
        }
        FailureKind::OutputTooLarge => {
            "ask for less: a narrower question, fewer items or a range. If the tool changes anything, \
             check first whether the change was made."
        }
        FailureKind::InvalidArguments
        | FailureKind::UnknownTool
        | FailureKind::Refused
        | FailureKind::NoWorker
        | FailureKind::Overloaded
        | FailureKind::TimedOut
        | FailureKind::WorkerLost
        | FailureKind::Interrupted
        | FailureKind::ProtocolError
        | FailureKind::Internal => {
            "if the tool changes anything, check first whether the change was made, and call again only \
             if it was not. If it only reads, call again."
        }
    }
}

/// A part in words, for a format that can't show it; text and JSON as they are.
#[must_use]
pub fn part(part: &Part) -> String {
    match part {
        Part::Text(text) | Part::Json(text) => text.clone(),
        Part::Image { media_type, data } => format!(
            "[an image that can't be shown here: {media_type}, {} bytes]",
            data.len()
        ),
        Part::Document {
            media_type,
            name,
            data,
        } => format!(
            "[a document that can't be shown here: {}{media_type}, {} bytes]",
            name.as_ref()
                .map_or_else(String::new, |name| format!("{name:?}, ")),
            data.len()
        ),
        Part::Resource {
            uri,
            media_type,
            text,
        } => {
            let media_type = media_type
                .as_ref()
                .map_or_else(String::new, |media_type| format!(", {media_type}"));
            match text {
                Some(text) => format!("[resource {uri}{media_type}]\n{text}"),
                None => format!("[a resource that was not sent along: {uri}{media_type}]"),
            }
        }
        Part::Unknown { part_type, text } => match text {
            Some(text) => text.clone(),
            None => format!("[a part of the unknown type {part_type:?}, which can't be shown]"),
        },
    }
}

/// A duration as a sentence says it, rounded up.
fn in_words(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms < 1000 {
        format!("{ms} ms")
    } else {
        format!("{} s", ms.div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [FailureKind; 14] = [
        FailureKind::InvalidArguments,
        FailureKind::UnknownTool,
        FailureKind::Refused,
        FailureKind::NoWorker,
        FailureKind::Overloaded,
        FailureKind::TimedOut,
        FailureKind::WorkerLost,
        FailureKind::Poison,
        FailureKind::Crashed,
        FailureKind::Cancelled,
        FailureKind::Interrupted,
        FailureKind::OutputTooLarge,
        FailureKind::ProtocolError,
        FailureKind::Internal,
    ];

    #[test]
    fn every_failure_reads_well() {
        let mut texts = String::new();
        for kind in KINDS {
            for executed in [Executed::No, Executed::Yes, Executed::Unknown] {
                texts.push_str(&failure(&Failure::new(kind, "", executed)));
                texts.push_str("\n\n");
            }
        }
        insta::assert_snapshot!(texts);
    }

    #[test]
    fn details_and_waits_are_said() {
        let mut slow = Failure::new(
            FailureKind::Overloaded,
            " the waiting room holds 100 calls\n",
            Executed::No,
        );
        slow.retry_after = Some(Duration::from_millis(1200));
        insta::assert_snapshot!(failure(&slow));
        assert_eq!(in_words(Duration::from_millis(15)), "15 ms");
    }

    #[test]
    fn every_part_has_words() {
        let parts = [
            Part::Text("text".to_owned()),
            Part::Json("{\"a\":1}".to_owned()),
            Part::Image {
                media_type: "image/tiff".to_owned(),
                data: vec![0; 10],
            },
            Part::Document {
                media_type: "application/zip".to_owned(),
                name: Some("all.zip".to_owned()),
                data: vec![0; 10],
            },
            Part::Resource {
                uri: "file:///a".to_owned(),
                media_type: Some("text/csv".to_owned()),
                text: Some("a;b".to_owned()),
            },
            Part::Resource {
                uri: "file:///a".to_owned(),
                media_type: None,
                text: None,
            },
            Part::Unknown {
                part_type: "smell".to_owned(),
                text: None,
            },
            Part::Unknown {
                part_type: "smell".to_owned(),
                text: Some("roses".to_owned()),
            },
        ];
        let texts: Vec<String> = parts.iter().map(part).collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
