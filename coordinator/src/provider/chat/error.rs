//! Reads what OpenAI and the servers that speak like it say when they refuse.

use serde_json::value::RawValue;

use crate::provider::fields::{Fields, string};
use crate::provider::{ApiError, foreign};

/// Codes that asking again doesn't help, although their status is 429.
const FINAL: [&str; 3] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "billing_not_active",
];
/// Codes that asking again may help.
const RETRYABLE: [&str; 8] = [
    "server_error",
    "server_is_overloaded",
    "slow_down",
    "rate_limit_exceeded",
    "rate_limit_error",
    "overloaded_error",
    "unavailable_error",
    "timeout",
];

/// Reads the body of an answer that isn't a success, or of an error in a stream: OpenAI's
/// `{"error":{…}}`, the flat objects of vLLM and of the event `error`, and a bare text.
#[must_use]
pub fn read_error(body: &[u8]) -> ApiError {
    let text = String::from_utf8_lossy(body);
    let Ok(outer) = Fields::read(text.trim()) else {
        return foreign::error(body);
    };
    let mut error = match outer.get("error") {
        Some(error) => inner(error),
        None => of_fields(&outer),
    };
    // FastAPI, which many servers are built on, says it so.
    if error.message.is_empty()
        && let Some(detail) = outer.get("detail")
    {
        error.message = foreign::message(&in_text(detail));
    }
    if error.code.is_empty() && error.message.is_empty() {
        return foreign::error(body);
    }
    error.request_id = outer.some_text("request_id");
    error
}

fn inner(error: &RawValue) -> ApiError {
    match Fields::read(error.get()) {
        Ok(fields) => of_fields(&fields),
        Err(_) => ApiError {
            message: foreign::message(&in_text(error)),
            ..ApiError::default()
        },
    }
}

fn of_fields(fields: &Fields<'_>) -> ApiError {
    // The envelope's own words say nothing.
    let kind = fields.some_text("type").filter(|kind| kind != "error");
    let own = fields.some_text("code");
    // Some servers repeat the status as the code, as a number or as a string of one.
    let status = fields
        .get("code")
        .and_then(|code| code.get().trim_matches('"').parse::<u16>().ok());
    let own = own.filter(|_| status.is_none());
    let words = [own.as_deref(), kind.as_deref()];
    let is_among = |list: &[&str]| words.iter().flatten().any(|word| list.contains(word));
    let is_final = is_among(&FINAL);
    let is_retryable = !is_final
        && (is_among(&RETRYABLE)
            || status.is_some_and(|status| matches!(status, 408 | 429) || status >= 500));
    let message = fields.get("message").map_or_else(String::new, in_text);
    let (code, detail) = match (own, kind) {
        (Some(own), kind) => {
            let kind = kind.filter(|kind| *kind != own);
            (own, kind)
        }
        (None, Some(kind)) => (kind, None),
        (None, None) => (String::new(), None),
    };
    ApiError {
        code,
        detail,
        message: foreign::message(&message),
        is_final,
        is_retryable,
        ..ApiError::default()
    }
}

/// A string as its text, anything else as its JSON.
fn in_text(raw: &RawValue) -> String {
    string(raw).unwrap_or_else(|_| raw.get().to_owned())
}
