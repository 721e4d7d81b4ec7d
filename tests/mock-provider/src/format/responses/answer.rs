//! An answer as one response.

use super::history;
use crate::answer::{Answer, CREATED, Call, Part};
use crate::conversation::Spoken;
use crate::delivery::Quirk;
use crate::json::{Json, Node, object};
use crate::script::Stop;

pub(crate) fn plain(answer: &Answer<'_>) -> Json {
    response(answer, status(answer).0, &items(answer), true)
}

pub(crate) fn echo(answer: &Answer<'_>) -> Vec<Spoken> {
    let items = Json::array(items(answer)).into_string();
    let items = Node::read(items.as_bytes()).expect("what was rendered is JSON");
    let items = items.list().unwrap_or_default();
    items
        .iter()
        .enumerate()
        .map(|(at, item)| history::spoken(item, at))
        .collect()
}

/// The response as it stands: with these items, and at its end or before.
pub(super) fn response(answer: &Answer<'_>, status: &str, items: &[Json], is_end: bool) -> Json {
    let reason = if is_end { self::status(answer).1 } else { None };
    let error = (status == "failed")
        .then(|| object! {"code": "server_error", "message": "The model failed to answer."});
    let mut entries = vec![
        ("id", Json::of(&answer.seed.id("resp_", "response"))),
        ("object", Json::of("response")),
        ("created_at", Json::of(&CREATED)),
        ("status", Json::of(status)),
        ("error", Json::of(&error)),
        (
            "incomplete_details",
            Json::of(&reason.map(|reason| object! {"reason": reason})),
        ),
        ("model", Json::of(&answer.asked.model)),
        ("output", Json::of(items)),
    ];
    entries.extend(answer.asked.repeated.iter().cloned());
    entries.extend([
        ("service_tier", Json::of("default")),
        ("top_logprobs", Json::of(&0)),
        ("user", Json::of(&())),
        ("usage", Json::of(&is_end.then(|| usage(answer)))),
    ]);
    Json::object(entries)
}

/// The status of the whole, and why it is incomplete.
pub(super) fn status<'a>(answer: &'a Answer<'_>) -> (&'a str, Option<&'a str>) {
    match &answer.stop {
        Stop::EndTurn | Stop::Calls | Stop::StopSequence => ("completed", None),
        Stop::MaxTokens => ("incomplete", Some("max_output_tokens")),
        Stop::Refusal => ("incomplete", Some("content_filter")),
        Stop::Pause => ("incomplete", Some("pause_turn")),
        Stop::Raw(word) => match word.as_str() {
            "completed" | "failed" | "cancelled" | "queued" | "in_progress" => (word, None),
            _ => ("incomplete", Some(word)),
        },
    }
}

fn usage(answer: &Answer<'_>) -> Json {
    let usage = answer.usage;
    object! {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": object! {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": object! {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
}

pub(super) fn items(answer: &Answer<'_>) -> Vec<Json> {
    let parts = answer.parts.iter();
    parts
        .filter_map(|part| match part {
            Part::Thinking(text) => Some(reasoning(answer, Some(text))),
            Part::Text(text) => Some(message(answer, Some(text))),
            Part::ServerTool => Some(search(answer, "completed")),
            Part::Call(call) => Some(function_call(answer, call, true)),
            // Nobody takes over here.
            Part::Fallback => None,
        })
        .collect()
}

pub(super) fn reasoning_id(answer: &Answer<'_>) -> String {
    answer.seed.id("rs_", "reasoning")
}

/// The reasoning, or its beginning, whose encrypted content isn't all there.
pub(super) fn reasoning(answer: &Answer<'_>, text: Option<&str>) -> Json {
    let summary: Vec<Json> = text
        .iter()
        .map(|text| object! {"type": "summary_text", "text": text})
        .collect();
    let mut entries = vec![
        ("id", Json::of(&reasoning_id(answer))),
        ("type", Json::of("reasoning")),
        ("summary", Json::array(summary)),
    ];
    if answer.asked.show_thinking {
        let mut signature = answer.seed.signature("reasoning");
        if text.is_none() {
            signature.truncate(signature.len() / 2);
        }
        entries.push(("encrypted_content", Json::of(&signature)));
    }
    Json::object(entries)
}

pub(super) fn message_id(answer: &Answer<'_>) -> String {
    answer.seed.id("msg_", "message")
}

pub(super) fn text_part(text: &str) -> Json {
    let nothing: [Json; 0] = [];
    object! {"type": "output_text", "text": text, "annotations": nothing, "logprobs": nothing}
}

pub(super) fn message(answer: &Answer<'_>, text: Option<&str>) -> Json {
    let content: Vec<Json> = text.map(text_part).into_iter().collect();
    let status = if text.is_some() {
        "completed"
    } else {
        "in_progress"
    };
    object! {
        "id": message_id(answer), "type": "message", "status": status, "role": "assistant", "content": content,
    }
}

pub(super) fn search_id(answer: &Answer<'_>) -> String {
    answer.seed.id("ws_", "search")
}

pub(super) fn search(answer: &Answer<'_>, status: &str) -> Json {
    object! {
        "id": search_id(answer), "type": "web_search_call", "status": status,
        "action": object! {"type": "search", "query": "callboard", "queries": ["callboard"]},
    }
}

pub(super) fn item_id(answer: &Answer<'_>, call: &Call<'_>) -> String {
    answer.seed.id("fc_", &format!("item {}", call.index))
}

/// The text of a call's arguments.
pub(super) fn arguments<'a>(answer: &Answer<'_>, call: &'a Call<'_>) -> &'a str {
    if call.is_empty() && answer.has(Quirk::NoFragments) {
        ""
    } else {
        &call.arguments
    }
}

/// A call, or its beginning.
pub(super) fn function_call(answer: &Answer<'_>, call: &Call<'_>, is_end: bool) -> Json {
    let status = match (is_end, call.is_whole) {
        (false, _) => "in_progress",
        (true, true) => "completed",
        (true, false) => "incomplete",
    };
    object! {
        "id": item_id(answer, call),
        "type": "function_call",
        "status": status,
        "arguments": if is_end { arguments(answer, call) } else { "" },
        "call_id": call.id.clone().unwrap_or_default(),
        "name": call.tool,
    }
}
