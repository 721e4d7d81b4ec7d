//! The definitions of a schema, and what refers to them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Where definitions stand: since 2019-09, and before.
pub(super) const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// Definitions by name, reduced.
pub(super) type Definitions = BTreeMap<String, Value>;

/// The name that a reference to a definition of the schema itself gives.
pub(super) fn name(reference: &str) -> Option<&str> {
    DEFINITIONS
        .iter()
        .find_map(|key| {
            reference
                .strip_prefix('#')?
                .strip_prefix('/')?
                .strip_prefix(key)?
                .strip_prefix('/')
        })
        .filter(|name| !name.contains(['/', '~', '%']))
}

/// The definitions that a reduced schema refers to.
pub(super) fn references(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![schema];
    while let Some(schema) = open.pop() {
        match schema {
            Value::Object(members) => {
                if let Some(name) = members.get("$ref").and_then(Value::as_str).and_then(name) {
                    found.insert(name.to_owned());
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// Takes properties that lead back to where they stand out of what is required: the API takes cycles
/// through optional properties only.
pub(super) fn uncycle(definitions: &mut Definitions) {
    let direct: BTreeMap<String, BTreeSet<String>> = definitions
        .iter()
        .map(|(name, schema)| (name.clone(), references(schema)))
        .collect();
    let reaches = |from: &Value, to: &str| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<String> = references(from).into_iter().collect();
        while let Some(name) = open.pop() {
            if name == to {
                return true;
            }
            if seen.insert(name.clone()) {
                open.extend(direct.get(&name).into_iter().flatten().cloned());
            }
        }
        false
    };
    for (name, schema) in definitions.iter_mut() {
        relax(schema, &|property| reaches(property, name));
    }
}

fn relax(schema: &mut Value, leads_back: &impl Fn(&Value) -> bool) {
    match schema {
        Value::Object(members) => {
            let properties = members.get("properties").cloned().unwrap_or_default();
            if let Some(Value::Array(required)) = members.get_mut("required") {
                required.retain(|name| {
                    let property = name.as_str().and_then(|name| properties.get(name));
                    !property.is_some_and(leads_back)
                });
                if required.is_empty() {
                    members.remove("required");
                }
            }
            for member in members.values_mut() {
                relax(member, leads_back);
            }
        }
        Value::Array(items) => {
            for item in items {
                relax(item, leads_back);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
