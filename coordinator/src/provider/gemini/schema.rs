//! Reduces a tool's JSON Schema to the part of it that `parametersJsonSchema` takes.
//!
//! The API refuses the whole request over one keyword that it doesn't know, in one of a hundred tools.
//! So what it isn't documented to take is rewritten where that says the same, and left out elsewhere:
//! arguments are checked against the tool's own schema before they are sent anywhere.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use definitions::{DEFINITIONS, Definitions, name, references, uncycle};
use rewrite::{BESIDE, bounds, conjoin, refer, settle};

mod definitions;
mod rewrite;

/// Formats that are documented for strings and numbers.
const FORMATS: [&str; 7] = [
    "date-time",
    "date",
    "time",
    "float",
    "double",
    "int32",
    "int64",
];
/// Keywords that are taken as they are.
const PLAIN: [&str; 9] = [
    "type",
    "title",
    "description",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "propertyOrdering",
    "enum",
];

/// What a function declaration says of its parameters: nothing where there are none.
pub(super) fn parameters(schema: &str) -> Option<Value> {
    // The catalogue took it, so it is an object.
    let Ok(Value::Object(schema)) = serde_json::from_str(schema) else {
        return None;
    };
    let reducer = Reducer {
        given: DEFINITIONS
            .iter()
            .filter_map(|key| schema.get(*key)?.as_object())
            .flatten()
            .collect(),
        inlined: Cell::new(0),
    };
    // What is referred to at the top is written out: the properties there are the parameters.
    let mut root = match reducer.reference(&schema) {
        Some(name) => reducer.named(name, &mut Vec::new()),
        None => Some(reducer.object(&schema, &mut Vec::new())),
    }?;
    root.insert("type".to_owned(), "object".into());
    let says_something = ["properties", "anyOf"]
        .iter()
        .any(|key| root.contains_key(*key))
        || root
            .get("additionalProperties")
            .is_some_and(|more| *more != false);
    if !says_something {
        return None;
    }
    let mut root = Value::Object(root);
    let mut definitions = reducer.needed(&root);
    uncycle(&mut definitions);
    if let (Value::Object(root), false) = (&mut root, definitions.is_empty()) {
        root.insert(
            "$defs".to_owned(),
            Value::Object(definitions.into_iter().collect()),
        );
    }
    Some(root)
}

/// Definitions of one schema that are written out, at most: a schema of which each definition holds all
/// others would never end. Chosen, not measured.
const INLINED_MAX: u32 = 256;

struct Reducer<'a> {
    given: BTreeMap<&'a String, &'a Value>,
    /// Definitions that were written out.
    inlined: Cell<u32>,
}

impl<'a> Reducer<'a> {
    /// Reduces a schema; none for `false`, which nothing matches. `inlined` names the definitions that
    /// are being written out.
    fn schema(&self, schema: &'a Value, inlined: &mut Vec<&'a str>) -> Option<Value> {
        match schema {
            Value::Bool(false) => None,
            Value::Object(schema) => Some(Value::Object(self.object(schema, inlined))),
            Value::Null
            | Value::Bool(true)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Some(json!({})),
        }
    }

    fn object(
        &self,
        schema: &'a Map<String, Value>,
        inlined: &mut Vec<&'a str>,
    ) -> Map<String, Value> {
        let mut out = Map::new();
        for key in PLAIN {
            if let Some(value) = schema.get(key).filter(|value| is_plain(key, value)) {
                out.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(format) = schema.get("format").filter(|format| is_format(format)) {
            out.insert("format".to_owned(), format.clone());
        }
        if let Some(only) = schema.get("const").filter(|only| is_scalar(only)) {
            out.insert("enum".to_owned(), json!([only]));
        }
        bounds(schema, &mut out);
        self.items(schema, inlined, &mut out);
        self.properties(schema, inlined, &mut out);
        let alternatives = schema.get("anyOf").or_else(|| schema.get("oneOf"));
        if let Some(Value::Array(all)) = alternatives {
            let all: Vec<Value> = all
                .iter()
                .filter_map(|one| self.schema(one, inlined))
                .collect();
            if !all.is_empty() {
                out.insert("anyOf".to_owned(), all.into());
            }
        }
        for part in schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(Value::Object(part)) = self.written_out(part, inlined) {
                conjoin(&mut out, part);
            }
        }
        if let Some(name) = self.reference(schema) {
            if out.keys().all(|key| BESIDE.contains(&key.as_str())) {
                refer(&mut out, name);
            } else if let Some(meant) = self.named(name, inlined) {
                conjoin(&mut out, meant);
            }
        }
        settle(&mut out);
        out
    }

    /// The name of the definition that a schema refers to; references to anything else count as no rule.
    fn reference(&self, schema: &'a Map<String, Value>) -> Option<&'a str> {
        let name = name(schema.get("$ref")?.as_str()?)?;
        self.given.get_key_value(&name.to_owned()).map(|_| name)
    }

    /// A part of a conjunction: the API has no conjunctions, so a reference is replaced by what it means.
    fn written_out(&self, part: &'a Value, inlined: &mut Vec<&'a str>) -> Option<Value> {
        let Some(name) = part.as_object().and_then(|part| self.reference(part)) else {
            return self.schema(part, inlined);
        };
        self.named(name, inlined).map(Value::Object)
    }

    /// A definition written out; none inside of itself, nor too many.
    fn named(&self, name: &'a str, inlined: &mut Vec<&'a str>) -> Option<Map<String, Value>> {
        if inlined.contains(&name) || self.inlined.get() >= INLINED_MAX {
            return None;
        }
        self.inlined.set(self.inlined.get() + 1);
        inlined.push(name);
        let given = self.given.get(&name.to_owned());
        let written = given.and_then(|given| given.as_object());
        let written = written.map(|written| self.object(written, inlined));
        inlined.pop();
        written
    }

    fn items(
        &self,
        schema: &'a Map<String, Value>,
        inlined: &mut Vec<&'a str>,
        out: &mut Map<String, Value>,
    ) {
        let mut prefix = schema.get("prefixItems").and_then(Value::as_array);
        match schema.get("items") {
            // Drafts before 2020-12.
            Some(Value::Array(items)) => prefix = prefix.or(Some(items)),
            Some(items) => {
                if let Some(items) = self.schema(items, inlined) {
                    out.insert("items".to_owned(), items);
                }
            }
            None => {}
        }
        if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
            let prefix: Vec<Value> = prefix
                .iter()
                .map(|item| self.schema(item, inlined).unwrap_or_else(|| json!({})))
                .collect();
            out.insert("prefixItems".to_owned(), prefix.into());
        }
    }

    fn properties(
        &self,
        schema: &'a Map<String, Value>,
        inlined: &mut Vec<&'a str>,
        out: &mut Map<String, Value>,
    ) {
        if let Some(Value::Object(properties)) = schema.get("properties") {
            let properties: Map<String, Value> = properties
                .iter()
                .filter_map(|(name, property)| {
                    Some((name.clone(), self.schema(property, inlined)?))
                })
                .collect();
            if !properties.is_empty() {
                out.insert("properties".to_owned(), properties.into());
            }
        }
        match schema.get("additionalProperties") {
            Some(Value::Bool(more)) => {
                out.insert("additionalProperties".to_owned(), (*more).into());
            }
            Some(more @ Value::Object(_)) => {
                if let Some(more) = self.schema(more, inlined) {
                    out.insert("additionalProperties".to_owned(), more);
                }
            }
            Some(Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_)) | None => {}
        }
        if let Some(required) = schema.get("required").filter(|names| names.is_array()) {
            out.insert("required".to_owned(), required.clone());
        }
    }

    /// The definitions that a schema needs, reduced.
    fn needed(&self, root: &Value) -> Definitions {
        let mut needed = Definitions::new();
        let mut open: Vec<String> = references(root).into_iter().collect();
        while let Some(name) = open.pop() {
            if needed.contains_key(&name) {
                continue;
            }
            let given = self.given.get(&name).copied();
            let reduced = given.and_then(|given| self.schema(given, &mut Vec::new()));
            let reduced = reduced.unwrap_or_else(|| json!({}));
            open.extend(references(&reduced));
            needed.insert(name, reduced);
        }
        needed
    }
}

fn is_plain(key: &str, value: &Value) -> bool {
    match (key, value) {
        ("type" | "title" | "description", Value::String(_)) => true,
        ("minItems" | "maxItems" | "minimum" | "maximum", Value::Number(_)) => true,
        ("type" | "propertyOrdering", Value::Array(all)) => all.iter().all(Value::is_string),
        ("enum", Value::Array(all)) => !all.is_empty() && all.iter().all(is_scalar),
        (
            _,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
        ) => false,
    }
}

/// Enumerations are of strings and numbers.
fn is_scalar(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

fn is_format(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|format| FORMATS.contains(&format))
}
