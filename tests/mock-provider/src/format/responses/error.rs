//! The words of Responses for a broken history.

use crate::conversation::{Place, Violation};
use crate::refusal::Refusal;

pub(crate) fn violated(violation: &Violation) -> Refusal {
    let place = |at: &Place| format!("input[{}]", at.message);
    let (message, param) = match violation {
        Violation::Unanswered { ids, .. } => (
            format!("No tool output found for function call {}.", ids.join(", ")),
            "input".to_owned(),
        ),
        Violation::UnaskedResult { id, .. } => (
            format!("No tool call found for function call output with call_id {id}."),
            "input".to_owned(),
        ),
        Violation::RepeatedResult { id, .. } => (
            format!("Duplicate tool output found for function call {id}."),
            "input".to_owned(),
        ),
        Violation::RepeatedCall { id, .. } => (
            format!(
                "Duplicate item found with call_id {id}. Remove duplicate items from your input and try again."
            ),
            "input".to_owned(),
        ),
        Violation::BadId { at, id } => (
            format!(
                "Invalid '{}.call_id': expected a string with length 1 to {}, but got a string with length {} instead.",
                place(at),
                super::CALL_ID_MAX,
                id.len()
            ),
            format!("{}.call_id", place(at)),
        ),
        Violation::Thinking { at } => (
            format!(
                "Item '{}' was provided without its required 'reasoning' item, or with another than it was given with.",
                place(at)
            ),
            "input".to_owned(),
        ),
        Violation::Signature { at } | Violation::MissingSignature { at, .. } => (
            format!(
                "The encrypted content of '{}' could not be verified. Reason: Encrypted content could not be decrypted \
                 or parsed.",
                place(at)
            ),
            "input".to_owned(),
        ),
        Violation::OutOfOrder { at, .. }
        | Violation::Count { at, .. }
        | Violation::WrongTool { at, .. }
        | Violation::Altered { at, .. }
        | Violation::Prefix { at } => (violation.own_words(), place(at)),
    };
    let code = if matches!(violation, Violation::Signature { .. }) {
        "invalid_encrypted_content"
    } else {
        "invalid_value"
    };
    Refusal::invalid(message).param(param).code(code)
}
