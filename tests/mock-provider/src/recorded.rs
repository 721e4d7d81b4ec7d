//! What is kept of each request, for tests and for people.

use std::time::Instant;

use bytes::Bytes;

use crate::format::Format;

/// A request, and what it got.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When its headers were there.
    pub at: Instant,
    /// The format, as its path tells it; none for a path that belongs to no format.
    pub format: Option<Format>,
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The headers, names in small letters, without those that may hold a key.
    pub headers: Vec<(String, String)>,
    /// The header that carried a key.
    pub key_header: Option<&'static str>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// The turn that it asked for, from 0.
    pub turn: Option<usize>,
    /// Whether it asked for a stream.
    pub stream: bool,
    /// The status that it got; none where the connection closed or stayed silent.
    pub status: Option<u16>,
    /// The id that the answer names it by.
    pub request_id: String,
    /// The fault that it met.
    pub fault: Option<&'static str>,
    /// The rule that it breaks.
    pub rule: Option<&'static str>,
    /// What was said of the rule.
    pub refusal: Option<String>,
}

impl Recorded {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.as_str())
    }
}
