//! The mock as a provider: what it streams is put together by the SDKs to what its script says, and each of its
//! bodies and events is one that the SDKs' types allow. That keeps the mock honest, on which all other tests stand.

use callboard_coordinator::provider::Format;
use callboard_mock_provider::{Call, Mock, Options, Quirk, Script, Stop, Turn};
use serde_json::{Value, json};

use super::left_out::sdks;
use super::raw;
use super::schemas::Schemas;
use super::sdk::{Sdk, Understood, Usage};
use super::words::{first_request, mock_format, stop_word};

/// What a conversation is answered with, each a turn of a script in TOML.
const ANSWERS: [(&str, &str); 14] = [
    ("text", "text = \"Grüezi, 世界! \\u0001 \\\"quoted\\\" 🌡\""),
    (
        "thoughts",
        "thinking = \"Hm.\\nWell.\"\ntext = \"So it is.\"",
    ),
    (
        "one call",
        "[[turn.call]]\nid = \"a1\"\ntool = \"now\"\narguments = { zone = \"Zürich\", deep = [{ n = [1, 2.5, -3] }] }",
    ),
    ("a call without arguments", "[[turn.call]]\ntool = \"now\""),
    (
        "a call without any fragment",
        "[[turn.call]]\ntool = \"now\"\n[turn.delivery]\nquirks = [\"no_fragments\"]",
    ),
    ("three calls, thoughts and text", THREE),
    (
        "a tool of the provider's own",
        "text = \"Look:\"\nserver_tool = true\n[[turn.call]]\ntool = \"now\"",
    ),
    (
        "a limit in a text",
        "text = \"Once upon a\"\nstop = \"max_tokens\"",
    ),
    ("a refusal", "text = \"No.\"\nstop = \"refusal\""),
    (
        "a stop sequence",
        "text = \"Until here\"\nstop = \"stop_sequence\"",
    ),
    ("a limit in the last call", TRUNCATED),
    ("a limit in the last call, which is never closed", UNCLOSED),
    (
        "tokens",
        "text = \"Hi.\"\nusage = { input_tokens = 1234, output_tokens = 56 }",
    ),
    ("nothing", ""),
];

const THREE: &str = r#"thinking = "Three at once."
text = "Let me see."
[[turn.call]]
tool = "get_weather"
arguments_json = '{ "city" : "Par\u0069s", "n": 1.50, "s": "a\\b\"c" }'
[[turn.call]]
id = "b-2"
tool = "now"
[[turn.call]]
tool = "shop__stock"
arguments = { item = "🍏", text = "line\nline" }
"#;

const TRUNCATED: &str = r#"stop = "max_tokens"
[[turn.call]]
tool = "now"
arguments = { zone = "UTC" }
[[turn.call]]
tool = "get_weather"
arguments = { city = "a long, long name that is never finished" }
"#;

const UNCLOSED: &str = r#"stop = "max_tokens"
[[turn.call]]
tool = "get_weather"
arguments = { city = "a long, long name that is never finished" }
[turn.delivery]
quirks = ["unclosed_call"]
"#;

/// How an answer may come, and still be the same.
const DELIVERIES: [&str; 11] = [
    "fragments = 76",
    "fragments = 1",
    "write_bytes = 1",
    "write_bytes = 7\nline_end = \"crlf\"",
    "line_end = \"lf\"",
    "line_end = \"cr\"",
    "quirks = [\"pings\", \"comments\"]",
    "quirks = [\"unknown_events\"]",
    "quirks = [\"padding\", \"obfuscation\"]",
    "quirks = [\"interleaved\"]\nfragments = 5",
    "quirks = [\"no_final_marker\"]",
];

async fn proves(format: Format) {
    let Some(sdks) = sdks(&format!("the mock's answers by the SDK of {format}")) else {
        return;
    };
    let schemas = Schemas::of(&sdks, format);
    let mut sdk = Sdk::start(&sdks, format);
    let mut bad = Vec::new();
    let answers = ANSWERS.map(|(name, turn)| (name.to_owned(), turn.to_owned()));
    let deliveries = DELIVERIES.map(|delivery| {
        (
            delivery.to_owned(),
            format!("{THREE}[turn.delivery]\n{delivery}"),
        )
    });
    for (name, turn) in answers.into_iter().chain(deliveries) {
        let script = Script::from_toml(&name, &format!("[[turn]]\n{turn}")).unwrap();
        let turn = script.turns[0].clone();
        // google-genai 3.4 takes every line that isn't data for an error, and Gemini sends no other.
        if format == Format::Gemini && turn.delivery.quirks.contains(&Quirk::Comments) {
            continue;
        }
        let mock = Mock::start(Options::default(), script).await.unwrap();
        let base_url = mock.base_url(mock_format(format));
        for is_streamed in [false, true] {
            let request = first_request(format, is_streamed);
            let mut faults = Vec::new();
            if !is_odd(&turn) {
                faults.extend(raw::faults(&schemas, &base_url, is_streamed, &request.wire).await);
            }
            match sdk.ask(&base_url, is_streamed, &request.sdk).await {
                Ok(understood) => faults.extend(differences(format, &turn, &understood)),
                Err(failure) => faults.push(format!("the SDK gave up: {failure:?}")),
            }
            let how = if is_streamed { "streamed" } else { "whole" };
            bad.extend(
                faults
                    .iter()
                    .map(|fault| format!("{name} ({how}): {fault}")),
            );
        }
        mock.stop().await;
    }
    assert!(bad.is_empty(), "{format}:\n{}", bad.join("\n"));
}

/// Whether the turn comes with what no type of an SDK knows.
fn is_odd(turn: &Turn) -> bool {
    let odd = [Quirk::Pings, Quirk::UnknownEvents];
    turn.delivery.quirks.iter().any(|quirk| odd.contains(quirk))
}

/// What the SDK understood in another way than the script has it.
fn differences(format: Format, turn: &Turn, understood: &Understood) -> Vec<String> {
    let mut faults = Vec::new();
    let mut compare = |what: &str, expected: String, found: String| {
        if expected != found {
            faults.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    let is_refusal = turn.stop == Some(Stop::Refusal);
    // Chat has a field of its own for what a refusal says.
    if !(is_refusal && format == Format::Chat) {
        compare(
            "text",
            format!("{:?}", turn.text),
            format!("{:?}", understood.text),
        );
    }
    compare(
        "stop",
        format!("{:?}", stop_word(format, turn)),
        format!("{:?}", understood.stop.as_deref()),
    );
    let names = |names: Vec<&str>| names.join(", ");
    compare(
        "calls",
        names(turn.calls.iter().map(|call| call.tool.as_str()).collect()),
        names(
            understood
                .calls
                .iter()
                .map(|call| call.name.as_str())
                .collect(),
        ),
    );
    for (index, (call, found)) in turn.calls.iter().zip(&understood.calls).enumerate() {
        if let Some(id) = &call.id {
            compare(
                "id",
                format!("{:?}", Some(id)),
                format!("{:?}", found.id.as_ref()),
            );
        } else {
            compare(
                "an id",
                "true".to_owned(),
                found
                    .id
                    .as_ref()
                    .is_some_and(|id| !id.is_empty())
                    .to_string(),
            );
        }
        let is_cut = turn.stop == Some(Stop::MaxTokens) && index + 1 == turn.calls.len();
        if !is_cut {
            let expected = arguments(call);
            // No arguments at all: the client's affair, in the formats that have them as text.
            let found = if found.arguments == json!("") {
                json!({})
            } else {
                found.arguments.clone()
            };
            compare("arguments", expected.to_string(), found.to_string());
        }
    }
    if let Some(usage) = turn.usage {
        let expected = Usage {
            input: Some(usage.input_tokens),
            output: Some(usage.output_tokens),
        };
        compare(
            "usage",
            format!("{expected:?}"),
            format!("{:?}", understood.usage),
        );
    }
    faults
}

/// The arguments that the script has.
fn arguments(call: &Call) -> Value {
    match (&call.arguments_json, &call.arguments) {
        (Some(text), _) => serde_json::from_str(text).unwrap(),
        (None, Some(arguments)) => Value::Object(arguments.clone()),
        (None, None) => json!({}),
    }
}

#[tokio::test]
async fn anthropics_sdk_understands_the_mock() {
    proves(Format::Anthropic).await;
}

#[tokio::test]
async fn openais_sdk_understands_the_mocks_chat_completions() {
    proves(Format::Chat).await;
}

#[tokio::test]
async fn openais_sdk_understands_the_mocks_responses() {
    proves(Format::Responses).await;
}

#[tokio::test]
async fn googles_sdk_understands_the_mock() {
    proves(Format::Gemini).await;
}
