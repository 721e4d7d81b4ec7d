//! Reads an error's body.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::parse::object;
use crate::provider::{ApiError, foreign};

/// Words for what may pass by itself; the SDK's list of statuses (408, 429, 500, 502, 503, 504).
const RETRYABLE: [&str; 4] = [
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "INTERNAL",
    "DEADLINE_EXCEEDED",
];
/// The same, for a body that gives the number alone.
const RETRYABLE_STATUSES: [u64; 6] = [408, 429, 500, 502, 503, 504];

#[derive(Deserialize)]
struct WireBody {
    error: WireError,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct WireError {
    code: Option<u64>,
    message: Option<String>,
    status: Option<String>,
    details: Option<Vec<Value>>,
}

/// Reads the body of an error, which is an object or a list with one object in it.
#[must_use]
pub fn read_error(body: &[u8]) -> ApiError {
    let read = std::str::from_utf8(body).ok().and_then(|text| {
        let text = text.trim();
        if text.starts_with('[') {
            let bodies: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            return object::<WireBody>(bodies.first()?.get()).ok();
        }
        object::<WireBody>(text).ok()
    });
    read.map_or_else(|| foreign::error(body), |body| of(body.error))
}

fn of(error: WireError) -> ApiError {
    let mut read = ApiError {
        message: foreign::message(error.message.as_deref().unwrap_or_default()),
        is_retryable: match (&error.status, error.code) {
            (Some(status), _) => RETRYABLE.contains(&status.as_str()),
            (None, Some(code)) => RETRYABLE_STATUSES.contains(&code),
            (None, None) => false,
        },
        code: error
            .status
            .or_else(|| error.code.map(|code| code.to_string()))
            .unwrap_or_default(),
        ..ApiError::default()
    };
    for detail in error.details.iter().flatten() {
        take_detail(&mut read, detail);
    }
    read.is_retryable &= !read.is_final;
    read
}

/// Reads one of the details that Google's APIs attach, by the name at the end of its type's URL.
fn take_detail(read: &mut ApiError, detail: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let kind = detail["@type"].as_str().unwrap_or_default();
    match kind.rsplit('.').next().unwrap_or_default() {
        "RetryInfo" => {
            read.retry_after = detail["retryDelay"].as_str().and_then(duration);
        }
        "QuotaFailure" => {
            let mut quotas = detail["violations"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|violation| violation["quotaId"].as_str());
            let a_days = quotas.clone().find(|quota| quota.contains("PerDay"));
            read.is_final |= a_days.is_some();
            read.detail = a_days
                .or_else(|| quotas.next())
                .map(str::to_owned)
                .or(read.detail.take());
        }
        "ErrorInfo" => read.detail = read.detail.take().or_else(|| text(&detail["reason"])),
        "RequestInfo" => read.request_id = text(&detail["requestId"]),
        _ => {}
    }
}

/// A duration as protobuf writes it in JSON: seconds with a fraction, and `s`.
fn duration(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
