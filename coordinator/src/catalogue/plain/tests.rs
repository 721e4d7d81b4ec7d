#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use serde_json::{Value as Json, json};

use crate::catalogue::schema::Schema;

/// Names of members, one of them as long as another and one that needs an escape.
const NAMES: [&str; 5] = ["a", "b", "city", "days", "\"q"];
const WORDS: [&str; 5] = ["", "x", "metric", "Z\u{fc}rich", "\u{1f980}\u{1f980}"];

/// Numbers at the borders of what the fast way compares, as JSON texts.
const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "1",
    "-1",
    "3",
    "1.0",
    "2.5",
    "-2.5",
    "1e2",
    "1e999",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "1E-400",
];

fn keyword(
    name: &'static str,
    value: impl Strategy<Value = Json> + 'static,
) -> BoxedStrategy<(String, Json)> {
    value
        .prop_map(move |value| (name.to_owned(), value))
        .boxed()
}

fn scalar_type() -> impl Strategy<Value = Json> {
    let name = select(vec!["string", "integer", "number", "boolean", "null"]);
    prop_oneof![
        name.clone().prop_map(Json::from),
        prop::collection::hash_set(name, 1..3)
            .prop_map(|names| names.into_iter().collect::<Vec<_>>().into()),
    ]
}

fn scalar() -> BoxedStrategy<Json> {
    let number = prop_oneof![(-3i64..5).prop_map(Json::from), Just(json!(1.5))];
    let words = prop::collection::hash_set(select(WORDS.to_vec()), 1..4)
        .prop_map(|words| words.into_iter().collect::<Vec<_>>().into());
    let keywords = prop_oneof![
        4 => keyword("type", scalar_type()),
        1 => keyword("enum", words),
        1 => keyword("minLength", (0u64..4).prop_map(Json::from)),
        1 => keyword("maxLength", (0u64..8).prop_map(Json::from)),
        1 => keyword("minimum", number.clone()),
        1 => keyword("maximum", number.clone()),
        1 => keyword("exclusiveMinimum", number),
        1 => keyword("description", Just(json!("says nothing"))),
    ];
    prop::collection::vec(keywords, 0..4)
        .prop_map(Json::from_iter)
        .boxed()
}

fn object(of: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let members = prop::collection::btree_map(select(NAMES.to_vec()), of, 0..5);
    let required = prop::collection::hash_set(select(NAMES.to_vec()), 0..3);
    let additional = prop_oneof![Just(None), any::<bool>().prop_map(Some)];
    (members, required, additional)
        .prop_map(|(members, required, additional)| {
            let mut schema = json!({"type": "object", "properties": members});
            if !required.is_empty() {
                schema["required"] = required.into_iter().collect::<Vec<_>>().into();
            }
            if let Some(additional) = additional {
                schema["additionalProperties"] = additional.into();
            }
            schema
        })
        .boxed()
}

fn schema() -> BoxedStrategy<Json> {
    let inner = scalar().prop_recursive(2, 12, 4, |of| {
        let array = (of.clone(), 0u64..3, 0u64..4).prop_map(|(items, least, most)| {
            json!({"type": "array", "items": items, "minItems": least, "maxItems": most})
        });
        prop_oneof![array, object(of)]
    });
    object(inner.boxed())
}

/// JSON as a model may write it: keys that stand twice, escapes, odd numbers, and what is no JSON.
fn text() -> BoxedStrategy<String> {
    let string = prop_oneof![
        select(WORDS.to_vec()).prop_map(|word| Json::from(word).to_string()),
        Just("\"\\u0078\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
    ];
    let leaf = prop_oneof![
        4 => string,
        4 => select(NUMBERS.to_vec()).prop_map(str::to_owned),
        2 => select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        1 => select(vec!["", "nul", "[", "{\"a\":}", "01"]).prop_map(str::to_owned),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |of| {
        let array = prop::collection::vec(of.clone(), 0..4)
            .prop_map(|items| format!("[{}]", items.join(" ,")));
        prop_oneof![array, members(of)]
    });
    let end = select(vec!["", "", "", "", " \n", "x", "{}"]);
    (members(value.boxed()), end)
        .prop_map(|(object, end)| object + end)
        .boxed()
}

fn members(of: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop::collection::vec((select(NAMES.to_vec()), of), 0..5)
        .prop_map(|members| {
            let members = members
                .iter()
                .map(|(name, value)| format!("{}: {value}", Json::from(*name)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        })
        .boxed()
}

/// A text that mostly fits its schema: the fast way must have something to accept.
fn fitting(schema: &Json, dice: &mut fastrand::Rng) -> String {
    let pick = |dice: &mut fastrand::Rng, all: &[&str]| all[dice.usize(..all.len())].to_owned();
    match schema["type"].as_str() {
        Some("object") => {
            let members = schema["properties"].as_object().unwrap();
            let required = schema["required"].as_array();
            let is_required =
                |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
            let mut texts: Vec<_> = members
                .iter()
                .filter(|(name, _)| is_required(name) || dice.bool())
                .map(|(name, schema)| (name.clone(), schema.clone()))
                .collect();
            dice.shuffle(&mut texts);
            let texts = texts.iter().map(|(name, schema)| {
                format!("{}:{}", Json::from(name.as_str()), fitting(schema, dice))
            });
            format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
        }
        Some("array") => {
            let least = usize::try_from(schema["minItems"].as_u64().unwrap()).unwrap();
            let items: Vec<_> = (0..least)
                .map(|_| fitting(&schema["items"], dice))
                .collect();
            format!("[{}]", items.join(","))
        }
        Some("string") | None => Json::from(pick(dice, &WORDS)).to_string(),
        Some("integer" | "number") => pick(dice, &NUMBERS),
        Some(_) => pick(dice, &["true", "null"]),
    }
}

#[test]
fn nothing_is_accepted_that_the_full_validator_refuses() {
    let (mut known, mut accepted, mut refused) = (0, 0, 0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let cases = (schema(), text(), any::<u64>());
    runner
        .run(&cases, |(schema, text, seed)| {
            let Ok(compiled) = Schema::compile(&schema.to_string()) else {
                return Ok(());
            };
            let fitting = fitting(&schema, &mut fastrand::Rng::with_seed(seed));
            for text in [text, fitting] {
                let (plain, full) = compiled.both_ways(text.as_bytes());
                prop_assert!(plain != Some(true) || full, "{text} under {schema}");
            }
            Ok(())
        })
        .unwrap();
    // The same cases again, counted: a fast way that never accepts would pass, too.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..1000 {
        let (schema, seed) = (schema(), any::<u64>())
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let Ok(compiled) = Schema::compile(&schema.to_string()) else {
            continue;
        };
        let text = fitting(&schema, &mut fastrand::Rng::with_seed(seed));
        match compiled.both_ways(text.as_bytes()) {
            (Some(true), _) => accepted += 1,
            (Some(false), true) => refused += 1,
            (Some(false), false) => {}
            (None, _) => continue,
        }
        known += 1;
    }
    assert!(
        known > 100 && accepted > 50,
        "{known} known, {accepted} accepted"
    );
    assert!(
        refused < accepted,
        "{refused} valid texts weren't accepted, {accepted} were"
    );
}

#[test]
fn what_it_knows() {
    let known = |schema: Json| {
        Schema::compile(&schema.to_string())
            .unwrap()
            .both_ways(b"{}")
            .0
    };
    for (schema, expected) in [
        (json!({"type": "object"}), Some(true)),
        (
            json!({"type": "object", "$schema": "https://json-schema.org/draft/2020-12/schema"}),
            Some(true),
        ),
        (
            json!({"type": "object", "title": "t", "properties": {"a": {}}}),
            Some(true),
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
            Some(false),
        ),
        (json!({"type": "object", "required": ["a"]}), None),
        (json!({"type": "object", "minProperties": 1}), None),
        (
            json!({"type": "object", "$schema": "http://json-schema.org/draft-04/schema#"}),
            None,
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^x"}}}),
            None,
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string", "format": "date"}}}),
            None,
        ),
        (
            json!({"type": "object", "properties": {"a": {"$ref": "#"}}}),
            None,
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "number", "minimum": 0.5}}}),
            None,
        ),
        (json!({}), None),
    ] {
        assert_eq!(known(schema.clone()), expected, "{schema}");
    }
}
