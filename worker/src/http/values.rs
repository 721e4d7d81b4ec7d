//! The arguments of a call, as templates take them: each value with the model's own digits and quotes.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Items of one list, at most. Chosen, not measured.
const LIST_ITEMS_MAX: usize = 1_024;

/// Arguments by name.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<String, Box<RawValue>>);

/// Why values can't be filled in. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The arguments can't be read.
    #[error("the arguments don't fit the tool's schema: {0}")]
    Arguments(String),
    /// A value that is missing where it can't be left out.
    #[error("{0} is missing")]
    Missing(String),
    /// A value of a type that can't stand there.
    #[error("{slot} is {found}; it must be {wanted}")]
    Type {
        /// The slot.
        slot: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A character that can't stand there.
    #[error("{slot} contains {what}, which can't be sent there")]
    Character {
        /// The slot, or the header.
        slot: String,
        /// The character.
        what: &'static str,
    },
    /// A value that would lead to another place than the template's.
    #[error("{0} contains \".\" or \"..\" as a step of a path; give the name itself")]
    Dots(String),
    /// A value without text where that would name another place.
    #[error("{0} is empty; it is a part of a path and must not be")]
    Empty(String),
    /// A list that is too long.
    #[error("{0} has more than {LIST_ITEMS_MAX} items; give fewer")]
    TooMany(String),
    /// All of it is too long.
    #[error("{what} would have {bytes} bytes, more than the {max} that are allowed; give less")]
    TooLong {
        /// The URL or the body.
        what: &'static str,
        /// Bytes that it would have.
        bytes: usize,
        /// Bytes that it may have.
        max: usize,
    },
}

impl Values {
    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// When they are no JSON object.
    pub fn parse(arguments: &[u8]) -> Result<Self, FillError> {
        serde_json::from_slice(arguments)
            .map(Self)
            .map_err(|error| FillError::Arguments(error.to_string()))
    }

    /// The value of a slot as the model wrote it; `null` is none.
    pub(super) fn raw(&self, slot: &str) -> Option<&str> {
        let raw = self.0.get(slot)?.get();
        (raw != "null").then_some(raw)
    }

    /// The text of a slot that is a string, a number or a boolean.
    pub(super) fn scalar(&self, slot: &str) -> Result<Option<String>, FillError> {
        self.raw(slot).map(|raw| scalar(slot, raw)).transpose()
    }

    /// The texts of a slot that is a list of those.
    pub(super) fn list(&self, slot: &str) -> Result<Option<Vec<String>>, FillError> {
        let Some(raw) = self.raw(slot) else {
            return Ok(None);
        };
        let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| FillError::Type {
            slot: slot.to_owned(),
            found: type_of(raw),
            wanted: "a list",
        })?;
        if items.len() > LIST_ITEMS_MAX {
            return Err(FillError::TooMany(slot.to_owned()));
        }
        items
            .iter()
            .map(|item| scalar(slot, item.get()))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

fn scalar(slot: &str, raw: &str) -> Result<String, FillError> {
    let wrong = || FillError::Type {
        slot: slot.to_owned(),
        found: type_of(raw),
        wanted: "a text, a number or a boolean",
    };
    match raw.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str(raw).map_err(|error| FillError::Arguments(error.to_string()))
        }
        Some(b'-' | b'0'..=b'9' | b't' | b'f') => Ok(raw.to_owned()),
        Some(_) | None => Err(wrong()),
    }
}

fn type_of(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        Some(b'"') => "a text",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(_) | None => "a number",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn values_keep_what_the_model_wrote() {
        let values = Values::parse(br#"{"i": 123456789012345678901234567890, "f": 1.50, "t": "\u00fc\n", "b": true, "n": null, "l": [1.0, "x"]}"#).unwrap();
        let scalar = |slot: &str| values.scalar(slot).unwrap();
        assert_eq!(scalar("i").unwrap(), "123456789012345678901234567890");
        assert_eq!(scalar("f").unwrap(), "1.50");
        assert_eq!(scalar("t").unwrap(), "ü\n");
        assert_eq!(scalar("b").unwrap(), "true");
        assert_eq!((scalar("n"), scalar("x")), (None, None));
        assert_eq!(values.list("l").unwrap().unwrap(), ["1.0", "x"]);
        insta::assert_snapshot!(values.scalar("l").unwrap_err(), @"l is a list; it must be a text, a number or a boolean");
        insta::assert_snapshot!(values.list("f").unwrap_err(), @"f is a number; it must be a list");
        assert!(Values::parse(b"[]").is_err());
    }
}
