//! The schemas reject what a provider would: without this, requests that pass would prove nothing.

use callboard_coordinator::provider::Format;
use serde_json::{Value, json};

use super::left_out::sdks;
use super::schemas::Schemas;

/// A second request of a conversation: two calls answered, one of them with an error.
fn good(format: Format) -> Value {
    let parameters =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    match format {
        Format::Anthropic => json!({
            "model": "claude-sonnet-5-5",
            "max_tokens": 100,
            "messages": [
                {"role": "user", "content": "Where is it warm?"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "", "signature": "c2ln"},
                    {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Paris"}},
                    {"type": "tool_use", "id": "b", "name": "weather", "input": {"city": "Rome"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "15"}]},
                    {"type": "tool_result", "tool_use_id": "b", "content": "no such city", "is_error": true},
                ]},
            ],
            "tools": [{"name": "weather", "description": "The weather.", "input_schema": parameters}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        }),
        Format::Chat => json!({
            "model": "gpt",
            "max_completion_tokens": 100,
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": "Where is it warm?"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "a", "type": "function",
                        "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}},
                    {"id": "b", "type": "function",
                        "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}},
                ]},
                {"role": "tool", "tool_call_id": "a", "content": "15"},
                {"role": "tool", "tool_call_id": "b", "content": "no such city"},
            ],
            "tools": [{"type": "function", "function":
                {"name": "weather", "description": "The weather.", "parameters": parameters}}],
            "tool_choice": "required",
            "parallel_tool_calls": false,
        }),
        Format::Responses => json!({
            "model": "gpt",
            "instructions": "Be brief.",
            "max_output_tokens": 100,
            "input": [
                {"role": "user", "content": "Where is it warm?"},
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "ZW5j"},
                {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "weather",
                    "arguments": "{\"city\":\"Paris\"}", "status": "completed"},
                {"type": "function_call", "id": "fc_2", "call_id": "b", "name": "weather",
                    "arguments": "{\"city\":\"Rome\"}", "status": "completed"},
                {"type": "function_call_output", "call_id": "a", "output": "15"},
                {"type": "function_call_output", "call_id": "b", "output": "no such city"},
            ],
            "tools": [{"type": "function", "name": "weather", "description": "The weather.",
                "parameters": parameters, "strict": false}],
            "tool_choice": {"type": "function", "name": "weather"},
            "parallel_tool_calls": true,
            "store": false,
            "include": ["reasoning.encrypted_content"],
        }),
        Format::Gemini => json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Where is it warm?"}]},
                {"role": "model", "parts": [
                    {"functionCall": {"id": "a", "name": "weather", "args": {"city": "Paris"}},
                        "thoughtSignature": "c2ln"},
                    {"functionCall": {"name": "weather", "args": {"city": "Rome"}}},
                ]},
                {"role": "user", "parts": [
                    {"functionResponse": {"id": "a", "name": "weather", "response": {"output": "15"}}},
                    {"functionResponse": {"name": "weather", "response": {"error": "no such city"}}},
                ]},
            ],
            "tools": [{"functionDeclarations": [
                {"name": "weather", "description": "The weather.", "parametersJsonSchema": parameters}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
            "generationConfig": {"maxOutputTokens": 100},
        }),
    }
}

/// A change that makes a good request a bad one: what is put where, `null` for a field that is taken out.
pub(super) type Change = (&'static str, &'static str, Value);

fn bad(format: Format) -> Vec<Change> {
    let nested = json!([{"type": "function", "function": {"name": "weather", "parameters": {}}}]);
    let flat = json!([{"type": "function", "name": "weather", "parameters": {}, "strict": false}]);
    match format {
        Format::Anthropic => vec![
            ("/messages/2/content/0", "tool_use_id", Value::Null),
            ("/messages/2/content/1", "is_error", json!("yes")),
            ("/messages/2/content/1", "error", json!(true)),
            ("/messages/2/content/1", "content", json!({"text": "15"})),
            ("/messages/1/content/1", "id", Value::Null),
            (
                "/messages/1/content/1",
                "input",
                json!("{\"city\":\"Paris\"}"),
            ),
            ("/messages/1/content/0", "signature", Value::Null),
            ("/messages/1", "role", json!("tool")),
            ("", "max_tokens", Value::Null),
            ("", "tools", nested),
            ("", "tool_choice", json!("auto")),
            ("/tool_choice", "type", json!("none")),
            // Gone with the version 2026-10-21, even at its default.
            ("", "temperature", json!(1.0)),
            ("", "top_p", json!(1.0)),
            ("", "stream", json!("true")),
        ],
        Format::Chat => vec![
            ("/messages/3", "tool_call_id", Value::Null),
            ("/messages/3", "content", Value::Null),
            (
                "/messages/3",
                "content",
                json!([{"type": "image_url", "image_url": {"url": "data:,"}}]),
            ),
            ("/messages/4", "is_error", json!(true)),
            ("/messages/2/tool_calls/0", "id", Value::Null),
            ("/messages/2/tool_calls/0", "index", json!(0)),
            (
                "/messages/2/tool_calls/0/function",
                "arguments",
                json!({"city": "Paris"}),
            ),
            ("", "tools", flat),
            ("", "tool_choice", json!("any")),
            ("", "parallel_tool_calls", json!("no")),
            ("", "max_output_tokens", json!(100)),
        ],
        Format::Responses => vec![
            ("/input/4", "output", Value::Null),
            // The type of openai 3.54 has `call_id` optional here: that each result names its call is the mock's rule.
            ("/input/4", "call_id", json!(7)),
            ("/input/4", "output", json!({"text": "15"})),
            ("/input/5", "is_error", json!(true)),
            ("/input/2", "call_id", Value::Null),
            ("/input/2", "arguments", json!({"city": "Paris"})),
            ("/input/1", "summary", Value::Null),
            ("/input/0", "role", json!("tool")),
            ("", "tools", nested),
            ("/tools/0", "strict", Value::Null),
            ("", "tool_choice", json!("any")),
            ("", "messages", json!([])),
            ("", "max_completion_tokens", json!(100)),
        ],
        Format::Gemini => vec![
            (
                "/contents/2/parts/1/functionResponse",
                "is_error",
                json!(true),
            ),
            (
                "/contents/2/parts/1/functionResponse",
                "response",
                json!("no such city"),
            ),
            ("/contents/2/parts/0/functionResponse", "id", json!(7)),
            (
                "/contents/1/parts/0/functionCall",
                "args",
                json!("{\"city\":\"Paris\"}"),
            ),
            ("/contents/1/parts/0", "thought_signature", json!("c2ln")),
            (
                "/contents/1/parts/0/functionCall",
                "thoughtSignature",
                json!("c2ln"),
            ),
            ("/tools/0", "function_declarations", json!([])),
            ("/tools/0/functionDeclarations/0", "input_schema", json!({})),
            (
                "/toolConfig/functionCallingConfig",
                "mode",
                json!("REQUIRED"),
            ),
            ("", "system_instruction", json!({"parts": []})),
            ("", "contents", Value::Null),
            ("/generationConfig", "max_tokens", json!(100)),
            ("", "stream", json!(true)),
        ],
    }
}

pub(super) fn changed(good: &Value, (at, field, value): &Change) -> Value {
    let mut body = good.clone();
    let object = body.pointer_mut(at).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        object.remove(*field).unwrap();
    } else {
        object.insert((*field).to_owned(), value.clone());
    }
    body
}

#[test]
fn the_schemas_take_good_requests_and_reject_every_bad_one() {
    let Some(sdks) = sdks("the schemas' negative controls") else {
        return;
    };
    for format in Format::ALL {
        let schemas = Schemas::of(&sdks, format);
        let good = good(format);
        assert_eq!(schemas.request(false, &good), [""; 0], "{format}");
        for change in bad(format) {
            let faults = schemas.request(false, &changed(&good, &change));
            assert!(!faults.is_empty(), "{format} takes {change:?}");
        }
    }
}

#[test]
fn the_schemas_know_a_streamed_request_from_another() {
    let Some(sdks) = sdks("the schemas of streamed requests") else {
        return;
    };
    for format in [Format::Anthropic, Format::Chat, Format::Responses] {
        let schemas = Schemas::of(&sdks, format);
        let whole = good(format);
        let streamed = changed(&whole, &("", "stream", json!(true)));
        assert_eq!(schemas.request(true, &streamed), [""; 0], "{format}");
        assert!(!schemas.request(true, &whole).is_empty(), "{format}");
        assert!(!schemas.request(false, &streamed).is_empty(), "{format}");
    }
}
