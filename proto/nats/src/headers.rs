//! The two headers of every message: the protocol's version and the message's kind.

use async_nats::{HeaderMap, HeaderName};
use callboard_proto::message::RefusalCode;
use callboard_proto::{HEADER_KIND, HEADER_VERSION, Kind, VERSION, version_is_supported};

static VERSION_NAME: HeaderName = HeaderName::from_static(HEADER_VERSION);
static KIND_NAME: HeaderName = HeaderName::from_static(HEADER_KIND);

/// Room that the headers take of a server's `max_payload`, in bytes: the two lines with the longest
/// kind have 51, the rest is for a `traceparent` to come.
pub const HEADER_BYTES_MAX: usize = 128;

/// The headers of each kind, made once: a copy costs four small allocations, making them six.
#[derive(Debug)]
pub struct Headers(Vec<HeaderMap>);

impl Headers {
    /// Makes them.
    #[must_use]
    pub fn new() -> Self {
        Self(Kind::ALL.iter().map(|kind| headers(*kind)).collect())
    }

    /// Those of a message of this kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> HeaderMap {
        // `ALL` names every kind in the order of its declaration.
        self.0[kind as usize].clone()
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self::new()
    }
}

fn headers(kind: Kind) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(VERSION_NAME.clone(), VERSION);
    headers.insert(KIND_NAME.clone(), kind.as_str());
    headers
}

/// Why headers say nothing that this side can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The code to answer with.
    pub code: RefusalCode,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// The kind that a message's headers name.
///
/// # Errors
/// When there are none, or they name a version or a kind that this side doesn't know.
pub fn kind_of(headers: Option<&HeaderMap>) -> Result<Kind, Unreadable> {
    let value = |name: &HeaderName| {
        headers
            .and_then(|headers| headers.get(name.clone()))
            .map(async_nats::HeaderValue::as_str)
    };
    let version = value(&VERSION_NAME).unwrap_or_default();
    if !version_is_supported(version) {
        return Err(Unreadable {
            code: RefusalCode::Version,
            reason: format!(
                "header {HEADER_VERSION} is {:?}; this side speaks version {VERSION}",
                shortened(version)
            ),
        });
    }
    let kind = value(&KIND_NAME).unwrap_or_default();
    kind.parse().map_err(|_unknown| Unreadable {
        code: RefusalCode::Kind,
        reason: format!(
            "header {HEADER_KIND} is {:?}; this side speaks version {VERSION} and knows {}",
            shortened(kind),
            Kind::ALL
                .iter()
                .map(|kind| kind.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    })
}

/// A foreign text, short enough for a log line.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
