//! Everything that is refused, in one shape, under the request's id.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{
    Content, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response as Described, ResponseBuilder, Type,
};
use utoipa::{IntoResponses, ToSchema};

use crate::service::refusal::Refusal;

/// The header that names a request, in and out.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of an id that a client may give.
const REQUEST_ID_MAX: usize = 128;

/// What is answered where a request isn't served.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// Why.
    pub(super) error: ErrorDetail,
}

/// Why a request isn't served.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorDetail {
    /// A stable code; see docs/errors/service.md.
    pub(super) code: String,
    /// What is wrong, for people.
    pub(super) message: String,
    /// What helps.
    pub(super) cure: String,
    /// The request's id, as in the header `x-request-id` and in the service's log.
    pub(super) request_id: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).expect("it is one of ours");
        let mut response = status.into_response();
        if let Some(wait) = self.retry_after() {
            // Whole seconds, and none too early.
            let seconds = wait.as_millis().div_ceil(1000).max(1).to_string();
            let seconds = HeaderValue::from_str(&seconds).expect("digits are a header");
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        if self == Self::Unauthorized {
            let bearer = HeaderValue::from_static("Bearer realm=\"callboard\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Names each request, and writes what is refused.
pub(super) async fn name_and_write(request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID);
    let id = given
        .and_then(|id| id.to_str().ok())
        .filter(|id| is_id(id))
        .map_or_else(|| uuid::Uuid::new_v4().simple().to_string(), str::to_owned);
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let body = ErrorBody {
            error: ErrorDetail {
                code: refusal.code().to_owned(),
                message: refusal.message(),
                cure: refusal.cure().to_owned(),
                request_id: id.clone(),
            },
        };
        tracing::debug!(request_id = %id, code = refusal.code(), "refused");
        let body = serde_json::to_vec(&body).expect("strings are JSON");
        *response.body_mut() = Body::from(body);
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
    }
    let id = HeaderValue::from_str(&id).expect("printable ASCII is a header");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn is_id(id: &str) -> bool {
    (1..=REQUEST_ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Answers for a path that isn't there.
pub(super) async fn no_such_path() -> Refusal {
    Refusal::NoSuchPath
}

/// Answers for a method that isn't there; what is allowed stands in the header `allow`.
pub(super) async fn no_such_method() -> Refusal {
    Refusal::Method
}

fn described(statuses: &[(u16, &str)]) -> BTreeMap<String, RefOr<Described>> {
    statuses
        .iter()
        .map(|(status, what)| {
            let schema = Ref::from_schema_name("ErrorBody");
            let mut response = ResponseBuilder::new()
                .description(*what)
                .content("application/json", Content::new(Some(schema)));
            if matches!(status, 429 | 503) {
                let seconds = ObjectBuilder::new().schema_type(Type::Integer).build();
                let header = HeaderBuilder::new()
                    .schema(seconds)
                    .description(Some("Seconds after which to ask again"));
                response = response.header("retry-after", header.build());
            }
            (status.to_string(), RefOr::T(response.build()))
        })
        .collect()
}

/// What every path may refuse.
const ALL: [(u16, &str); 5] = [
    (400, "The query or a header can't be read"),
    (401, "No token, or one that isn't known"),
    (403, "The Host header names another machine"),
    (500, "A fault of Callboard's own"),
    (503, "Not now; Retry-After says when"),
];

/// What a path that reads may refuse.
pub(super) struct Reading;

impl IntoResponses for Reading {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&ALL)
    }
}

/// What a path to one run may refuse.
pub(super) struct OfRun;

impl IntoResponses for OfRun {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let mut all = described(&ALL);
        all.extend(described(&[
            (404, "No such run, or none that this token sees"),
            (
                410,
                "The replica that held the run is gone, and the run with it",
            ),
        ]));
        all
    }
}

/// What a path that begins something may refuse.
pub(super) struct Beginning;

impl IntoResponses for Beginning {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let mut all = described(&ALL);
        all.extend(described(&[
            (
                403,
                "A tool that the token may not use, or a Host header that names another machine",
            ),
            (408, "The body didn't come in time"),
            (409, "The idempotency key stands for another request"),
            (413, "The body is too large"),
            (415, "The body is of another type"),
            (422, "The body can't be worked with"),
            (429, "More than the token may; Retry-After says when"),
        ]));
        all
    }
}
