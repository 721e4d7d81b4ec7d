//! An answer as one completion.

use super::history;
use crate::answer::{Answer, CREATED, Call, Part};
use crate::conversation::Spoken;
use crate::delivery::Quirk;
use crate::json::{Json, Node, object};
use crate::script::Stop;

pub(crate) fn plain(answer: &Answer<'_>) -> Json {
    let choice = object! {
        "index": 0,
        "message": message(answer),
        "logprobs": (),
        "finish_reason": finish_reason(answer),
    };
    object! {
        "id": id(answer),
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.asked.model,
        "choices": [choice],
        "usage": usage(answer),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }
}

pub(super) const FINGERPRINT: &str = "fp_mock";

pub(crate) fn echo(answer: &Answer<'_>) -> Vec<Spoken> {
    let message = message(answer).into_string();
    let message = Node::read(message.as_bytes()).expect("what was rendered is JSON");
    history::spoken(&message, 0)
}

pub(super) fn id(answer: &Answer<'_>) -> String {
    answer.seed.id("chatcmpl-", "completion")
}

/// What it says: text and refusal.
pub(super) fn said<'a>(answer: &'a Answer<'_>) -> (Option<&'a str>, Option<&'a str>) {
    let text = answer.parts.iter().find_map(|part| match part {
        Part::Text(text) => Some(*text),
        Part::Thinking(_) | Part::ServerTool | Part::Call(_) | Part::Fallback => None,
    });
    if answer.stop == Stop::Refusal {
        (None, Some(text.unwrap_or("I can't help with that.")))
    } else {
        (text, None)
    }
}

pub(super) fn thought<'a>(answer: &'a Answer<'_>) -> Option<&'a str> {
    answer.parts.iter().find_map(|part| match part {
        Part::Thinking(text) => Some(*text),
        Part::Text(_) | Part::ServerTool | Part::Call(_) | Part::Fallback => None,
    })
}

/// A call's arguments: text, or an object where the server doesn't know better.
pub(super) fn arguments(answer: &Answer<'_>, call: &Call<'_>) -> Json {
    if call.is_empty() && answer.has(Quirk::NoFragments) {
        return Json::of("");
    }
    match call.object() {
        Some(object) if answer.has(Quirk::ArgumentsAsObject) => object,
        _ => Json::of(&call.arguments),
    }
}

fn message(answer: &Answer<'_>) -> Json {
    let (text, refusal) = said(answer);
    let mut entries = vec![
        ("role", Json::of("assistant")),
        ("content", Json::of(&text)),
        ("refusal", Json::of(&refusal)),
        ("annotations", Json::array([])),
    ];
    if let Some(thought) = thought(answer) {
        entries.push(("reasoning_content", Json::of(thought)));
    }
    let calls: Vec<Json> = answer
        .calls()
        .map(|call| {
            let function = object! {"name": call.tool, "arguments": arguments(answer, call)};
            match &call.id {
                Some(id) => object! {"id": id, "type": "function", "function": function},
                None => object! {"type": "function", "function": function},
            }
        })
        .collect();
    if !calls.is_empty() {
        entries.push(("tool_calls", Json::array(calls)));
    }
    Json::object(entries)
}

pub(super) fn finish_reason<'a>(answer: &'a Answer<'_>) -> Option<&'a str> {
    if answer.has(Quirk::NullFinishReason) {
        return None;
    }
    Some(match &answer.stop {
        Stop::EndTurn | Stop::StopSequence => "stop",
        Stop::Calls => "tool_calls",
        Stop::MaxTokens if answer.has(Quirk::TruncatedAsToolCalls) => "tool_calls",
        Stop::MaxTokens => "length",
        Stop::Refusal => "content_filter",
        Stop::Pause => "pause_turn",
        Stop::Raw(word) => word,
    })
}

pub(super) fn usage(answer: &Answer<'_>) -> Json {
    let usage = answer.usage;
    object! {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": object! {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": object! {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
}
