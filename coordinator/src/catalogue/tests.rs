#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use bytes::Bytes;
use callboard_coordinator_core::run::TURN_CALLS_MAX;
use callboard_proto::{
    Digest, Effect, Executed, FailureKind, Manifest, ToolName, ToolSpec, ToolUseId,
};

use super::{Catalogue, Offer};
use crate::model::ToolUse;

const WEATHER: &str = r#"{
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "units": {"enum": ["metric", "imperial"]},
        "where": {"anyOf": [{"type": "object", "required": ["lat"]}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true}
    },
    "required": ["city"],
    "additionalProperties": false
}"#;

fn offer(name: &str, digest: u8, instances: usize, schema: &str) -> Offer {
    Offer {
        digest: Digest::new([digest; 32]),
        spec: Arc::new(ToolSpec {
            name: ToolName::new(name).unwrap(),
            description: "a tool".to_owned(),
            input_schema: schema.to_owned(),
            manifest: Manifest::new(Effect::Read),
        }),
        instances,
    }
}

fn weather() -> Catalogue {
    Catalogue::freeze([offer("get_weather", 1, 1, WEATHER)])
}

fn refusal(catalogue: &Catalogue, arguments: &str) -> String {
    let failure = catalogue
        .check("get_weather", Bytes::copy_from_slice(arguments.as_bytes()))
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::InvalidArguments);
    assert_eq!(failure.executed, Executed::No);
    failure.message
}

#[test]
fn the_models_own_bytes_are_posted() {
    let raw = b" {\"city\" : \"Z\\u00fcrich\",\"days\":1.0} ";
    let arguments = Bytes::from_static(raw);
    let posting = weather().check("get_weather", arguments.clone()).unwrap();
    assert_eq!(posting.arguments, arguments);
    assert_eq!(posting.arguments.as_ptr(), arguments.as_ptr());
    assert_eq!(posting.tool.as_str(), "get_weather");
    assert_eq!(posting.digest, Digest::new([1; 32]));
}

#[test]
fn empty_arguments_are_an_empty_object() {
    let catalogue = Catalogue::freeze([offer("ping", 1, 1, r#"{"type":"object"}"#)]);
    for empty in ["", " \n"] {
        let posting = catalogue.check("ping", Bytes::from(empty)).unwrap();
        assert_eq!(posting.arguments, "{}");
    }
}

#[test]
fn refusals_name_path_and_cause_and_no_values() {
    let catalogue = weather();
    let mut texts = String::new();
    for arguments in [
        "{\"city\": ",
        "nonsense",
        "\"secret\"",
        "[1]",
        "null",
        "{}",
        "",
        r#"{"city":"secret","days":"secret"}"#,
        r#"{"city":"","days":99,"units":"kelvin","citty":"secret","where":3,"tags":["a","a"]}"#,
        r#"{"city":"secret","city":"other"}"#,
        r#"{"city":"x","tags":[1,2,3,4,5,6,7]}"#,
        r#"{"city":"x","days":1e999}"#,
        r#"{"city":"\ud800"}"#,
        r#"{"city":"x"} {"city":"y"}"#,
    ] {
        let text = refusal(&catalogue, arguments);
        assert!(!text.contains("secret"), "{text}");
        texts.push_str(&format!("{arguments}\n=> {text}\n\n"));
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn deep_and_large_arguments_are_refused() {
    let catalogue = weather().with_arguments_bytes_max(1000);
    assert_eq!(
        refusal(&catalogue, &"x".repeat(1001)),
        "the arguments have 1001 bytes, and at most 1000 can be sent"
    );
    let deep = format!("{{\"city\":{}{}}}", "[".repeat(300), "]".repeat(300));
    assert!(refusal(&catalogue, &deep).contains("recursion limit exceeded"));
    let large: Vec<String> = (0..100).map(|key| format!("\"k{}\":0", key % 99)).collect();
    assert!(
        refusal(&catalogue, &format!("{{{}}}", large.join(","))).contains("\"k0\" stands twice")
    );
}

#[test]
fn an_unknown_tool_names_the_tools() {
    let failure = weather().check("get_wether", Bytes::new()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::UnknownTool);
    assert_eq!(failure.executed, Executed::No);
    assert_eq!(
        failure.message,
        "there is no tool \"get_wether\"; did you mean \"get_weather\"? the tools are: get_weather"
    );
}

#[test]
fn one_bad_call_leaves_its_siblings_alone() {
    let uses = [("a", "{}"), ("b", "{\"city\":\"Bern\"}")].map(|(id, arguments)| {
        ToolUse::new(
            ToolUseId::new(id).unwrap(),
            "get_weather".to_owned(),
            Bytes::from(arguments),
        )
    });
    let calls = weather().check_all(&uses);
    assert!(calls[0].body.is_err());
    assert!(calls[1].body.is_ok());
}

#[test]
fn a_response_that_asks_for_too_much_has_a_result_for_each_call_all_the_same() {
    let uses: Vec<ToolUse> = (0..TURN_CALLS_MAX + 2)
        .map(|position| {
            let arguments = Bytes::from_static(b"{\"city\":\"Bern\"}");
            ToolUse::new(ToolUseId::minted(position), "get_weather", arguments)
        })
        .collect();
    let calls = weather().check_all(&uses);
    assert_eq!(calls.len(), uses.len());
    let (run, refused) = calls.split_at(TURN_CALLS_MAX);
    assert!(run.iter().all(|call| call.body.is_ok()));
    let failures: Vec<_> = refused
        .iter()
        .map(|call| call.body.as_ref().unwrap_err())
        .collect();
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[1].kind, FailureKind::Overloaded);
    assert_eq!(failures[1].executed, Executed::No);
    assert_eq!(
        failures[1].message,
        "at most 16384 calls of one response are run, and this is call 16386; ask for it in a later response"
    );
}

#[test]
fn conflicts_are_named_and_decided_the_same_way_in_any_order() {
    let mut offers = vec![
        offer("a", 9, 2, "{}"),
        offer("a", 3, 1, "{}"),
        offer("a", 3, 1, "{}"),
        offer("a", 1, 1, "{}"),
        offer("b", 1, 1, "{}"),
        offer("c", 1, 5, "not json"),
        offer("c", 2, 1, "{}"),
        offer("d", 1, 1, r#"{"$ref":"https://example.com/schema.json"}"#),
        offer("e", 1, 1, r#"{"type":7}"#),
        offer("f", 1, 1, "true"),
    ];
    for _ in 0..offers.len() {
        offers.rotate_left(1);
        let catalogue = Catalogue::freeze(offers.clone());
        let names: Vec<_> = catalogue
            .tools()
            .map(|tool| (tool.name().as_str(), tool.digest().as_bytes()[0]))
            .collect();
        assert_eq!(names, [("a", 3), ("b", 1), ("c", 2)]);
        let [conflict] = catalogue.conflicts() else {
            panic!("one name is in conflict");
        };
        assert_eq!(conflict.name.as_str(), "a");
        assert_eq!(
            conflict.others,
            [(Digest::new([9; 32]), 2), (Digest::new([1; 32]), 1)]
        );
        let unusable: Vec<_> = catalogue
            .unusable()
            .iter()
            .map(|u| u.name.as_str())
            .collect();
        assert_eq!(unusable, ["c", "d", "e", "f"]);
    }
}

#[test]
fn a_tool_is_found_by_both_of_its_names() {
    let catalogue = Catalogue::freeze([offer("fs.read", 1, 1, "{}"), offer("fs_list", 2, 1, "{}")]);
    assert_eq!(
        catalogue.find("fs_read").unwrap().name().as_str(),
        "fs.read"
    );
    assert_eq!(catalogue.find("fs.read").unwrap().model_name(), "fs_read");
    assert!(catalogue.find("fs").is_none());
}

#[test]
fn an_older_draft_is_read_as_such() {
    let schema = r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object",
        "properties":{"pair":{"type":"array","items":[{"type":"string"},{"type":"number"}]}}}"#;
    let catalogue = Catalogue::freeze([offer("get_weather", 1, 1, schema)]);
    assert!(refusal(&catalogue, r#"{"pair":[1,2]}"#).contains("/pair/0"));
}

#[test]
fn a_schema_that_refers_to_itself_is_followed() {
    let schema = r##"{"type":"object","properties":{"next":{"$ref":"#"},"n":{"type":"integer"}}}"##;
    let catalogue = Catalogue::freeze([offer("get_weather", 1, 1, schema)]);
    let text = refusal(&catalogue, r#"{"next":{"next":{"n":"x"}}}"#);
    assert!(text.contains("/next/next/n"), "{text}");
}

/// Printed, not asserted: `cargo test --release -p callboard-coordinator speed -- --nocapture`.
#[test]
fn speed_of_a_check() {
    let catalogue = weather();
    let arguments = Bytes::from(format!(
        r#"{{"city":"{}","days":3,"units":"metric","where":{{"lat":47.37,"lon":8.54}},"tags":["a","b","c"]}}"#,
        "x".repeat(100)
    ));
    let check = measured(|| drop(catalogue.check("get_weather", arguments.clone()).unwrap()));
    let parse = measured(|| {
        let value: super::json::Value<'_> = serde_json::from_slice(&arguments).unwrap();
        std::hint::black_box(value);
    });
    let bytes = arguments.len();
    print_line(&format!(
        "check of {bytes} bytes: {check:?}, {parse:?} of it to parse"
    ));
}

/// The best of many short batches: what it costs where nothing else takes the processor.
fn measured(mut work: impl FnMut()) -> std::time::Duration {
    let rounds = 200;
    (0..200)
        .map(|_| {
            let start = std::time::Instant::now();
            (0..rounds).for_each(|_| work());
            start.elapsed() / rounds
        })
        .min()
        .unwrap()
}

#[expect(clippy::print_stdout, reason = "a measurement that a person asked for")]
fn print_line(line: &str) {
    println!("{line}");
}
