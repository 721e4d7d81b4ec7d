//! Whole responses as each provider writes them: what conversations are made of. Written by hand from the providers'
//! documentation, and shown to be valid by the SDKs' types.

use callboard_coordinator::provider::Format;
use serde_json::{Value, json};

/// What a response is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It thinks, talks and asks for three calls, the last without arguments.
    ThreeCalls,
    /// It asks for one call and says nothing.
    OneCall,
    /// It wants to be asked again.
    Paused,
    /// It is done.
    Done,
}

impl Answer {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::ThreeCalls, Self::OneCall, Self::Paused, Self::Done];
}

/// Arguments whose bytes say more than their value does.
const CITY: &str = r#"{"city":"Par\u0069s","n":1.50,"big":12345678901234567890123}"#;

/// The response, where the format has such a one.
pub(super) fn answer(format: Format, answer: Answer) -> Option<Value> {
    match format {
        Format::Anthropic => Some(anthropic(answer)),
        Format::Chat => chat(answer),
        Format::Responses => responses(answer),
        Format::Gemini => gemini(answer),
    }
}

fn anthropic(answer: Answer) -> Value {
    let thinking = json!({"type": "thinking", "thinking": "", "signature": "c2lnbmF0dXJl"});
    let search = json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"},
        "caller": {"type": "direct"}});
    let (content, stop) = match answer {
        Answer::ThreeCalls => (
            json!([
                thinking,
                {"type": "redacted_thinking", "data": "ZGF0YQ=="},
                {"type": "text", "text": "Let me look.", "citations": null},
                {"type": "tool_use", "id": "toolu_A", "name": "get_weather", "input": parsed(CITY),
                    "caller": {"type": "direct"}},
                {"type": "tool_use", "id": "toolu_B", "name": "shop__stock", "input": {"item": "a"}},
                {"type": "tool_use", "id": "toolu_C", "name": "now", "input": {}},
            ]),
            "tool_use",
        ),
        Answer::OneCall => (
            json!([
                thinking,
                search,
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
                    "caller": {"type": "direct"}, "content": [
                    {"type": "web_search_result", "title": "X", "url": "https://example.com", "page_age": null,
                        "encrypted_content": "ZW5j"}]},
                {"type": "tool_use", "id": "toolu_D", "name": "now", "input": {}},
            ]),
            "tool_use",
        ),
        Answer::Paused => (json!([thinking, search]), "pause_turn"),
        Answer::Done => (json!([{"type": "text", "text": "It is warm."}]), "end_turn"),
    };
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "content": content,
        "stop_reason": stop, "stop_sequence": null, "stop_details": null, "container": null,
        "usage": {"input_tokens": 10, "output_tokens": 20},
    })
}

fn chat(answer: Answer) -> Option<Value> {
    let call = |id: &str, name: &str, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"id": id, "type": "function", "function": function})
    };
    let (content, calls, reason) = match answer {
        Answer::ThreeCalls => (
            json!("Let me look."),
            json!([
                call("call_A", "get_weather", CITY),
                call("call_B", "shop__stock", "{\"item\": \"a\"}"),
                call("call_C", "now", ""),
            ]),
            "tool_calls",
        ),
        Answer::OneCall => (
            Value::Null,
            json!([call("call_D", "now", "{}")]),
            "tool_calls",
        ),
        Answer::Paused => return None,
        Answer::Done => (json!("It is warm."), Value::Null, "stop"),
    };
    let mut message =
        json!({"role": "assistant", "content": content, "refusal": null, "annotations": []});
    if !calls.is_null() {
        message["tool_calls"] = calls;
    }
    Some(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt",
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
    }))
}

fn responses(answer: Answer) -> Option<Value> {
    let reasoning =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "ZW5j"});
    let message = |text: &str| {
        json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]})
    };
    let call = |id: &str, name: &str, arguments: &str| {
        json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": name,
            "arguments": arguments, "status": "completed"})
    };
    let output = match answer {
        Answer::ThreeCalls => json!([
            reasoning,
            message("Let me look."),
            call("call_A", "get_weather", CITY),
            {"type": "custom_tool_call", "id": "ctc_B", "call_id": "call_B", "name": "shop__stock", "input": "a"},
            call("call_C", "now", "{}"),
        ]),
        Answer::OneCall => json!([reasoning, call("call_D", "now", "")]),
        Answer::Paused => return None,
        Answer::Done => json!([message("It is warm.")]),
    };
    Some(json!({
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt", "status": "completed", "error": null,
        "incomplete_details": null, "instructions": null, "metadata": {}, "output": output,
        "parallel_tool_calls": true, "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "tools": [],
        "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 30},
    }))
}

fn gemini(answer: Answer) -> Option<Value> {
    let parts = match answer {
        Answer::ThreeCalls => json!([
            {"text": "Hm.", "thought": true},
            {"text": "Let me look."},
            {"functionCall": {"id": "a", "name": "get_weather", "args": parsed(CITY)}, "thoughtSignature": "c2ln-_8="},
            {"functionCall": {"name": "shop__stock", "args": {"item": "a"}}},
            {"functionCall": {"name": "now"}},
        ]),
        Answer::OneCall => json!([
            {"functionCall": {"name": "now", "args": {}}, "thoughtSignature": "c2ln"},
            {"text": "", "thoughtSignature": "c2ln"},
        ]),
        Answer::Paused => json!([{"text": "It is "}]),
        Answer::Done => json!([{"text": "It is warm."}]),
    };
    let mut candidate =
        json!({"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0});
    if answer == Answer::Paused {
        candidate["finishReason"] = "CONTINUATION".into();
        candidate["continuationToken"] = "dG9rZW4=".into();
    }
    Some(json!({
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 20, "totalTokenCount": 30},
        "modelVersion": "gemini", "responseId": "r",
    }))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
