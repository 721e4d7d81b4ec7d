//! JSON that is kept as it was written: what a provider sent goes back to it byte for byte.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's fields in their order, each value as it was written.
pub(super) struct Fields<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads an object.
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// A field that may be absent or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(field, _)| field == name)?.1;
        (found.get() != "null").then_some(found)
    }

    /// A field that is a string, decoded; empty where it is absent.
    pub(super) fn text(&self, name: &str) -> Result<String, serde_json::Error> {
        self.get(name)
            .map_or_else(|| Ok(String::new()), |raw| serde_json::from_str(raw.get()))
    }

    /// The object, unless a name stands in it twice: two readers might see two different values.
    pub(super) fn unique(self) -> Result<Self, serde_json::Error> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(serde_json::Error::custom(format!(
                "the key {:?} stands twice in one object",
                pair[0]
            ))),
            None => Ok(self),
        }
    }

    /// A field that may be absent; null is a value.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let (_, raw) = self.0.iter().find(|(field, _)| field == name)?;
        Some(raw)
    }

    /// A field that is a string, decoded, where it is there; half a surrogate pair is U+FFFD.
    pub(super) fn string(&self, name: &str) -> Result<Option<String>, serde_json::Error> {
        self.get(name).map(string).transpose()
    }

    /// A field that is a string with something in it; anything else counts as absent.
    pub(super) fn some_text(&self, name: &str) -> Option<String> {
        let text = self.string(name).ok().flatten();
        text.filter(|text| !text.is_empty())
    }

    /// A field that must be there.
    pub(super) fn value(&self, name: &'static str) -> Result<&'a RawValue, serde_json::Error> {
        self.get(name)
            .ok_or_else(|| serde_json::Error::missing_field(name))
    }

    /// A field that must be there and be an object.
    pub(super) fn object(&self, name: &'static str) -> Result<Self, serde_json::Error> {
        Self::read(self.value(name)?.get())
    }

    /// The position of the block that an event is about.
    pub(super) fn index(&self) -> Result<usize, serde_json::Error> {
        serde_json::from_str(self.value("index")?.get())
    }

    /// What stands between the quotes of a string; nothing where it is absent.
    pub(super) fn inside(&self, name: &str) -> Result<&'a str, serde_json::Error> {
        let Some(raw) = self.get(name) else {
            return Ok("");
        };
        raw.get()
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .ok_or_else(|| serde_json::Error::custom(format!("{name} must be a string")))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// A string, decoded; half a surrogate pair is U+FFFD.
pub(super) fn string(raw: &RawValue) -> Result<String, serde_json::Error> {
    if raw.get().starts_with('"') {
        Ok(decode(raw.get()))
    } else {
        serde_json::from_str(raw.get())
    }
}

/// The items of a list, each as it was written.
pub(super) fn list(raw: &RawValue) -> Result<Vec<&RawValue>, serde_json::Error> {
    serde_json::from_str(raw.get())
}

/// Whether a text is one JSON object, whole.
pub(super) fn is_object(text: &str) -> bool {
    Fields::read(text).is_ok()
}

/// A string's JSON text.
pub(super) fn literal(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}

/// A string from its JSON text, with U+FFFD for half a surrogate pair.
pub(super) fn decode(literal: &str) -> String {
    serde_json::from_str(literal).unwrap_or_else(|_| {
        let bytes: serde_bytes::ByteBuf = serde_json::from_str(literal).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A string's JSON text as it is, unless it holds half a surrogate pair, which nobody takes back.
pub(super) fn sound(literal_text: String) -> String {
    if serde_json::from_str::<Cow<'_, str>>(&literal_text).is_ok() {
        literal_text
    } else {
        literal(&decode(&literal_text))
    }
}
