//! The words of Chat Completions for a broken history.

use crate::conversation::Violation;
use crate::refusal::Refusal;

pub(crate) fn violated(violation: &Violation) -> Refusal {
    let (message, param) = match violation {
        Violation::Unanswered { at, ids } => (
            format!(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
                 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
                ids.join(", ")
            ),
            format!("messages.[{}].role", at.message + 1),
        ),
        Violation::UnaskedResult { at, .. } => (
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                .to_owned(),
            format!("messages.[{}].role", at.message),
        ),
        Violation::RepeatedResult { at, id } => (
            format!("Invalid parameter: Duplicate tool message for 'tool_call_id' of '{id}'."),
            format!("messages.[{}].tool_call_id", at.message),
        ),
        Violation::RepeatedCall { at, id } => (
            format!("Invalid parameter: 'tool_calls' with duplicate id '{id}'."),
            format!("messages.[{}].tool_calls", at.message),
        ),
        Violation::BadId { at, .. } => (
            "Invalid 'tool_calls[].id': empty string. Expected a string with minimum length 1.".to_owned(),
            format!("messages.[{}].tool_calls", at.message),
        ),
        Violation::OutOfOrder { at, .. }
        | Violation::Count { at, .. }
        | Violation::WrongTool { at, .. }
        | Violation::Thinking { at }
        | Violation::Signature { at }
        | Violation::MissingSignature { at, .. }
        | Violation::Altered { at, .. }
        | Violation::Prefix { at } => (violation.own_words(), format!("messages.[{}]", at.message)),
    };
    Refusal::invalid(message).param(param).code("invalid_value")
}
