//! Texts with slots, as a configuration writes them: `{name}` takes a property of the input schema, `{{`
//! and `}}` are braces.

use serde_json::{Map, Value};

/// A part of a text with slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it stands.
    Text(String),
    /// The value of this property.
    Slot(String),
}

/// Takes a text apart; `None` when a brace has no partner or a slot no name.
pub(crate) fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            literal.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return None;
        }
        let (name, after) = after.split_once('}')?;
        if name.is_empty() || name.contains('{') {
            return None;
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Slot(name.to_owned()));
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Some(pieces)
}

/// The properties of an object schema.
pub(crate) fn properties(schema: &Map<String, Value>) -> Map<String, Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.cloned().unwrap_or_default()
}

/// The properties that an object schema requires.
pub(crate) fn required(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let required = schema.get("required").and_then(Value::as_array);
    required.into_iter().flatten().filter_map(Value::as_str)
}

/// The names of properties, for an error about one that isn't there.
pub(crate) fn known(properties: &Map<String, Value>) -> String {
    let names: Vec<&str> = properties.keys().map(String::as_str).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// What the schema says of a property's type, for an error about it.
pub(crate) fn type_text(property: &Value) -> String {
    let kind = property.get("type");
    kind.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

/// The types that a property may have besides `null`; a property without a type is taken by its `enum`.
pub(crate) fn types(property: &Value) -> Vec<&str> {
    match property.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect(),
        Some(_) | None => match property.get("enum").and_then(Value::as_array) {
            Some(values) if values.iter().all(Value::is_string) => vec!["string"],
            Some(_) | None => Vec::new(),
        },
    }
}

/// Whether a property may be `null`, which is taken for no value.
pub(crate) fn may_be_null(property: &Value) -> bool {
    let lists_null = |key| {
        let values = property.get(key).and_then(Value::as_array);
        values.is_some_and(|values| {
            values
                .iter()
                .any(|value| value == "null" || value.is_null())
        })
    };
    lists_null("type") || lists_null("enum")
}

/// Whether all that a property may be is a string, integer, number or boolean.
pub(crate) fn is_scalar(property: &Value) -> bool {
    let types = types(property);
    !types.is_empty()
        && types
            .iter()
            .all(|name| matches!(*name, "string" | "integer" | "number" | "boolean"))
}

/// Whether a property is a list of those.
pub(crate) fn is_list_of_scalars(property: &Value) -> bool {
    types(property) == ["array"] && property.get("items").is_some_and(is_scalar)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_text_is_taken_apart() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let slot = |name: &str| Piece::Slot(name.to_owned());
        assert_eq!(pieces("").unwrap(), [text("")]);
        assert_eq!(pieces("{a}").unwrap(), [slot("a")]);
        assert_eq!(
            pieces("x{a}{b}y{{z}}").unwrap(),
            [text("x"), slot("a"), slot("b"), text("y{z}")]
        );
        for bad in ["{", "}", "{}", "{a", "a}", "{a{b}}", "{{a}"] {
            assert_eq!(pieces(bad), None, "{bad}");
        }
    }
}
