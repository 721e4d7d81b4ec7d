//! Anthropic's words and bodies for errors.

use hyper::StatusCode;

use crate::conversation::Violation;
use crate::format::status;
use crate::json::{Json, object};
use crate::refusal::{Refusal, RefusalKind};

pub(crate) fn body(refusal: &Refusal, request_id: &str) -> (StatusCode, Json) {
    let (code, kind) = match refusal.kind {
        RefusalKind::Invalid => (400, "invalid_request_error"),
        RefusalKind::NoKey | RefusalKind::WrongKey => (401, "authentication_error"),
        RefusalKind::Billing => (402, "billing_error"),
        RefusalKind::NotFound => (404, "not_found_error"),
        RefusalKind::TooLarge => (413, "request_too_large"),
        RefusalKind::RateLimit | RefusalKind::SpendLimit => (429, "rate_limit_error"),
        RefusalKind::Server => (500, "api_error"),
        RefusalKind::Unavailable => (503, "api_error"),
        RefusalKind::Timeout => (504, "timeout_error"),
        RefusalKind::Overloaded => (529, "overloaded_error"),
        RefusalKind::Status(code) => (code, of_status(code)),
    };
    let error_code = match refusal.kind {
        RefusalKind::SpendLimit => Some("enforced_spend_limit_reached"),
        RefusalKind::Invalid
        | RefusalKind::NoKey
        | RefusalKind::WrongKey
        | RefusalKind::NotFound
        | RefusalKind::TooLarge
        | RefusalKind::RateLimit
        | RefusalKind::Billing
        | RefusalKind::Server
        | RefusalKind::Overloaded
        | RefusalKind::Unavailable
        | RefusalKind::Timeout
        | RefusalKind::Status(_) => refusal.code,
    };
    let error = match error_code {
        Some(code) => {
            object! {"type": kind, "message": refusal.message, "details": object! {"error_code": code}}
        }
        None => object! {"type": kind, "message": refusal.message},
    };
    (
        status(code),
        object! {"type": "error", "error": error, "request_id": request_id},
    )
}

fn of_status(code: u16) -> &'static str {
    match code {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

pub(crate) fn violated(violation: &Violation) -> Refusal {
    let message = match violation {
        Violation::Unanswered { at, ids } => format!(
            "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
             `tool_use` block must have a corresponding `tool_result` block in the next message.",
            at.message,
            ids.join(", ")
        ),
        Violation::UnaskedResult { at, id } => format!(
            "messages.{}.content.{}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` \
             block must have a corresponding `tool_use` block in the previous message.",
            at.message, at.part
        ),
        Violation::RepeatedResult { at, id } => format!(
            "messages.{}.content.{}: each tool_use must have a single result. Found multiple `tool_result` blocks \
             with id: {id}",
            at.message, at.part
        ),
        Violation::RepeatedCall { at, .. } => format!(
            "messages.{}.content.{}: `tool_use` ids must be unique",
            at.message, at.part
        ),
        Violation::BadId { at, .. } => format!(
            "messages.{}.content.{}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
            at.message, at.part
        ),
        Violation::Thinking { at } => format!(
            "messages.{}.content.{}: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be \
             modified. These blocks must remain as they were in the original response.",
            at.message, at.part
        ),
        Violation::Signature { at } => format!(
            "messages.{}.content.{}: Invalid `signature` in `thinking` block. The block is bound to a different \
             conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to \"drop_block\".",
            at.message, at.part
        ),
        Violation::MissingSignature { at, .. } => format!(
            "messages.{}.content.{}.thinking.signature: Field required",
            at.message, at.part
        ),
        Violation::OutOfOrder { at, .. }
        | Violation::Count { at, .. }
        | Violation::WrongTool { at, .. }
        | Violation::Altered { at, .. }
        | Violation::Prefix { at } => {
            format!("messages.{}: {}", at.message, violation.own_words())
        }
    };
    Refusal::invalid(message)
}
