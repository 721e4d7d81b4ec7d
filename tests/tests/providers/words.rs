//! The same thing in four formats: requests, reasons to stop, and what a conversation goes on with.

use callboard_coordinator::provider::{Format, Settings};
use callboard_mock_provider::{Format as MockFormat, Stop, Turn};
use serde_json::{Value, json};

use super::conversations;

/// A request in both its forms.
pub(super) struct Asked {
    /// As our adapter sends it.
    pub(super) wire: Wire,
    /// Its body with all that an SDK is told.
    pub(super) sdk: Value,
}

/// Where a request goes and what it says.
pub(super) struct Wire {
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// The request that begins a conversation.
pub(super) fn first_request(format: Format, is_streamed: bool) -> Asked {
    let settings = Settings {
        system: Some("Be brief.".to_owned()),
        is_streamed,
        ..Settings::new("mock")
    };
    let request = format.request(&settings, &conversations::first());
    let mut sdk: Value = serde_json::from_slice(&request.body).unwrap();
    if format == Format::Gemini {
        sdk["model"] = json!("mock");
    }
    // Google's SDK takes a base URL without the API's version, ours one with it.
    let version = if format == Format::Gemini { "/v1" } else { "" };
    Asked {
        wire: Wire {
            path: format!("{version}{}", request.path),
            body: request.body.to_vec(),
        },
        sdk,
    }
}

/// Adds a response, as an SDK wrote it, and what comes after it to a request.
pub(super) fn go_on(format: Format, request: &mut Value, response: &Value, next: Option<Value>) {
    let (list, echo) = match format {
        Format::Anthropic => (
            "messages",
            vec![json!({"role": "assistant", "content": response["content"]})],
        ),
        Format::Chat => (
            "messages",
            vec![chat_echo(&response["choices"][0]["message"])],
        ),
        Format::Responses => ("input", response["output"].as_array().unwrap().clone()),
        Format::Gemini => (
            "contents",
            vec![response["candidates"][0]["content"].clone()],
        ),
    };
    let list = request[list].as_array_mut().unwrap();
    list.extend(echo);
    match next {
        Some(Value::Array(next)) => list.extend(next),
        Some(next) => list.push(next),
        None => {}
    }
}

/// A completion's message as a request may hold it: the SDK's stream helper adds fields that no API knows.
fn chat_echo(message: &Value) -> Value {
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let calls = calls.map(|call| {
        let function = &call["function"];
        json!({"id": call["id"], "type": call["type"],
            "function": {"name": function["name"], "arguments": function["arguments"]}})
    });
    json!({"role": "assistant", "content": message["content"], "tool_calls": calls.collect::<Vec<_>>()})
}

/// The mock's name for a format: it shares no code with us.
pub(super) fn mock_format(format: Format) -> MockFormat {
    match format {
        Format::Anthropic => MockFormat::Anthropic,
        Format::Chat => MockFormat::Chat,
        Format::Responses => MockFormat::Responses,
        Format::Gemini => MockFormat::Gemini,
    }
}

/// What a provider says when it stops as this turn does.
pub(super) fn stop_word(format: Format, turn: &Turn) -> Option<&str> {
    let default = if turn.calls.is_empty() {
        Stop::EndTurn
    } else {
        Stop::Calls
    };
    let stop = turn.stop.as_ref().unwrap_or(&default);
    let words = match stop {
        Stop::EndTurn => ["end_turn", "stop", "completed", "STOP"],
        Stop::Calls => ["tool_use", "tool_calls", "completed", "STOP"],
        Stop::MaxTokens => ["max_tokens", "length", "incomplete", "MAX_TOKENS"],
        Stop::Refusal => ["refusal", "content_filter", "incomplete", "SAFETY"],
        Stop::StopSequence => ["stop_sequence", "stop", "completed", "STOP"],
        // Only Anthropic has such a thing.
        Stop::Pause => ["pause_turn"; 4],
        Stop::Raw(_) => return None,
    };
    Some(match format {
        Format::Anthropic => words[0],
        Format::Chat => words[1],
        Format::Responses => words[2],
        Format::Gemini => words[3],
    })
}
