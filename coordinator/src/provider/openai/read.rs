//! Reads what both formats write alike.

use bytes::Bytes;
use callboard_coordinator_core::run::Usage;
use serde::de::Error as _;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::provider::fields::{Fields, string};
use crate::provider::{Format, ParseError};

/// An input as text.
pub(in crate::provider) fn text(input: &[u8]) -> Result<&str, ParseError> {
    // Editors and shells of some systems put a byte order mark in front.
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    std::str::from_utf8(input.trim_ascii()).map_err(ParseError::NotUtf8)
}

/// An input that can't be read, as the error that tells no JSON from the wrong JSON.
pub(in crate::provider) fn not_json(
    format: Format,
) -> impl Fn(serde_json::Error) -> ParseError + Copy {
    move |source| match source.classify() {
        Category::Data => ParseError::NotAMessage { format, source },
        Category::Io | Category::Syntax | Category::Eof => ParseError::NotJson { format, source },
    }
}

/// JSON that isn't what it should be.
pub(in crate::provider) fn not_a_message(format: Format, problem: &str) -> ParseError {
    ParseError::NotAMessage {
        format,
        source: serde_json::Error::custom(problem),
    }
}

/// A call's arguments: the text that the model wrote; the JSON itself where a server sends it instead of
/// a string of it; `{}` for none.
pub(in crate::provider) fn arguments(raw: Option<&RawValue>) -> Result<Bytes, serde_json::Error> {
    let Some(raw) = raw else {
        return Ok(Bytes::from_static(b"{}"));
    };
    if !raw.get().starts_with('"') {
        return Ok(Bytes::copy_from_slice(raw.get().as_bytes()));
    }
    let text = string(raw)?;
    Ok(if text.trim_ascii().is_empty() {
        Bytes::from_static(b"{}")
    } else {
        text.into()
    })
}

/// The arguments of a free-form tool: an object with its text.
pub(in crate::provider) fn custom_arguments(input: &str) -> Bytes {
    serde_json::json!({ "input": input }).to_string().into()
}

/// What a response used; nothing where that can't be read, for no answer should fail for it.
pub(in crate::provider) fn usage(raw: Option<&RawValue>) -> Option<Usage> {
    let fields = Fields::read(raw?.get()).ok()?;
    let tokens = |names: [&str; 2]| {
        names
            .into_iter()
            .find_map(|name| serde_json::from_str::<u64>(fields.get(name)?.get()).ok())
    };
    let input_tokens = tokens(["input_tokens", "prompt_tokens"]);
    let output_tokens = tokens(["output_tokens", "completion_tokens"]);
    (input_tokens.is_some() || output_tokens.is_some()).then(|| Usage {
        input_tokens: input_tokens.unwrap_or_default(),
        output_tokens: output_tokens.unwrap_or_default(),
    })
}
