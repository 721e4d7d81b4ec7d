//! What becomes of a tool's schema.

use serde_json::{Value, json};

use crate::provider::gemini::schema::parameters;

fn reduced(schema: &Value) -> Value {
    parameters(&schema.to_string()).unwrap_or(Value::Null)
}

/// What becomes of the schema of one property.
fn property(schema: Value) -> Value {
    reduced(&json!({"properties": {"p": schema}}))["properties"]["p"].take()
}

#[test]
fn what_is_taken_stays() {
    let schema = json!({
        "type": "object",
        "title": "T",
        "description": "d",
        "properties": {
            "s": {"type": "string", "description": "x", "format": "date-time", "title": "S"},
            "e": {"type": "string", "enum": ["a", "b"]},
            "n": {"type": ["integer", "null"], "minimum": 0, "maximum": 9},
            "l": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "number"}},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "o": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["s"],
        "additionalProperties": false,
        "propertyOrdering": ["s", "e"],
    });
    assert_eq!(reduced(&schema), schema);
}

#[test]
fn what_is_not_taken_is_rewritten_or_left_out() {
    for (given, sent) in [
        (
            json!({"type": "string", "pattern": "^a$", "minLength": 1, "maxLength": 9, "format": "email", "default": "a", "examples": ["a"], "$comment": "c"}),
            json!({"type": "string"}),
        ),
        (
            json!({"const": "a"}),
            json!({"enum": ["a"], "type": "string"}),
        ),
        (
            json!({"const": true, "type": "boolean"}),
            json!({"type": "boolean"}),
        ),
        (json!({"enum": ["a", null]}), json!({})),
        (json!({"enum": [1, 2]}), json!({"enum": [1, 2]})),
        (
            json!({"type": "integer", "exclusiveMinimum": 0}),
            json!({"type": "integer", "minimum": 1}),
        ),
        (
            json!({"type": "number", "exclusiveMaximum": 1.5, "multipleOf": 0.1}),
            json!({"type": "number", "maximum": 1.5}),
        ),
        (
            json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true}),
            json!({"type": "integer", "minimum": 0}),
        ),
        (
            json!({"oneOf": [{"type": "string"}, false, true]}),
            json!({"anyOf": [{"type": "string"}, {}]}),
        ),
        (
            json!({"type": "array", "items": [{"type": "string"}, true], "uniqueItems": true}),
            json!({"type": "array", "prefixItems": [{"type": "string"}, {}]}),
        ),
        (
            json!({"type": "array", "items": false}),
            json!({"type": "array"}),
        ),
        (
            json!({"properties": {"a": true, "b": false}, "required": ["a", "b", "c"]}),
            json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
        ),
        (
            json!({"type": "object", "required": ["c"]}),
            json!({"type": "object"}),
        ),
        (
            json!({"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]}),
            json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "b"]}),
        ),
        (
            json!({"not": {"type": "null"}, "if": {}, "then": {}}),
            json!({}),
        ),
        (
            json!({"$ref": "https://example.com/schema.json"}),
            json!({}),
        ),
        (json!({"$ref": "#/properties/q"}), json!({})),
        (
            json!({"$ref": "#/$defs/unknown", "type": "string"}),
            json!({"type": "string"}),
        ),
    ] {
        assert_eq!(property(given.clone()), sent, "{given}");
    }
}

#[test]
fn a_tool_without_parameters_declares_none() {
    for schema in [
        json!({}),
        json!({"type": "object"}),
        json!({"type": "object", "properties": {}, "additionalProperties": false}),
        json!({"type": "object", "properties": {"never": false}}),
    ] {
        assert_eq!(reduced(&schema), Value::Null, "{schema}");
    }
    let anything = json!({"additionalProperties": true, "type": "object"});
    assert_eq!(reduced(&anything), anything);
}

#[test]
fn references_stand_alone_and_definitions_are_those_that_are_used() {
    let schema = json!({
        "type": "object",
        "properties": {
            "plain": {"$ref": "#/definitions/City"},
            "said": {"$ref": "#/definitions/City", "description": "where to"},
            "more": {"$ref": "#/definitions/City", "type": "object", "properties": {"zip": {"type": "string"}}},
            "both": {"allOf": [{"$ref": "#/definitions/City"}], "description": "both"},
        },
        "definitions": {
            "City": {"type": "object", "properties": {"in": {"$ref": "#/definitions/Land"}}, "required": ["in"]},
            "Land": {"type": "string", "minLength": 2},
            "Unused": {"type": "null"},
        },
    });
    let land = json!({"in": {"$ref": "#/$defs/Land"}});
    assert_eq!(
        reduced(&schema),
        json!({
            "type": "object",
            "properties": {
                "plain": {"$ref": "#/$defs/City"},
                "said": {"description": "where to", "anyOf": [{"$ref": "#/$defs/City"}]},
                "more": {"type": "object", "properties": {"zip": {"type": "string"}, "in": land["in"]}, "required": ["in"]},
                "both": {"type": "object", "description": "both", "properties": land, "required": ["in"]},
            },
            "$defs": {
                "City": {"type": "object", "properties": land, "required": ["in"]},
                "Land": {"type": "string"},
            },
        })
    );
}

#[test]
fn a_cycle_goes_through_optional_properties_only() {
    let node = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            "other": {"$ref": "#/$defs/Pair"},
        },
        "required": ["name", "children", "other"],
    });
    let pair = json!({"type": "object", "properties": {"left": {"$ref": "#/$defs/Node"}}, "required": ["left"]});
    let schema = json!({"$ref": "#/$defs/Node", "$defs": {"Node": node, "Pair": pair}});
    let sent = reduced(&schema);
    // At the top nothing leads back, for nothing refers to the top.
    assert_eq!(sent["type"], "object");
    assert_eq!(sent["required"], json!(["name", "children", "other"]));
    assert_eq!(sent["$defs"]["Node"]["required"], json!(["name"]));
    assert_eq!(sent["$defs"]["Pair"].get("required"), None);
    assert_eq!(sent["$defs"]["Node"]["properties"], node["properties"]);
}

#[test]
fn definitions_that_contain_each_other_stay_small() {
    let names: Vec<String> = (0..300).map(|index| format!("D{index}")).collect();
    let all: Vec<Value> = names
        .iter()
        .map(|name| json!({"$ref": format!("#/$defs/{name}")}))
        .collect();
    let definitions: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| (name.clone(), json!({"type": "object", "allOf": all})))
        .collect();
    let schema =
        json!({"type": "object", "properties": {"p": {"allOf": all}}, "$defs": definitions});
    assert!(reduced(&schema).to_string().len() < 100_000);
}
