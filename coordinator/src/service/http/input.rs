//! Reads what a request brings: query, headers, body.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use callboard_proto::{RunId, TraceContext, limit};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::App;
use crate::service::limits::Limits;
use crate::service::refusal::Refusal;
use crate::service::token::Caller;

/// The header with the key that makes a request safe to repeat.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Who asks.
pub(super) struct Asker(pub(super) Arc<Caller>);

impl FromRequestParts<App> for Asker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Arc<Caller>>().cloned();
        caller.map(Self).ok_or(Refusal::Unauthorized)
    }
}

/// A query, in our own words where it can't be read.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Refusal> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Refusal::Query {
                why: error.body_text(),
            }),
        }
    }
}

/// The run that a path names.
pub(super) struct RunPath(pub(super) RunId);

impl FromRequestParts<App> for RunPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(text) = path.map_err(|_| Refusal::RunUnknown)?;
        let run = text.parse().map_err(|_| Refusal::RunUnknown)?;
        Ok(Self(run))
    }
}

/// Reads a body whole, within bounds of size and time.
pub(super) async fn body(
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::BodyTooLarge {
        bytes_max: u64::try_from(limits.body_bytes_max).unwrap_or(u64::MAX),
    };
    let length = headers.get(CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length > limits.body_bytes_max) {
        return Err(too_large());
    }
    let body = Limited::new(body, limits.body_bytes_max).collect();
    match tokio::time::timeout(limits.read_timeout, body).await {
        Err(_elapsed) => Err(Refusal::BodyCut),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_cut)) => Err(Refusal::BodyCut),
    }
}

/// Reads JSON.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let why = error.to_string();
        match error.classify() {
            serde_json::error::Category::Data => Refusal::Body { why },
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => Refusal::NotJson { why },
        }
    })
}

/// The type that a body is said to be, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

/// Refuses a body that isn't said to be one of these: what a page of another site may send without
/// being asked is none of them.
pub(super) fn must_be(headers: &HeaderMap, types: &[&str]) -> Result<(), Refusal> {
    let given = media_type(headers);
    if given.is_some_and(|given| types.contains(&given.as_str())) {
        return Ok(());
    }
    Err(Refusal::MediaType {
        wanted: types.join(" or "),
    })
}

/// Whether a client wants to be told as it happens.
pub(super) fn wants_events(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let essence = range.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case(super::sse::MEDIA_TYPE)
        })
}

/// The key that makes a request safe to repeat.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    // `{key}/{tool_use_id}` travels with each call.
    let room = limit::KEY_BYTES_MAX / 2;
    let key = value.to_str().map_err(|_| Refusal::Key)?;
    if key.is_empty() || key.len() > room {
        return Err(Refusal::Key);
    }
    Ok(Some(key.to_owned()))
}

/// What tells two requests apart that came with one key.
pub(super) fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With its length, so that no two lists are the same bytes.
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

/// The trace of whoever asks. What can't be read is passed over, as W3C asks.
pub(super) fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    headers
        .get("traceparent")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// A time in milliseconds.
pub(super) fn ms(ms: std::num::NonZeroU64) -> Duration {
    Duration::from_millis(ms.get())
}
