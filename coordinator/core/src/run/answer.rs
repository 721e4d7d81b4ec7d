//! What an answer is worth, before anything is done about it.

use std::collections::BTreeSet;

use callboard_proto::{Executed, Failure, FailureKind};

use super::early::Early;
use super::effect::RunEnd;
use super::input::Stop;
use crate::input::NewCall;

/// Why an answer can't be worked with, if it can't.
pub(super) fn contradiction(calls: &[NewCall], stop: &Stop, early: &Early) -> Option<String> {
    if *stop == Stop::Calls && calls.is_empty() {
        return Some("the response says that calls follow, and holds none".to_owned());
    }
    // Two calls under one id can't both be answered: no provider takes two results for it.
    let mut seen = BTreeSet::new();
    let repeated = calls
        .iter()
        .map(|call| &call.id)
        .find(|id| !seen.insert(*id));
    if let Some(id) = repeated {
        return Some(format!(
            "the response holds two calls with the id {:?}, so none of its {} calls can be answered",
            id.as_str(),
            calls.len()
        ));
    }
    early.contradiction(calls)
}

/// How the run ends after a response that asked for nothing; `None` where it was only paused.
pub(super) fn end_after(stop: Stop, account: Option<String>) -> Option<RunEnd> {
    match stop {
        Stop::Calls | Stop::Paused => None,
        Stop::Done => Some(RunEnd::Answered),
        Stop::Truncated => Some(RunEnd::Truncated),
        Stop::Declined => Some(RunEnd::Declined),
        Stop::Unknown(reason) => Some(RunEnd::ModelFailed {
            message: account.unwrap_or_else(|| {
                format!("the response stopped for the reason {reason:?}, which is unknown")
            }),
        }),
    }
}

/// Refuses the calls of a response that didn't ask for them.
pub(super) fn refuse_all(calls: &mut [NewCall], stop: &Stop) {
    let why = format!("{}; the call was not run", stop.describe());
    for call in calls {
        refuse(call, &why);
    }
}

/// Refuses a call that could have been posted; one that failed its check keeps its true cause.
pub(super) fn refuse(call: &mut NewCall, why: &str) {
    if call.body.is_ok() {
        call.body = Err(Failure::new(FailureKind::Refused, why, Executed::No));
    }
}
