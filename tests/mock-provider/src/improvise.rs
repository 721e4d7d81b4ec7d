//! Calls that nobody has written down: of tools that sound harmless, with arguments that fit.

use std::time::Duration;

use crate::answer::{Offered, Planned};
use crate::json::{Json, Node};

/// Calls made up at once. Chosen: several, so that they run side by side.
const CALLS_MAX: usize = 3;
/// Depth to which arguments are made up; what is required beyond is left out. Chosen.
const DEPTH_MAX: usize = 8;
/// Words that the name of a tool has which changes nothing.
const HARMLESS: [&str; 10] = [
    "read", "get", "list", "search", "find", "look", "fetch", "query", "echo", "weather",
];

/// Makes up calls of the tools on offer.
pub(crate) fn calls(offered: &[Offered]) -> Vec<Planned<'_>> {
    offered
        .iter()
        .filter(|tool| is_harmless(&tool.name))
        .filter_map(|tool| Some((tool, tool.schema.as_ref()?)))
        .take(CALLS_MAX)
        .map(|(tool, schema)| Planned {
            id: None,
            tool: &tool.name,
            arguments: object(schema, 0).into_string(),
            delay: Duration::ZERO,
        })
        .collect()
}

/// Whether one of the words that a name is made of says so.
fn is_harmless(name: &str) -> bool {
    let mut words: Vec<String> = vec![String::new()];
    for letter in name.chars() {
        if !letter.is_alphanumeric() || letter.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(
                letter
                    .to_lowercase()
                    .filter(|letter| letter.is_alphanumeric()),
            );
        }
    }
    words.iter().any(|word| HARMLESS.contains(&word.as_str()))
}

/// An object with what its schema requires.
fn object(schema: &Node, depth: usize) -> Json {
    let required = schema.get("required").and_then(Node::list);
    let properties = schema.get("properties");
    let entries = required
        .unwrap_or_default()
        .iter()
        .filter_map(Node::text)
        .filter(|_| depth < DEPTH_MAX)
        .map(|name| {
            let property = properties.and_then(|properties| properties.get(name));
            let value = property.map_or_else(|| Json::of("."), |schema| value(schema, depth + 1));
            (name, value)
        });
    Json::object(entries)
}

/// The plainest value that a schema allows.
fn value(schema: &Node, depth: usize) -> Json {
    let listed = |key| {
        schema
            .get(key)
            .and_then(Node::list)
            .and_then(<[Node]>::first)
    };
    let said = schema.get("const").or_else(|| schema.get("default"));
    let said = said
        .or_else(|| listed("enum"))
        .or_else(|| listed("examples"));
    if let Some(json) = said.and_then(|node| Json::verbatim(&node.canonical())) {
        return json;
    }
    let kind = match schema.get("type") {
        Some(Node::List(kinds)) => kinds.first().and_then(Node::text),
        other => other.and_then(Node::text),
    };
    // Gemini writes types in capitals.
    match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("object") => object(schema, depth),
        Some("array") => Json::array([]),
        Some("boolean") => Json::of(&false),
        Some("null") => Json::of(&()),
        Some("integer" | "number") => match schema.get("minimum") {
            Some(least) => Json::verbatim(&least.canonical()).unwrap_or_else(|| Json::of(&1)),
            None => Json::of(&1),
        },
        _ => Json::of("."),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn offered(name: &str, schema: &str) -> Offered {
        Offered::function(name, Some(&Node::read(schema.as_bytes()).unwrap()))
    }

    #[test]
    fn arguments_fit_their_schema() {
        let schema = r#"{"type": "object", "required": ["path", "n", "mode", "deep", "all"], "properties": {
            "path": {"type": "string"}, "n": {"type": "integer", "minimum": 3}, "mode": {"enum": ["fast", "slow"]},
            "deep": {"type": "object", "required": ["x"], "properties": {"x": {"type": ["boolean", "null"]}}},
            "all": {"type": "ARRAY"}, "other": {"type": "string"}}}"#;
        assert_eq!(
            calls(&[offered("fs_read", schema)])[0].arguments,
            r#"{"path":".","n":3,"mode":"fast","deep":{"x":false},"all":[]}"#
        );
    }

    #[test]
    fn only_what_sounds_harmless_is_called_and_not_too_much() {
        for (name, expected) in [
            ("fs_read", true),
            ("getWeather", true),
            ("web.search", true),
            ("delete_all", false),
            ("budget", false),
            ("thread_stop", false),
            ("Read", true),
        ] {
            assert_eq!(is_harmless(name), expected, "{name}");
        }
        let many: Vec<Offered> = (0..5)
            .map(|n| offered(&format!("read_{n}"), "{}"))
            .collect();
        assert_eq!(calls(&many).len(), CALLS_MAX);
        assert_eq!(
            calls(&[offered("delete", "{}"), Offered::other("web_search")]),
            []
        );
    }
}
