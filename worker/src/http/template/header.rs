//! Headers. No value ends a line.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::text::{Slots, TemplateError, Text};
use crate::http::values::{FillError, Values};

/// Headers that the client sets by itself; another value would break the request or its guard.
const OWN: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// A header with slots that was checked against its tool's schema.
#[derive(Clone, Debug)]
pub struct HeaderTemplate {
    name: HeaderName,
    text: Text,
}

impl HeaderTemplate {
    /// Checks a header against the input schema of its tool.
    ///
    /// # Errors
    /// When it is no header that may be set, or a slot doesn't fit the schema.
    pub fn new(name: &str, text: &str, schema: &Map<String, Value>) -> Result<Self, TemplateError> {
        Self::with_slots(name, text, &mut Slots::of(schema))
    }

    pub(in crate::http) fn with_slots(
        name: &str,
        text: &str,
        slots: &mut Slots,
    ) -> Result<Self, TemplateError> {
        Ok(Self {
            name: header_name(name)?,
            text: Text::new(text, slots, false)?,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The header for these values; none when a slot has no value.
    ///
    /// # Errors
    /// When a value has a character that no header can have.
    pub fn fill(&self, values: &Values) -> Result<Option<HeaderValue>, FillError> {
        let filled = self.text.fill(values, str::to_owned, |slot, text| {
            header_value(slot, text)?;
            Ok(text.to_owned())
        })?;
        let filled = filled.into_iter().next();
        filled
            .map(|text| header_value(self.name.as_str(), &text))
            .transpose()
    }
}

/// The name of a header that a configuration may set.
pub(in crate::http) fn header_name(name: &str) -> Result<HeaderName, TemplateError> {
    let refuse = |cause| TemplateError::Header {
        name: name.to_owned(),
        cause,
    };
    let parsed: HeaderName = name
        .parse()
        .map_err(|_| refuse("that is no header's name"))?;
    if OWN.contains(&parsed.as_str()) {
        return Err(refuse("it is set by the client itself"));
    }
    Ok(parsed)
}

/// A header's value: printable ASCII and tabs alone, so that neither a line ends in it nor servers differ over
/// what it means.
pub(in crate::http) fn header_value(what: &str, text: &str) -> Result<HeaderValue, FillError> {
    let character = |what_character| FillError::Character {
        slot: what.to_owned(),
        what: what_character,
    };
    for found in text.chars() {
        match found {
            '\r' | '\n' => return Err(character("a line break")),
            '\0' => return Err(character("a NUL character")),
            '\t' | ' '..='~' => {}
            _ if found.is_control() => return Err(character("a control character")),
            _ => return Err(character("a character beyond ASCII")),
        }
    }
    Ok(HeaderValue::from_str(text).expect("printable ASCII is a header's value"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::fmt::Write as _;

    use super::*;

    fn slots() -> Slots {
        let schema = r#"{"properties": {"a": {"type": "string"}, "l": {"type": "array", "items": {"type": "string"}}}}"#;
        Slots::of(&serde_json::from_str(schema).unwrap())
    }

    #[test]
    fn no_value_ends_a_line() {
        let template = HeaderTemplate::with_slots("X-Note", "note: {a}", &mut slots()).unwrap();
        let mut texts = String::new();
        for value in [
            "plain",
            "tab\t~",
            "a\r\nHost: evil",
            "a\nb",
            "a\rb",
            "a\0b",
            "a\u{7f}b",
            "\u{85}",
            "ü",
            "",
        ] {
            let values = serde_json::json!({ "a": value }).to_string();
            let said = match template.fill(&Values::parse(values.as_bytes()).unwrap()) {
                Ok(value) => format!("{value:?}"),
                Err(error) => error.to_string(),
            };
            writeln!(texts, "{value:?}: {said}").unwrap();
        }
        let none = template.fill(&Values::parse(b"{}").unwrap()).unwrap();
        assert_eq!(none, None);
        insta::assert_snapshot!(texts);
    }

    #[test]
    fn what_is_no_header_of_theirs_is_refused() {
        let mut texts = String::new();
        for (name, text) in [
            ("a b", "x"),
            ("Host", "x"),
            ("Content-Length", "1"),
            ("X", "{l}"),
            ("X", "{b}"),
            ("X", "{"),
        ] {
            let error = HeaderTemplate::with_slots(name, text, &mut slots()).unwrap_err();
            writeln!(texts, "{error}").unwrap();
        }
        insta::assert_snapshot!(texts);
    }
}
