//! What goes wrong, on purpose.

mod fields;

use std::time::Duration;

use serde::Deserialize;

use self::fields::Fields;
use crate::refusal::{Refusal, RefusalKind};

/// A fault for the first requests of a turn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct FaultSpec {
    /// What goes wrong.
    pub fault: Fault,
    /// For how many requests, before the next fault's turn comes.
    pub times: u32,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// 429, to be tried again.
    RateLimit(Retry),
    /// 429 that waiting doesn't cure: a spend limit, an empty balance, a quota of the day.
    SpendLimit,
    /// 402.
    Billing,
    /// 500.
    ServerError(Retry),
    /// 529 (Anthropic) or 503: too many others.
    Overloaded(Retry),
    /// 503.
    Unavailable(Retry),
    /// 504.
    Timeout,
    /// Any status.
    Status {
        /// The status, 400 to 599.
        status: u16,
        /// What it says.
        message: String,
        /// How to come back.
        retry: Retry,
    },
    /// The connection closes before any header.
    Close,
    /// Nothing comes, and the connection stays open.
    Silent,
    /// A page in HTML, as a wrong base URL gives it.
    Html {
        /// Its status.
        status: u16,
    },
    /// A body that isn't JSON.
    NotJson,
    /// A body of so many bytes at least.
    Oversized {
        /// How many.
        bytes: usize,
    },
    /// Bytes that aren't UTF-8, after so many events.
    InvalidUtf8(AfterEvents),
    /// The body ends too early.
    Cut {
        /// Events before it.
        after_events: usize,
        /// Whether half of the next event comes too.
        mid_event: bool,
        /// Whether the transfer ends in order, as if that were all.
        clean: bool,
    },
    /// The provider reports an error in the middle of a stream.
    StreamError(AfterEvents),
    /// Nothing more comes, and the connection stays open; everything but the end came before.
    Stall {
        /// Events before it [default: all that come before the one that says why the answer stops].
        after_events: Option<usize>,
    },
    /// The answer is cut off by the token limit, in its last call if it has any.
    Truncate,
}

/// A place in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AfterEvents {
    /// Events before it.
    pub after_events: usize,
}

/// What an error says about retrying.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retry {
    /// The `retry-after` header: seconds, or a date.
    pub retry_after: Option<String>,
    /// The `retry-after-ms` header, and Gemini's `RetryInfo`.
    pub retry_after_ms: Option<u64>,
    /// The `x-should-retry` header.
    pub should_retry: Option<bool>,
    /// Whether Gemini wraps the error in a list of one.
    pub in_array: bool,
}

impl Retry {
    fn put(&self, mut refusal: Refusal) -> Refusal {
        let headers = [
            ("retry-after", self.retry_after.clone()),
            (
                "retry-after-ms",
                self.retry_after_ms.map(|ms| ms.to_string()),
            ),
            (
                "x-should-retry",
                self.should_retry.map(|should| should.to_string()),
            ),
        ];
        refusal.headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let seconds = self.retry_after.as_ref().and_then(|text| text.parse().ok());
        refusal.retry_after = self
            .retry_after_ms
            .map(Duration::from_millis)
            .or_else(|| seconds.map(Duration::from_secs));
        refusal.in_array = self.in_array;
        refusal
    }
}

impl Fault {
    /// The error that is answered, where the fault is one.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let of = |kind, message: &str| Refusal::new(kind, message);
        Some(match self {
            Self::RateLimit(retry) => retry.put(of(
                RefusalKind::RateLimit,
                "Rate limit reached for this model. Please try again later.",
            )),
            Self::SpendLimit => of(
                RefusalKind::SpendLimit,
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            Self::Billing => of(
                RefusalKind::Billing,
                "Your credit balance is too low to access the API.",
            ),
            Self::ServerError(retry) => retry.put(of(RefusalKind::Server, "Internal server error")),
            Self::Overloaded(retry) => retry.put(of(RefusalKind::Overloaded, "Overloaded")),
            Self::Unavailable(retry) => retry.put(of(
                RefusalKind::Unavailable,
                "The service is currently unavailable.",
            )),
            Self::Timeout => of(RefusalKind::Timeout, "The request timed out."),
            Self::Status {
                status,
                message,
                retry,
            } => retry.put(of(RefusalKind::Status(*status), message)),
            Self::Close
            | Self::Silent
            | Self::Html { .. }
            | Self::NotJson
            | Self::Oversized { .. }
            | Self::InvalidUtf8(_)
            | Self::Cut { .. }
            | Self::StreamError(_)
            | Self::Stall { .. }
            | Self::Truncate => return None,
        })
    }

    /// Its name in a script and in what is logged.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RateLimit(_) => "rate_limit",
            Self::SpendLimit => "spend_limit",
            Self::Billing => "billing",
            Self::ServerError(_) => "server_error",
            Self::Overloaded(_) => "overloaded",
            Self::Unavailable(_) => "unavailable",
            Self::Timeout => "timeout",
            Self::Status { .. } => "status",
            Self::Close => "close",
            Self::Silent => "silent",
            Self::Html { .. } => "html",
            Self::NotJson => "not_json",
            Self::Oversized { .. } => "oversized",
            Self::InvalidUtf8(_) => "invalid_utf8",
            Self::Cut { .. } => "cut",
            Self::StreamError(_) => "stream_error",
            Self::Stall { .. } => "stall",
            Self::Truncate => "truncate",
        }
    }
}

/// The fault for the request that `served` others for the same turn came before.
pub(crate) fn pick(faults: &[FaultSpec], served: u32) -> Option<&Fault> {
    let mut before = 0u32;
    for spec in faults {
        before = before.saturating_add(spec.times);
        if served < before {
            return Some(&spec.fault);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_order_each_as_often_as_it_says() {
        let spec = |fault, times| FaultSpec { fault, times };
        let faults = [spec(Fault::Close, 2), spec(Fault::Timeout, 1)];
        let picked: Vec<_> = (0..4).map(|served| pick(&faults, served)).collect();
        assert_eq!(
            picked,
            [
                Some(&Fault::Close),
                Some(&Fault::Close),
                Some(&Fault::Timeout),
                None
            ]
        );
    }
}
