//! URLs. A value never changes scheme, host or port, and never adds a step to the path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

use super::text::{Slots, TemplateError, Text};
use crate::http::values::{FillError, Values};

/// Bytes of a URL, at most: what common servers take of a request line.
const URL_BYTES_MAX: usize = 8_000;
/// What isn't unreserved (RFC 3986) is encoded, whatever part of a URL a value stands in.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A URL with slots that was checked against its tool's schema.
#[derive(Clone, Debug)]
pub struct UrlTemplate {
    /// Scheme, host and port with a slash at the end; fixed.
    base: Url,
    segments: Vec<Text>,
    query: Vec<Pair>,
}

/// Pairs for a query or a form.
#[derive(Clone, Debug, Default)]
pub struct QueryTemplate(Vec<Pair>);

#[derive(Clone, Debug)]
struct Pair {
    /// Encoded.
    key: String,
    /// `None` for a key without `=`.
    value: Option<Text>,
    /// Whether what stands around the slots is encoded already.
    is_encoded: bool,
}

impl UrlTemplate {
    /// Checks a template against the input schema of its tool.
    ///
    /// # Errors
    /// When it is no absolute http or https URL, has slots before its path, or a slot doesn't fit the
    /// schema.
    pub fn new(url: &str, schema: &Map<String, Value>) -> Result<Self, TemplateError> {
        Self::with_slots(url, &mut Slots::of(schema))
    }

    pub(in crate::http) fn with_slots(url: &str, slots: &mut Slots) -> Result<Self, TemplateError> {
        let refuse = |cause: &str| TemplateError::Url {
            url: url.to_owned(),
            cause: cause.to_owned(),
        };
        if url.contains(|character: char| {
            character.is_control() || character == ' ' || character == '\\'
        }) {
            return Err(refuse(
                "spaces, control characters and backslashes can't stand in it",
            ));
        }
        if url.contains('#') {
            return Err(refuse("a fragment (#…) is never sent; leave it out"));
        }
        let (scheme, rest) = url
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
            .ok_or_else(|| refuse("it must begin with https:// or http://"))?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains(['{', '}']) {
            return Err(refuse("host and port must be fixed texts without slots"));
        }
        if authority.contains('@') {
            return Err(refuse(
                "a login has no place in it; use `basic` or a header",
            ));
        }
        let base = Url::parse(&format!("{scheme}://{authority}/"))
            .map_err(|error| refuse(&error.to_string()))?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mut segments = Vec::new();
        for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
            if is_dots(segment) {
                return Err(refuse(
                    "\".\" and \"..\" can't stand in its path; write the path that is meant",
                ));
            }
            let segment = Text::new(segment, slots, true)?;
            if let Some(optional) = segment.slots().find(|name| !slots.is_required(name)) {
                return Err(TemplateError::Optional(optional.to_owned()));
            }
            segments.push(segment);
        }
        let mut pairs = Vec::new();
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let (key, value) = match pair.split_once('=') {
                Some((key, value)) => (key, Some(Text::new(value, slots, true)?)),
                None => (pair, None),
            };
            if key.contains(['{', '}']) {
                return Err(refuse(
                    "the keys of its query must be fixed texts without slots",
                ));
            }
            pairs.push(Pair {
                key: key.to_owned(),
                value,
                is_encoded: true,
            });
        }
        Ok(Self {
            base,
            segments,
            query: pairs,
        })
    }

    /// Scheme, host and port, which no value changes.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The URL for these values, with more pairs in its query. Pairs whose slots have no value (or `null`)
    /// are left out.
    ///
    /// # Errors
    /// When a value is missing in the path, would lead elsewhere, or can't be encoded.
    ///
    /// # Panics
    /// When an encoded value changed where the URL leads: a fault of this module, which is fuzzed for it.
    pub fn fill(&self, values: &Values, more: &QueryTemplate) -> Result<Url, FillError> {
        let mut steps: Vec<String> = Vec::new();
        for segment in &self.segments {
            let filled = segment.fill(values, str::to_owned, step)?;
            if filled.is_empty() {
                let slot = segment.slots().next().unwrap_or_default();
                return Err(FillError::Missing(slot.to_owned()));
            }
            // Two values that are harmless alone may make dots together.
            if filled.iter().any(|step| is_dots(step)) {
                let slot = segment.slots().next().unwrap_or_default();
                return Err(FillError::Dots(slot.to_owned()));
            }
            steps.extend(filled);
        }
        let mut text = format!("{}{}", self.base, steps.join("/"));
        let mut mark = '?';
        for pair in self.query.iter().chain(&more.0) {
            for written in pair.fill(values)? {
                text.push(mark);
                text.push_str(&written);
                mark = '&';
            }
        }
        if text.len() > URL_BYTES_MAX {
            return Err(FillError::TooLong {
                what: "the URL",
                bytes: text.len(),
                max: URL_BYTES_MAX,
            });
        }
        let url =
            Url::parse(&text).expect("a base that is a URL stays one with encoded texts after it");
        assert!(
            url.origin() == self.base.origin()
                && url
                    .path_segments()
                    .is_some_and(|parsed| parsed.count() == steps.len()),
            "an encoded value changes neither where a URL leads nor the steps of its path"
        );
        Ok(url)
    }
}

impl QueryTemplate {
    /// Checks pairs of keys and texts with slots against the input schema of their tool.
    ///
    /// # Errors
    /// When a slot doesn't fit the schema.
    pub fn new<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        schema: &Map<String, Value>,
    ) -> Result<Self, TemplateError> {
        Self::with_slots(pairs, &mut Slots::of(schema))
    }

    pub(in crate::http) fn with_slots<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        slots: &mut Slots,
    ) -> Result<Self, TemplateError> {
        let pair = |(key, value)| {
            Ok(Pair {
                key: encoded(key),
                value: Some(Text::new(value, slots, true)?),
                is_encoded: false,
            })
        };
        pairs
            .into_iter()
            .map(pair)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The pairs as `application/x-www-form-urlencoded` has them.
    pub(in crate::http) fn form(&self, values: &Values) -> Result<String, FillError> {
        let mut pairs = Vec::new();
        for pair in &self.0 {
            pairs.extend(pair.fill(values)?);
        }
        Ok(pairs.join("&"))
    }
}

impl Pair {
    fn fill(&self, values: &Values) -> Result<Vec<String>, FillError> {
        let Some(value) = &self.value else {
            return Ok(vec![self.key.clone()]);
        };
        let literal = |text: &str| {
            if self.is_encoded {
                text.to_owned()
            } else {
                encoded(text)
            }
        };
        let filled = value.fill(values, literal, |slot, text| {
            if text.contains('\0') {
                return Err(FillError::Character {
                    slot: slot.to_owned(),
                    what: "a NUL character",
                });
            }
            Ok(encoded(text))
        })?;
        Ok(filled
            .iter()
            .map(|value| format!("{}={value}", self.key))
            .collect())
    }
}

/// Encodes a text for any part of a URL.
pub(in crate::http) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// A value as a step of a path, or a part of one. A slash in it is encoded; as some servers decode before they
/// look, not even an encoded one may lead up.
fn step(slot: &str, text: &str) -> Result<String, FillError> {
    if text.is_empty() {
        return Err(FillError::Empty(slot.to_owned()));
    }
    if text.contains(char::is_control) {
        return Err(FillError::Character {
            slot: slot.to_owned(),
            what: "a control character",
        });
    }
    if text.split(['/', '\\']).any(is_dots) {
        return Err(FillError::Dots(slot.to_owned()));
    }
    Ok(encoded(text))
}

/// Whether a step of a path is `.` or `..`, also as URLs may write them, and as a server that decodes twice
/// would read them.
fn is_dots(step: &str) -> bool {
    let mut read = step.to_ascii_lowercase();
    loop {
        let decoded = read.replace("%25", "%").replace("%2e", ".");
        if decoded == read {
            return read == "." || read == "..";
        }
        read = decoded;
    }
}

#[cfg(test)]
mod tests;
