//! Gemini's words and bodies for errors.

use std::time::Duration;

use hyper::StatusCode;

use crate::conversation::Violation;
use crate::format::status;
use crate::json::{Json, object};
use crate::refusal::{Refusal, RefusalKind};

pub(crate) fn body(refusal: &Refusal) -> (StatusCode, Json) {
    let (code, name) = match refusal.kind {
        RefusalKind::Invalid | RefusalKind::WrongKey => (400, "INVALID_ARGUMENT"),
        RefusalKind::NoKey => (403, "PERMISSION_DENIED"),
        RefusalKind::Billing => (402, "FAILED_PRECONDITION"),
        RefusalKind::NotFound => (404, "NOT_FOUND"),
        RefusalKind::TooLarge => (413, "INVALID_ARGUMENT"),
        RefusalKind::RateLimit | RefusalKind::SpendLimit => (429, "RESOURCE_EXHAUSTED"),
        RefusalKind::Server => (500, "INTERNAL"),
        RefusalKind::Overloaded | RefusalKind::Unavailable => (503, "UNAVAILABLE"),
        RefusalKind::Timeout => (504, "DEADLINE_EXCEEDED"),
        RefusalKind::Status(code) => (code, of_status(code)),
    };
    let mut entries = vec![
        ("code", Json::of(&code)),
        ("message", Json::of(&refusal.message)),
        ("status", Json::of(name)),
    ];
    let details = details(refusal);
    if !details.is_empty() {
        entries.push(("details", Json::array(details)));
    }
    let body = object! {"error": Json::object(entries)};
    let body = if refusal.in_array {
        Json::array([body])
    } else {
        body
    };
    (status(code), body)
}

fn of_status(code: u16) -> &'static str {
    match code {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

fn details(refusal: &Refusal) -> Vec<Json> {
    let mut details = Vec::new();
    if refusal.kind == RefusalKind::WrongKey {
        details.push(object! {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": object! {"service": "generativelanguage.googleapis.com"},
        });
    }
    if let Some(field) = &refusal.param {
        details.push(object! {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [object! {"field": field, "description": refusal.message}],
        });
    }
    if refusal.kind == RefusalKind::SpendLimit {
        details.push(object! {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [object! {
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
                "quotaValue": "250",
            }],
        });
    }
    if let Some(delay) = refusal.retry_after {
        details.push(object! {
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": seconds(delay),
        });
    }
    details
}

/// A duration as Google's JSON writes it: `34s`, `0.010s`.
fn seconds(delay: Duration) -> String {
    match delay.subsec_millis() {
        0 => format!("{}s", delay.as_secs()),
        millis => format!("{}.{millis:03}s", delay.as_secs()),
    }
}

pub(crate) fn violated(violation: &Violation) -> Refusal {
    Refusal::invalid(match violation {
        Violation::Unanswered { .. } | Violation::Count { .. } => {
            "Please ensure that the number of function response parts is equal to the number of function call parts of \
             the function call turn."
                .to_owned()
        }
        Violation::UnaskedResult { .. } => {
            "Please ensure that function response turn comes immediately after a function call turn.".to_owned()
        }
        Violation::Signature { .. } => "Thought signature is not valid.".to_owned(),
        Violation::MissingSignature { at, tool } => format!(
            "Function call is missing a thought_signature in functionCall parts. This is required for tools to work \
             correctly, and missing thought_signature may lead to degraded model performance. Additional data, function \
             call `default_api:{tool}`, position {}.",
            at.message + 1
        ),
        Violation::RepeatedResult { id, .. } => {
            format!("mock provider: the call {id} has more than one function response.")
        }
        Violation::RepeatedCall { id, .. } => {
            format!("mock provider: two function calls of the conversation have the id {id}.")
        }
        Violation::BadId { .. }
        | Violation::OutOfOrder { .. }
        | Violation::WrongTool { .. }
        | Violation::Thinking { .. }
        | Violation::Altered { .. }
        | Violation::Prefix { .. } => violation.own_words(),
    })
}
