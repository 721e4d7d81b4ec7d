//! Reads what the API says when it refuses.

use serde::Deserialize;

use crate::provider::{ApiError, foreign};

/// Finer words for limits that no waiting lifts: somebody has to raise them.
const SPEND_LIMITS: [&str; 2] = [
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
];
/// What may be over when the question is asked again, where no status says so.
const PASSING: [&str; 4] = [
    "api_error",
    "overloaded_error",
    "rate_limit_error",
    "timeout_error",
];

#[derive(Deserialize)]
struct WireBody {
    error: WireError,
    #[serde(default)]
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(rename = "type")]
    error_type: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    details: Option<WireDetails>,
}

#[derive(Deserialize)]
struct WireDetails {
    #[serde(default)]
    error_code: Option<String>,
}

/// Reads the body of a refusal, or the data of an `error` event.
#[must_use]
pub fn read_error(body: &[u8]) -> ApiError {
    let Ok(WireBody { error, request_id }) = serde_json::from_slice(body) else {
        return foreign::error(body);
    };
    let detail = error.details.and_then(|details| details.error_code);
    let is_final = error.error_type == "billing_error"
        || detail
            .as_deref()
            .is_some_and(|code| SPEND_LIMITS.contains(&code));
    ApiError {
        is_retryable: !is_final && PASSING.contains(&error.error_type.as_str()),
        code: error.error_type,
        detail,
        message: foreign::message(error.message.as_deref().unwrap_or_default()),
        request_id,
        retry_after: None,
        is_final,
    }
}
