//! What tools are given and answer, as text: only read where the operator asked for it.

use callboard_coordinator_core::Report;
use callboard_proto::{Outcome, Part, ToolUseId};

use crate::model::ToolUse;

/// Bytes of arguments or of a result that a span carries, at most; the rest is cut. Chosen: a message of
/// 2,048 spans must stay in what a collector takes.
const BYTES_MAX: usize = 8 * 1024;

pub(super) fn arguments(calls: &[ToolUse]) -> Vec<(ToolUseId, String)> {
    calls
        .iter()
        .map(|call| (call.id.clone(), cut(given(call))))
        .collect()
}

pub(super) fn results(report: &Report) -> Vec<(ToolUseId, String)> {
    report
        .calls
        .iter()
        .map(|call| (call.id.clone(), cut(answered(&call.outcome))))
        .collect()
}

/// What a call was given.
pub(crate) fn given(call: &ToolUse) -> String {
    String::from_utf8_lossy(&call.arguments).into_owned()
}

/// What came of it; what isn't text is named.
pub(crate) fn answered(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed(completed) => completed.content.iter().map(text_of).collect(),
        Outcome::Failed(failure) => failure.message.clone(),
    }
}

fn text_of(part: &Part) -> String {
    match part {
        Part::Text(text) | Part::Json(text) => text.clone(),
        Part::Image { media_type, .. } | Part::Document { media_type, .. } => {
            format!("({media_type}, {} bytes)", part.bytes())
        }
        Part::Resource { uri, .. } => format!("({uri})"),
        Part::Unknown { part_type, .. } => format!("({part_type})"),
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(BYTES_MAX));
    text
}
