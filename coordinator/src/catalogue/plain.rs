//! A fast yes for plain schemas: objects, arrays and scalars, which is what most tools ask for.
//!
//! Arguments that fit are read once, without a copy, a tree or an allocation. There is no fast no:
//! whatever isn't accepted here goes to the full validator, which decides and explains. So this may
//! know little, and must only never accept what the full one refuses (a property test compares them).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::json::Value;

/// Members of one object that are told apart: one bit for each.
const MEMBERS_MAX: usize = 64;
/// Keywords that say nothing about what is valid.
const ANNOTATIONS: [&str; 8] = [
    "title",
    "description",
    "default",
    "examples",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
];
/// Drafts in which the keywords known here mean the same.
const DRAFTS: [&str; 3] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#",
];

/// A schema of which all is known here.
#[derive(Debug)]
pub(super) struct Plain(Node);

impl Plain {
    /// Compiles a schema, unless it says something that isn't known here.
    pub(super) fn compile(schema: &Json) -> Option<Self> {
        let mut keywords = schema.as_object()?.clone();
        if let Some(draft) = keywords.remove("$schema") {
            DRAFTS.contains(&draft.as_str()?).then_some(())?;
        }
        match node(&keywords)? {
            object @ Node::Object(_) => Some(Self(object)),
            Node::Any | Node::Scalar(_) | Node::Array { .. } => None,
        }
    }

    /// Whether arguments are certain to be valid JSON that fits the schema.
    pub(super) fn accepts(&self, arguments: &[u8]) -> bool {
        // Looked at once as a whole: else each string in it is.
        let Ok(arguments) = std::str::from_utf8(arguments) else {
            return false;
        };
        let mut deserializer = serde_json::Deserializer::from_str(arguments);
        Fits(&self.0).deserialize(&mut deserializer).is_ok() && deserializer.end().is_ok()
    }
}

#[derive(Debug)]
enum Node {
    Any,
    Scalar(Scalar),
    Array {
        items: Box<Node>,
        least: usize,
        most: usize,
    },
    Object(Members),
}

#[derive(Debug, Default)]
struct Scalar {
    null: bool,
    boolean: bool,
    integer: bool,
    number: bool,
    string: bool,
    /// Characters of a string.
    least: usize,
    most: Option<usize>,
    /// The only strings that fit.
    words: Option<Vec<String>>,
    minimum: Option<i64>,
    maximum: Option<i64>,
}

#[derive(Debug)]
struct Members {
    members: Vec<(String, Node)>,
    /// Those that must be there, by their bits.
    required: u64,
}

fn node(keywords: &Map<String, Json>) -> Option<Node> {
    let said: Vec<(&str, &Json)> = keywords
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .filter(|(name, _)| !ANNOTATIONS.contains(name))
        .collect();
    if said.is_empty() {
        return Some(Node::Any);
    }
    match keywords.get("type").and_then(Json::as_str) {
        Some("object") => object(&said),
        Some("array") => array(&said),
        Some(_) | None => scalar(&said),
    }
}

fn object(said: &[(&str, &Json)]) -> Option<Node> {
    let mut members = Vec::new();
    let mut wanted = Vec::new();
    for (name, value) in said {
        match *name {
            "type" => {}
            // A member that isn't named is left to the full validator, allowed or not.
            "additionalProperties" => {
                value.as_bool()?;
            }
            "properties" => {
                for (name, schema) in value.as_object()? {
                    members.push((name.clone(), node(schema.as_object()?)?));
                }
            }
            "required" => wanted = value.as_array()?.iter().collect(),
            _ => return None,
        }
    }
    if members.len() > MEMBERS_MAX {
        return None;
    }
    let mut required = 0;
    for name in wanted {
        let name = name.as_str()?;
        required |= 1 << members.iter().position(|(member, _)| member == name)?;
    }
    Some(Node::Object(Members { members, required }))
}

fn array(said: &[(&str, &Json)]) -> Option<Node> {
    let (mut items, mut least, mut most) = (Node::Any, 0, usize::MAX);
    for (name, value) in said {
        match *name {
            "type" => {}
            "items" => items = node(value.as_object()?)?,
            "minItems" => least = size(value)?,
            "maxItems" => most = size(value)?,
            _ => return None,
        }
    }
    Some(Node::Array {
        items: Box::new(items),
        least,
        most,
    })
}

fn scalar(said: &[(&str, &Json)]) -> Option<Node> {
    let mut scalar = Scalar::default();
    let mut is_typed = false;
    for (name, value) in said {
        match *name {
            "type" => {
                is_typed = true;
                if let Some(names) = value.as_array() {
                    for name in names {
                        scalar.allow(name.as_str()?)?;
                    }
                } else {
                    scalar.allow(value.as_str()?)?;
                }
            }
            "enum" => {
                let words = value.as_array()?.iter();
                let words: Option<_> = words.map(|word| Some(word.as_str()?.to_owned())).collect();
                scalar.words = Some(words?);
            }
            "minLength" => scalar.least = size(value)?,
            "maxLength" => scalar.most = Some(size(value)?),
            "minimum" => scalar.minimum = Some(value.as_i64()?),
            "maximum" => scalar.maximum = Some(value.as_i64()?),
            _ => return None,
        }
    }
    if scalar.words.is_some() {
        // Of what is no string, none is among the words.
        scalar = Scalar {
            string: scalar.string || !is_typed,
            null: false,
            boolean: false,
            integer: false,
            number: false,
            ..scalar
        };
    } else if !is_typed {
        return None;
    }
    Some(Node::Scalar(scalar))
}

fn size(value: &Json) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

impl Scalar {
    fn allow(&mut self, name: &str) -> Option<()> {
        let is_allowed = match name {
            "null" => &mut self.null,
            "boolean" => &mut self.boolean,
            "integer" => &mut self.integer,
            "number" => &mut self.number,
            "string" => &mut self.string,
            _ => return None,
        };
        *is_allowed = true;
        Some(())
    }

    fn fits_text(&self, text: &str) -> bool {
        let is_long_enough =
            self.least == 0 || self.least <= text.len() / 4 || self.least <= text.chars().count();
        let is_short_enough = self
            .most
            .is_none_or(|most| text.len() <= most || text.chars().count() <= most);
        let is_a_word = self
            .words
            .as_ref()
            .is_none_or(|words| words.iter().any(|word| word == text));
        self.string && is_long_enough && is_short_enough && is_a_word
    }

    fn fits_integer(&self, number: i64) -> bool {
        (self.integer || self.number)
            && self.minimum.is_none_or(|minimum| number >= minimum)
            && self.maximum.is_none_or(|maximum| number <= maximum)
    }

    /// Of fractions only what needs no comparison.
    fn fits_fraction(&self) -> bool {
        self.number && self.minimum.is_none() && self.maximum.is_none()
    }
}

/// Reads a value that must fit a node; an error says only that it isn't certain to.
struct Fits<'s>(&'s Node);

impl<'de> DeserializeSeed<'de> for Fits<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            // Read all the same: a key may stand twice in it.
            Node::Any => serde::Deserialize::deserialize(deserializer).map(|_any: Value<'de>| ()),
            Node::Scalar(scalar) => deserializer.deserialize_any(ScalarVisitor(scalar)),
            Node::Array { items, least, most } => deserializer.deserialize_seq(ArrayVisitor {
                items,
                least: *least,
                most: *most,
            }),
            Node::Object(members) => deserializer.deserialize_map(ObjectVisitor(members)),
        }
    }
}

fn unsure<E: Error>(is_certain: bool) -> Result<(), E> {
    if is_certain {
        Ok(())
    } else {
        Err(E::custom("not certain"))
    }
}

struct ScalarVisitor<'s>(&'s Scalar);

impl Visitor<'_> for ScalarVisitor<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a scalar")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        unsure(self.0.null)
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<(), E> {
        unsure(self.0.boolean)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        unsure(self.0.fits_integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        unsure(i64::try_from(value).is_ok_and(|value| self.0.fits_integer(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        unsure(value.is_finite() && self.0.fits_fraction())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        unsure(self.0.fits_text(value))
    }
}

struct ArrayVisitor<'s> {
    items: &'s Node,
    least: usize,
    most: usize,
}

impl<'de> Visitor<'de> for ArrayVisitor<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let mut count = 0;
        while access.next_element_seed(Fits(self.items))?.is_some() {
            count += 1;
        }
        unsure(self.least <= count && count <= self.most)
    }
}

struct ObjectVisitor<'s>(&'s Members);

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let members = &self.0.members;
        let mut seen = 0_u64;
        let mut expected = 0;
        while let Some(at) = access.next_key_seed(Name { members, expected })? {
            if seen & (1 << at) != 0 {
                return unsure(false);
            }
            seen |= 1 << at;
            expected = at + 1;
            access.next_value_seed(Fits(&members[at].1))?;
        }
        unsure(self.0.required & !seen == 0)
    }
}

/// Reads the name of a member that is known, and gives its position.
#[derive(Clone, Copy)]
struct Name<'s> {
    members: &'s [(String, Node)],
    /// Models mostly keep to the schema's order.
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        let is_it = |(member, _): &(String, Node)| member == name;
        if self.members.get(self.expected).is_some_and(is_it) {
            return Ok(self.expected);
        }
        let found = self.members.iter().position(is_it);
        found.ok_or_else(|| E::custom("not certain"))
    }
}

#[cfg(test)]
mod tests;
