//! An answer as a stream of events.

use super::answer::{
    arguments, function_call, item_id, items, message, message_id, reasoning, reasoning_id,
    response, search, search_id, status, text_part,
};
use crate::answer::{Answer, Call, Part};
use crate::carry::{Event, Extras};
use crate::delivery::{LineEnd, Quirk};
use crate::format::chat::stream::interleaved;
use crate::json::{Json, object};

pub(crate) fn extras(_: &Answer<'_>) -> Extras {
    // Numbers of events that only a test sees; a client doesn't count them.
    Extras {
        line_end: LineEnd::Lf,
        ping: None,
        unknown: Event::named(
            "response.glimpse",
            object! {"type": "response.glimpse", "sequence_number": 0, "content": "from the future"},
        ),
        error: Event::named(
            "error",
            object! {
                "type": "error", "code": "server_error", "message": "The server had an error.", "param": (),
                "sequence_number": 0,
            },
        ),
    }
}

/// An event without its number.
struct Draft {
    name: &'static str,
    entries: Vec<(&'static str, Json)>,
    pause: std::time::Duration,
    is_end: bool,
}

fn draft(name: &'static str, entries: impl IntoIterator<Item = (&'static str, Json)>) -> Draft {
    Draft {
        name,
        entries: entries.into_iter().collect(),
        pause: std::time::Duration::ZERO,
        is_end: false,
    }
}

pub(crate) fn events(answer: &Answer<'_>) -> Vec<Event> {
    let begun = || [("response", response(answer, "in_progress", &[], false))];
    let mut drafts = vec![
        draft("response.created", begun()),
        draft("response.in_progress", begun()),
    ];
    let mut calls = Vec::new();
    let mut index = 0;
    for part in &answer.parts {
        match part {
            Part::Thinking(text) => drafts.extend(reasoning_events(answer, text, index)),
            Part::Text(text) => drafts.extend(message_events(answer, text, index)),
            Part::ServerTool => drafts.extend(search_events(answer, index)),
            Part::Call(call) => calls.push(call_events(answer, call, index)),
            Part::Fallback => continue,
        }
        index += 1;
    }
    drafts.extend(if answer.has(Quirk::Interleaved) {
        interleaved(calls)
    } else {
        calls.into_iter().flatten().collect()
    });
    let (status, _) = status(answer);
    let name = match status {
        "completed" => "response.completed",
        "failed" => "response.failed",
        _ => "response.incomplete",
    };
    let mut end = draft(
        name,
        [("response", response(answer, status, &items(answer), true))],
    );
    end.is_end = true;
    drafts.push(end);
    let is_obfuscated = answer.has(Quirk::Obfuscation);
    let numbered = drafts.into_iter().enumerate();
    numbered
        .map(|(number, draft)| {
            let mut entries = vec![
                ("type", Json::of(draft.name)),
                ("sequence_number", Json::of(&number)),
            ];
            entries.extend(draft.entries);
            if is_obfuscated && draft.name.ends_with(".delta") {
                entries.push(("obfuscation", Json::of("k3Xp9")));
            }
            Event {
                pause: draft.pause,
                is_end: draft.is_end,
                ..Event::named(draft.name, Json::object(entries))
            }
        })
        .collect()
}

fn item(name: &'static str, index: usize, item: Json) -> Draft {
    draft(name, [("output_index", Json::of(&index)), ("item", item)])
}

/// An event about an item, and perhaps about one of its parts.
fn about(
    name: &'static str,
    id: &str,
    index: usize,
    part: Option<&'static str>,
    more: impl IntoIterator<Item = (&'static str, Json)>,
) -> Draft {
    let mut entries = vec![
        ("item_id", Json::of(id)),
        ("output_index", Json::of(&index)),
    ];
    entries.extend(part.map(|key| (key, Json::of(&0))));
    entries.extend(more);
    draft(name, entries)
}

fn reasoning_events(answer: &Answer<'_>, text: &str, index: usize) -> Vec<Draft> {
    let id = reasoning_id(answer);
    let part = |text: &str| object! {"type": "summary_text", "text": text};
    let about = |name, more| about(name, &id, index, Some("summary_index"), [more]);
    let mut drafts = vec![
        item("response.output_item.added", index, reasoning(answer, None)),
        about("response.reasoning_summary_part.added", ("part", part(""))),
    ];
    drafts.extend(answer.delivery.pieces(text).into_iter().map(|piece| {
        about(
            "response.reasoning_summary_text.delta",
            ("delta", Json::of(piece)),
        )
    }));
    drafts.extend([
        about(
            "response.reasoning_summary_text.done",
            ("text", Json::of(text)),
        ),
        about("response.reasoning_summary_part.done", ("part", part(text))),
        item(
            "response.output_item.done",
            index,
            reasoning(answer, Some(text)),
        ),
    ]);
    drafts
}

fn message_events(answer: &Answer<'_>, text: &str, index: usize) -> Vec<Draft> {
    let id = message_id(answer);
    let about = |name, more: Vec<(&'static str, Json)>| {
        about(name, &id, index, Some("content_index"), more)
    };
    let no_logprobs = || ("logprobs", Json::array([]));
    let mut drafts = vec![
        item("response.output_item.added", index, message(answer, None)),
        about("response.content_part.added", vec![("part", text_part(""))]),
    ];
    drafts.extend(answer.delivery.pieces(text).into_iter().map(|piece| {
        about(
            "response.output_text.delta",
            vec![("delta", Json::of(piece)), no_logprobs()],
        )
    }));
    drafts.extend([
        about(
            "response.output_text.done",
            vec![("text", Json::of(text)), no_logprobs()],
        ),
        about(
            "response.content_part.done",
            vec![("part", text_part(text))],
        ),
        item(
            "response.output_item.done",
            index,
            message(answer, Some(text)),
        ),
    ]);
    drafts
}

fn search_events(answer: &Answer<'_>, index: usize) -> Vec<Draft> {
    let id = search_id(answer);
    let about = |name| about(name, &id, index, None, []);
    vec![
        item(
            "response.output_item.added",
            index,
            search(answer, "in_progress"),
        ),
        about("response.web_search_call.in_progress"),
        about("response.web_search_call.searching"),
        about("response.web_search_call.completed"),
        item(
            "response.output_item.done",
            index,
            search(answer, "completed"),
        ),
    ]
}

fn call_events(answer: &Answer<'_>, call: &Call<'_>, index: usize) -> Vec<Draft> {
    let id = item_id(answer, call);
    let about = |name, more| about(name, &id, index, None, [more]);
    let text = arguments(answer, call);
    let mut first = item(
        "response.output_item.added",
        index,
        function_call(answer, call, false),
    );
    first.pause = call.delay;
    let mut drafts = vec![first];
    if !text.is_empty() {
        drafts.extend(answer.delivery.pieces(text).into_iter().map(|piece| {
            about(
                "response.function_call_arguments.delta",
                ("delta", Json::of(piece)),
            )
        }));
    }
    if call.is_whole {
        drafts.push(about(
            "response.function_call_arguments.done",
            ("arguments", Json::of(text)),
        ));
    }
    if call.is_whole || !answer.has(Quirk::UnclosedCall) {
        drafts.push(item(
            "response.output_item.done",
            index,
            function_call(answer, call, true),
        ));
    }
    drafts
}
