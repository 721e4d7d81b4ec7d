//! JSON as it is written (text, verbatim) and as it is read (a tree that keeps each number's digits).
//!
//! `serde_json::Value` would turn a number that fits no machine type into another one, and with it hide that a client
//! did the same.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A piece of JSON text, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Json(String);

impl Json {
    /// Writes a value that has no way to fail: text, numbers, lists, other JSON.
    pub(crate) fn of(value: &(impl Serialize + ?Sized)) -> Self {
        Self(serde_json::to_string(value).expect("text, numbers and JSON are always written"))
    }

    /// Takes text that is JSON already, byte for byte.
    pub(crate) fn verbatim(text: &str) -> Option<Self> {
        serde_json::from_str::<&RawValue>(text).ok()?;
        Some(Self(text.to_owned()))
    }

    pub(crate) fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let entries: Vec<String> = entries
            .into_iter()
            .map(|(key, value)| format!("{}:{}", Self::of(key).0, value.0))
            .collect();
        Self(format!("{{{}}}", entries.join(",")))
    }

    pub(crate) fn array(items: impl IntoIterator<Item = Self>) -> Self {
        let items: Vec<String> = items.into_iter().map(|item| item.0).collect();
        Self(format!("[{}]", items.join(",")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

/// Writes an object, keys in the order given.
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::json::Json::object([$(($key, $crate::json::Json::of(&$value))),*])
    };
}
pub(crate) use object;

/// JSON that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// A number, digit for digit.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// Entries in the order of the text; of a key that is there twice, the last counts.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// Reads JSON.
    ///
    /// # Errors
    /// The bytes are no JSON, or nest deeper than `serde_json` allows (128).
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        // The ordinary reader refuses what nests too deeply for the recursion below.
        serde_json::from_slice::<serde_json::Value>(bytes)?;
        Self::of(serde_json::from_slice(bytes)?)
    }

    fn of(raw: &RawValue) -> Result<Self, serde_json::Error> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let entries: Entries<'_> = serde_json::from_str(text)?;
                let read = |(key, raw)| Ok((key, Self::of(raw)?));
                Self::Object(entries.0.into_iter().map(read).collect::<Result<_, _>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::List(items.into_iter().map(Self::of).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't' | b'f') => Self::Bool(serde_json::from_str(text)?),
            Some(b'n') => Self::Null,
            Some(_) => Self::Number(text.to_owned()),
            None => unreachable!("a raw value holds at least a byte"),
        })
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else {
            return None;
        };
        entries
            .iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    /// The entry, unless it is absent or null.
    pub(crate) fn given(&self, key: &str) -> Option<&Self> {
        self.get(key).filter(|node| **node != Self::Null)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(crate) fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    pub(crate) fn bool_at(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Self::Bool(value) => Some(*value),
            Self::Null | Self::Number(_) | Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Object(_) => None,
        }
    }

    pub(crate) fn entries(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(entries) => Some(entries),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        self.entries().is_some()
    }

    /// The value in one form: keys sorted, no white space, numbers digit for digit.
    pub(crate) fn canonical(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(digits) => digits.clone(),
            Self::Text(text) => Json::of(text).into_string(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::canonical).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(entries) => sorted(entries.iter().map(|(key, node)| (key.as_str(), node))),
        }
    }

    /// The canonical form of an object without what says nothing: `null` entries and those in `without`.
    pub(crate) fn canonical_without(&self, without: &[&str]) -> String {
        match self {
            Self::Object(entries) => sorted(
                entries
                    .iter()
                    .filter(|(key, node)| *node != Self::Null && !without.contains(&key.as_str()))
                    .map(|(key, node)| (key.as_str(), node)),
            ),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => {
                self.canonical()
            }
        }
    }
}

fn sorted<'a>(entries: impl Iterator<Item = (&'a str, &'a Node)>) -> String {
    let entries: BTreeMap<&str, &Node> = entries.collect();
    let entries: Vec<String> = entries
        .into_iter()
        .map(|(key, node)| format!("{}:{}", Json::of(key).into_string(), node.canonical()))
        .collect();
    format!("{{{}}}", entries.join(","))
}

/// The entries of an object, in order, values unread.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Entries<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_keys_are_sorted() {
        let text = br#" {"b": 123456789012345678901234567890.10, "a":[1.0, 1e3, "\u00e9", null, true], "b": 1} "#;
        let node = Node::read(text).unwrap();
        assert_eq!(node.canonical(), r#"{"a":[1.0,1e3,"é",null,true],"b":1}"#);
        let node = Node::read(br#"{"x":123456789012345678901234567890}"#).unwrap();
        assert_eq!(node.canonical(), r#"{"x":123456789012345678901234567890}"#);
    }

    #[test]
    fn what_says_nothing_is_left_out_on_the_first_level_alone() {
        let node = Node::read(br#"{"a":null,"b":{"c":null},"cache_control":{}}"#).unwrap();
        assert_eq!(
            node.canonical_without(&["cache_control"]),
            r#"{"b":{"c":null}}"#
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(Node::read("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn arguments_are_written_as_they_are() {
        let arguments = Json::verbatim("{ \"n\" : 1.50 }").unwrap();
        assert_eq!(
            object! {"type": "x", "input": arguments, "none": ()}.as_str(),
            "{\"type\":\"x\",\"input\":{ \"n\" : 1.50 },\"none\":null}"
        );
        assert_eq!(Json::verbatim("{\"n\": "), None);
    }
}
