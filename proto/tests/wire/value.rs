//! A MessagePack value of any shape: what a peer of another version or another language may send.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use callboard_proto::codec;

/// One MessagePack value; the keys of its maps are texts, as all of ours are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Number(u64),
    Text(String),
    Bin(Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(String, Value)>),
}

/// Builds a map.
pub(crate) fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Value::Map(fields.into())
}

/// Builds a text.
pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Builds the envelope of a batch.
pub(crate) fn batch(head: Value, items: &[Value]) -> Value {
    let items = items.iter().map(|item| Value::Bin(item.bytes())).collect();
    map([("head", head), ("items", Value::Array(items))])
}

impl Value {
    /// Its MessagePack.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        codec::encode(self).to_vec()
    }

    /// The value with one more field, or another value for the field, at the end of the map.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        if let Self::Map(fields) = &mut self {
            fields.retain(|(field, _)| field != name);
            fields.push((name.to_owned(), value));
        }
        self
    }

    /// The value without one of its fields.
    pub(crate) fn without(mut self, name: &str) -> Self {
        if let Self::Map(fields) = &mut self {
            fields.retain(|(field, _)| field != name);
        }
        self
    }

    /// `depth` arrays, one inside the other.
    pub(crate) fn nested(depth: usize) -> Self {
        (0..depth).fold(Self::Nil, |inner, _| Self::Array(vec![inner]))
    }

    /// The value as people read it: `bin` as `{"bin": hex}`, and the items of a batch opened as
    /// `{"item": …}`.
    pub(crate) fn readable(&self) -> serde_json::Value {
        self.readable_at(0, false)
    }

    fn readable_at(&self, depth: usize, is_items: bool) -> serde_json::Value {
        match self {
            Self::Nil => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Number(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::Bin(bytes) => match codec::decode::<Self>(bytes) {
                Ok(item) if is_items => {
                    serde_json::json!({ "item": item.readable_at(depth + 1, false) })
                }
                Ok(_) | Err(_) => serde_json::json!({ "bin": to_hex(bytes) }),
            },
            Self::Array(elements) => elements
                .iter()
                .map(|element| element.readable_at(depth + 1, is_items))
                .collect(),
            Self::Map(fields) => fields
                .iter()
                .map(|(name, value)| {
                    let is_items = depth == 0 && name == "items";
                    (name.clone(), value.readable_at(depth + 1, is_items))
                })
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from hexadecimal digits.
pub(crate) fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => serializer.serialize_u64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Bin(bytes) => serializer.serialize_bytes(bytes),
            Self::Array(elements) => {
                let mut seq = serializer.serialize_seq(Some(elements.len()))?;
                elements
                    .iter()
                    .try_for_each(|element| seq.serialize_element(element))?;
                seq.end()
            }
            Self::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields
                    .iter()
                    .try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value that our messages use")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Nil)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Number(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::Text(value.to_owned()))
            }

            fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
                Ok(Value::Bin(value.to_vec()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Value::Array(elements))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Value::Map(fields))
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}
