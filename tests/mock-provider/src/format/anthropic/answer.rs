//! An answer as one message.

use super::history;
use crate::answer::{Answer, Call, Part};
use crate::conversation::Spoken;
use crate::delivery::Quirk;
use crate::json::{Json, Node, object};
use crate::refusal::{Refusal, RefusalKind};
use crate::script::{STOP_SEQUENCE, Stop};

pub(crate) fn plain(answer: &Answer<'_>) -> Result<Json, Refusal> {
    if let Some(call) = answer
        .calls()
        .find(|call| call.is_whole && call.object().is_none() && !call.is_empty())
    {
        return Err(Refusal::new(
            RefusalKind::Server,
            format!(
                "mock provider: the arguments of {} are no JSON object, which only a stream can carry here.",
                call.tool
            ),
        ));
    }
    let (reason, sequence) = stop(answer);
    Ok(object! {
        "id": id(answer),
        "type": "message",
        "role": "assistant",
        "model": answer.asked.model,
        "content": blocks(answer),
        "stop_reason": reason,
        "stop_sequence": sequence,
        "stop_details": stop_details(answer),
        "container": (),
        "usage": usage(answer),
    })
}

pub(crate) fn echo(answer: &Answer<'_>) -> Vec<Spoken> {
    let content = Json::array(blocks(answer)).into_string();
    let content = Node::read(content.as_bytes()).expect("what was rendered is JSON");
    history::spoken(content.list().unwrap_or_default(), 0)
}

pub(super) fn id(answer: &Answer<'_>) -> String {
    answer.seed.id("msg_01", "message")
}

pub(super) fn signature(answer: &Answer<'_>) -> String {
    answer.seed.signature("thinking")
}

/// The id of the provider's own tool use.
pub(super) fn server_tool_id(answer: &Answer<'_>) -> String {
    answer.seed.id("srvtoolu_01", "server tool")
}

pub(super) const SERVER_TOOL: &str = "web_search";
pub(super) const SERVER_TOOL_INPUT: &str = r#"{"query":"callboard"}"#;

/// The id of a call; the quirk that leaves ids out leaves an empty one, for the SDKs read nothing without.
pub(super) fn call_id(call: &Call<'_>) -> String {
    call.id.clone().unwrap_or_default()
}

pub(super) fn server_tool_result(answer: &Answer<'_>) -> Json {
    object! {
        "type": "web_search_tool_result",
        "tool_use_id": server_tool_id(answer),
        "content": [object! {
            "type": "web_search_result",
            "title": "Callboard",
            "url": "https://example.com/callboard",
            "encrypted_content": answer.seed.signature("search"),
            "page_age": (),
        }],
        "caller": object! {"type": "direct"},
    }
}

pub(super) fn fallback(answer: &Answer<'_>) -> Json {
    object! {
        "type": "fallback",
        "from": object! {"model": answer.asked.model},
        "to": object! {"model": format!("{}-fallback", answer.asked.model)},
        "trigger": object! {"type": "refusal", "category": ()},
    }
}

fn blocks(answer: &Answer<'_>) -> Vec<Json> {
    let mut blocks = Vec::new();
    for part in &answer.parts {
        match part {
            Part::Thinking(text) => blocks.push(object! {
                "type": "thinking", "thinking": text, "signature": signature(answer),
            }),
            Part::Text(text) => {
                blocks.push(object! {"type": "text", "text": text, "citations": ()});
            }
            Part::ServerTool => {
                let input = Json::verbatim(SERVER_TOOL_INPUT).expect("a constant object");
                blocks.push(object! {
                    "type": "server_tool_use", "id": server_tool_id(answer), "name": SERVER_TOOL, "input": input,
                    "caller": object! {"type": "direct"},
                });
                blocks.push(server_tool_result(answer));
            }
            Part::Call(call) => blocks.push(object! {
                "type": "tool_use", "id": call_id(call), "name": call.tool,
                "input": call.object().unwrap_or_else(|| object! {}),
                "caller": object! {"type": "direct"},
            }),
            Part::Fallback => blocks.push(fallback(answer)),
        }
    }
    blocks
}

/// The reason to stop, and the sequence that it was for.
pub(super) fn stop<'a>(answer: &'a Answer<'_>) -> (Option<&'a str>, Option<&'static str>) {
    if answer.has(Quirk::NullFinishReason) {
        return (None, None);
    }
    match &answer.stop {
        Stop::EndTurn => (Some("end_turn"), None),
        Stop::Calls => (Some("tool_use"), None),
        Stop::MaxTokens => (Some("max_tokens"), None),
        Stop::Refusal => (Some("refusal"), None),
        Stop::Pause => (Some("pause_turn"), None),
        Stop::StopSequence => (Some("stop_sequence"), Some(STOP_SEQUENCE)),
        Stop::Raw(word) => (Some(word), None),
    }
}

pub(super) fn stop_details(answer: &Answer<'_>) -> Option<Json> {
    (answer.stop == Stop::Refusal).then(|| {
        object! {"type": "refusal", "category": (), "explanation": "The mock was told to refuse."}
    })
}

pub(super) fn usage(answer: &Answer<'_>) -> Json {
    object! {
        "input_tokens": answer.usage.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": object! {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": answer.usage.output_tokens,
        "service_tier": "standard",
        "inference_geo": (),
        "server_tool_use": (),
    }
}
