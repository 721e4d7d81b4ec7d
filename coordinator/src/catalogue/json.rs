//! JSON that borrows from the bytes it was read from.
//!
//! Arguments are parsed only to be checked; what is posted are the model's own bytes. So strings
//! aren't copied, and a key that stands twice is refused: two parsers might see different values, and
//! then what was checked isn't what runs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Members up to which comparing each with each beats building a set. Chosen, not measured.
const SMALL_OBJECT: usize = 16;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Value<'a> {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A string, borrowed where it holds no escapes.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object without repeated keys.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl Value<'_> {
    /// The type with its article, for a sentence.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(Cow<'de, str>, Value<'de>)> = Vec::new();
        while let Some(Text(key)) = access.next_key()? {
            let is_repeated =
                members.len() < SMALL_OBJECT && members.iter().any(|(other, _)| *other == key);
            if is_repeated {
                return Err(repeated(&key));
            }
            members.push((key, access.next_value()?));
        }
        if members.len() > SMALL_OBJECT {
            let mut seen = BTreeSet::new();
            if let Some((key, _)) = members.iter().find(|(key, _)| !seen.insert(key.as_ref())) {
                return Err(repeated(key));
            }
        }
        Ok(Value::Object(members))
    }
}

fn repeated<E: Error>(key: &str) -> E {
    E::custom(format_args!("the key {key:?} stands twice in one object"))
}

/// A key, borrowed where it holds no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Lets a schema read [`Value`]s as they are.
pub(super) struct BorrowedJson;

impl Json for BorrowedJson {
    type Node<'a> = &'a Value<'a>;
    type PreparedKey = String;
    type StringBuffer = Value<'static>;

    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(
        buffer: &mut Self::StringBuffer,
        string: &str,
        f: impl FnOnce(Self::Node<'_>) -> T,
    ) -> T {
        *buffer = Value::String(Cow::Owned(string.to_owned()));
        f(buffer)
    }
}

impl<'a> Node<'a, BorrowedJson> for &'a Value<'a> {
    type Object = &'a [(Cow<'a, str>, Value<'a>)];
    type Array = &'a [Value<'a>];
    type Number = &'a serde_json::Number;

    fn as_object(&self) -> Option<Self::Object> {
        if let Value::Object(members) = self {
            Some(members)
        } else {
            None
        }
    }

    fn as_array(&self) -> Option<Self::Array> {
        if let Value::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        if let Value::String(string) = self {
            Some(Cow::Borrowed(string.as_ref()))
        } else {
            None
        }
    }

    fn as_number(&self) -> Option<Self::Number> {
        if let Value::Number(number) = self {
            Some(number)
        } else {
            None
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        if let Value::Bool(boolean) = self {
            Some(*boolean)
        } else {
            None
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Number(_) => JsonType::Number,
            Value::String(_) => JsonType::String,
            Value::Array(_) => JsonType::Array,
            Value::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &serde_json::Value) -> bool {
        // Enumerations of strings are the common case and need no copy.
        if let (Value::String(string), serde_json::Value::String(expected)) = (self, expected) {
            return string == expected;
        }
        jsonschema::json::cmp::equal(&self.to_value(), expected)
    }

    fn to_value(&self) -> Cow<'a, serde_json::Value> {
        Cow::Owned(match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(boolean) => serde_json::Value::Bool(*boolean),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::String(string) => serde_json::Value::String(string.clone().into_owned()),
            Value::Array(items) => items
                .iter()
                .map(|item| item.to_value().into_owned())
                .collect(),
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| (key.clone().into_owned(), value.to_value().into_owned()))
                .collect(),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref(*self).addr()))
    }
}

impl<'a> Object<'a, BorrowedJson> for &'a [(Cow<'a, str>, Value<'a>)] {
    type Node = &'a Value<'a>;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn get(&self, key: &String) -> Option<Self::Node> {
        self.iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    fn members(&self) -> Members<'a> {
        Members(self.iter())
    }
}

/// The members of an object, in order.
pub(super) struct Members<'a>(std::slice::Iter<'a, (Cow<'a, str>, Value<'a>)>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_ref(), value))
    }
}

impl<'a> Array<'a, BorrowedJson> for &'a [Value<'a>] {
    type Node = &'a Value<'a>;
    type ElementsIter = std::slice::Iter<'a, Value<'a>>;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn elements(&self) -> Self::ElementsIter {
        self.iter()
    }
}
