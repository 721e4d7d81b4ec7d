//! The schemas of what providers answer reject what an SDK couldn't read: the mock is judged by them.

use callboard_coordinator::provider::Format;
use serde_json::{Value, json};

use super::answers::{Answer, answer};
use super::controls::{Change, changed};
use super::left_out::sdks;
use super::schemas::Schemas;

fn bad_responses(format: Format) -> Vec<Change> {
    match format {
        Format::Anthropic => vec![
            ("", "usage", Value::Null),
            ("", "role", json!("user")),
            ("", "stop_reason", json!("tool_calls")),
            ("/content/3", "input", json!("{}")),
            ("/content/3", "id", Value::Null),
            ("/content/0", "signature", Value::Null),
        ],
        Format::Chat => vec![
            ("", "choices", Value::Null),
            ("", "object", json!("chat.completion.chunk")),
            ("/choices/0", "finish_reason", json!("tool_use")),
            ("/choices/0/message/tool_calls/0", "id", Value::Null),
            (
                "/choices/0/message/tool_calls/0/function",
                "arguments",
                json!({}),
            ),
        ],
        Format::Responses => vec![
            ("", "output", Value::Null),
            ("", "status", json!("tool_calls")),
            ("/output/2", "call_id", Value::Null),
            ("/output/2", "arguments", json!({})),
            ("/output/1/content/0", "annotations", Value::Null),
            ("/usage", "input_tokens_details", Value::Null),
        ],
        Format::Gemini => vec![
            ("", "candidate", json!([])),
            ("/candidates/0", "finish_reason", json!("STOP")),
            ("/candidates/0", "finishReason", json!("TOOL_CALLS")),
            (
                "/candidates/0/content/parts/2/functionCall",
                "args",
                json!("{}"),
            ),
            (
                "/candidates/0/content/parts/2/functionCall",
                "thoughtSignature",
                json!("c2ln"),
            ),
        ],
    }
}

/// An event with a piece of a call.
fn event(format: Format) -> Value {
    match format {
        Format::Anthropic => json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": "{"}}),
        Format::Chat => {
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "a", "type": "function",
                "function": {"name": "now", "arguments": ""}}]}, "finish_reason": null}]})
        }
        Format::Responses => {
            json!({"type": "response.function_call_arguments.delta", "sequence_number": 3,
            "output_index": 0, "item_id": "fc_1", "delta": "{"})
        }
        Format::Gemini => {
            json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": [
            {"functionCall": {"name": "now", "args": {}}}]}}], "responseId": "r"})
        }
    }
}

fn bad_events(format: Format) -> Vec<Change> {
    match format {
        Format::Anthropic => vec![
            ("", "index", Value::Null),
            ("/delta", "partial_json", json!({})),
            ("/delta", "type", json!("arguments_delta")),
        ],
        Format::Chat => vec![
            ("", "id", Value::Null),
            ("/choices/0/delta/tool_calls/0", "index", Value::Null),
            (
                "/choices/0/delta/tool_calls/0/function",
                "arguments",
                json!({}),
            ),
        ],
        Format::Responses => vec![
            ("", "sequence_number", Value::Null),
            ("", "output_index", Value::Null),
            ("", "delta", json!({})),
        ],
        Format::Gemini => vec![
            ("/candidates/0", "delta", json!({})),
            (
                "/candidates/0/content/parts/0/functionCall",
                "arguments",
                json!({}),
            ),
        ],
    }
}

#[test]
fn the_schemas_take_good_answers_and_reject_every_bad_one() {
    let Some(sdks) = sdks("the negative controls of answers") else {
        return;
    };
    for format in Format::ALL {
        let schemas = Schemas::of(&sdks, format);
        for kind in Answer::ALL {
            if let Some(good) = answer(format, kind) {
                assert_eq!(schemas.response(&good), [""; 0], "{format}: {kind:?}");
            }
        }
        let good = answer(format, Answer::ThreeCalls).unwrap();
        for change in bad_responses(format) {
            let faults = schemas.response(&changed(&good, &change));
            assert!(!faults.is_empty(), "{format} gives {change:?}");
        }
        let good = event(format);
        assert_eq!(schemas.event(&good), [""; 0], "{format}");
        for change in bad_events(format) {
            let faults = schemas.event(&changed(&good, &change));
            assert!(!faults.is_empty(), "{format} streams {change:?}");
        }
    }
}
