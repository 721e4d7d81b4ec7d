//! Writes what the API doesn't take as what it takes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What may stand beside a reference and be kept around it.
pub(super) const BESIDE: [&str; 2] = ["title", "description"];

/// Writes exclusive bounds as inclusive ones: exact for integers, the next best elsewhere.
pub(super) fn bounds(schema: &Map<String, Value>, out: &mut Map<String, Value>) {
    let is_integer = schema.get("type").is_some_and(|kind| kind == "integer");
    for (from, to, step) in [
        ("exclusiveMinimum", "minimum", 1),
        ("exclusiveMaximum", "maximum", -1),
    ] {
        let Some(bound @ Value::Number(_)) = schema.get(from) else {
            continue;
        };
        if !out.contains_key(to) {
            let inner = bound
                .as_i64()
                .filter(|_| is_integer)
                .and_then(|n| n.checked_add(step));
            out.insert(
                to.to_owned(),
                inner.map_or_else(|| bound.clone(), Value::from),
            );
        }
    }
}

/// Adds what another schema asks for as well, as far as it contradicts nothing.
pub(super) fn conjoin(out: &mut Map<String, Value>, part: Map<String, Value>) {
    for (key, value) in part {
        match (key.as_str(), out.get_mut(&key), value) {
            ("properties", Some(Value::Object(ours)), Value::Object(theirs)) => {
                for (name, property) in theirs {
                    ours.entry(name).or_insert(property);
                }
            }
            ("required", Some(Value::Array(ours)), Value::Array(theirs)) => {
                for name in theirs {
                    if !ours.contains(&name) {
                        ours.push(name);
                    }
                }
            }
            (_, Some(_), _) => {}
            (_, None, value) => {
                out.insert(key, value);
            }
        }
    }
}

/// Makes a node refer to a definition. Such a node may hold nothing else, so what is said beside it
/// stands around it.
pub(super) fn refer(out: &mut Map<String, Value>, name: &str) {
    let node = json!({"$ref": format!("#/$defs/{name}")});
    let beside: Map<String, Value> = BESIDE
        .iter()
        .filter_map(|key| out.remove_entry(*key))
        .collect();
    *out = beside;
    if out.is_empty() {
        out.insert("$ref".to_owned(), node["$ref"].clone());
    } else {
        out.insert("anyOf".to_owned(), json!([node]));
    }
}

/// Names the type where the rest implies it, and neither requires nor orders what isn't described.
pub(super) fn settle(out: &mut Map<String, Value>) {
    if !out.contains_key("type") {
        let values = out.get("enum").and_then(Value::as_array);
        let kind = if out.contains_key("properties") {
            Some("object")
        } else if out.contains_key("items") || out.contains_key("prefixItems") {
            Some("array")
        } else if values.is_some_and(|values| values.iter().all(Value::is_string)) {
            Some("string")
        } else {
            None
        };
        if let Some(kind) = kind {
            out.insert("type".to_owned(), kind.into());
        }
    }
    let described: BTreeSet<String> = out
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    for key in ["required", "propertyOrdering"] {
        if let Some(Value::Array(names)) = out.get_mut(key) {
            names.retain(|name| name.as_str().is_some_and(|name| described.contains(name)));
            if names.is_empty() {
                out.remove(key);
            }
        }
    }
}
