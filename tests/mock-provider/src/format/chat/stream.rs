//! An answer as a stream of chunks.

use super::answer::{FINGERPRINT, arguments, finish_reason, id, said, thought, usage};
use crate::answer::{Answer, CREATED, Call};
use crate::carry::{Event, Extras};
use crate::delivery::{LineEnd, Quirk};
use crate::json::{Json, object};

pub(crate) fn extras(answer: &Answer<'_>) -> Extras {
    let nothing: [Json; 0] = [];
    let error = object! {
        "message": "The server had an error while processing your request. Sorry about that!",
        "type": "server_error", "param": (), "code": (),
    };
    Extras {
        line_end: LineEnd::Lf,
        ping: None,
        unknown: Event::data(object! {
            "id": id(answer), "object": "chat.completion.chunk", "created": CREATED, "model": answer.asked.model,
            "choices": nothing, "glimpse": "from the future",
        }),
        error: Event::data(object! {"error": error}),
    }
}

pub(crate) fn events(answer: &Answer<'_>) -> Vec<Event> {
    let (text, refusal) = said(answer);
    let mut events = vec![chunk(
        answer,
        object! {"role": "assistant", "content": text.map(|_| ""), "refusal": ()},
    )];
    let deltas = |key: &'static str, text: Option<&str>| -> Vec<Event> {
        let pieces = answer.delivery.pieces(text.unwrap_or_default());
        let delta = |piece: &str| chunk(answer, Json::object([(key, Json::of(piece))]));
        pieces.into_iter().map(delta).collect()
    };
    for (key, text) in [
        ("reasoning_content", thought(answer)),
        ("content", text),
        ("refusal", refusal),
    ] {
        if text.is_some() {
            events.extend(deltas(key, text));
        }
    }
    let calls: Vec<Vec<Event>> = answer.calls().map(|call| fragments(answer, call)).collect();
    events.extend(if answer.has(Quirk::Interleaved) {
        interleaved(calls)
    } else {
        calls.into_iter().flatten().collect()
    });
    events.push(end(answer));
    if answer.asked.include_usage {
        events.push(tail(answer, Json::array([]), Some(usage(answer))).end());
    }
    if !answer.has(Quirk::NoFinalMarker) {
        events.push(Event {
            data: "[DONE]".to_owned(),
            ..Event::data(object! {}).end()
        });
    }
    events
}

/// Takes one of each in turn.
pub(crate) fn interleaved<T>(lists: Vec<Vec<T>>) -> Vec<T> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(lists.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            return all;
        }
    }
}

fn fragments(answer: &Answer<'_>, call: &Call<'_>) -> Vec<Event> {
    let is_whole = [
        Quirk::IndexZero,
        Quirk::MissingIndex,
        Quirk::ArgumentsAsObject,
    ]
    .iter()
    .any(|quirk| answer.has(*quirk));
    let first = if is_whole {
        arguments(answer, call)
    } else {
        Json::of("")
    };
    let mut opening = Vec::new();
    if !answer.has(Quirk::MissingIndex) {
        opening.push(("index", Json::of(&index(answer, call))));
    }
    if let Some(id) = &call.id {
        opening.push(("id", Json::of(id)));
    }
    opening.push(("type", Json::of("function")));
    let is_bare = call.is_empty() && answer.has(Quirk::NoFragments);
    let function = if is_bare {
        object! {"name": call.tool}
    } else {
        object! {"name": call.tool, "arguments": first}
    };
    opening.push(("function", function));
    let mut first = chunk(answer, object! {"tool_calls": [Json::object(opening)]});
    first.pause = call.delay;
    let mut events = vec![first];
    if !is_whole && !is_bare {
        let more = answer.delivery.pieces(&call.arguments);
        events.extend(more.into_iter().map(|piece| {
            let call =
                object! {"index": index(answer, call), "function": object! {"arguments": piece}};
            chunk(answer, object! {"tool_calls": [call]})
        }));
    }
    events
}

fn index(answer: &Answer<'_>, call: &Call<'_>) -> usize {
    if answer.has(Quirk::IndexZero) {
        0
    } else {
        call.index
    }
}

fn chunk(answer: &Answer<'_>, delta: Json) -> Event {
    let choice = object! {"index": 0, "delta": delta, "logprobs": (), "finish_reason": ()};
    tail(answer, Json::array([choice]), None)
}

fn end(answer: &Answer<'_>) -> Event {
    let choice = object! {
        "index": 0, "delta": object! {}, "logprobs": (), "finish_reason": finish_reason(answer),
    };
    tail(answer, Json::array([choice]), None).end()
}

fn tail(answer: &Answer<'_>, choices: Json, usage: Option<Json>) -> Event {
    let mut entries = vec![
        ("id", Json::of(&id(answer))),
        ("object", Json::of("chat.completion.chunk")),
        ("created", Json::of(&CREATED)),
        ("model", Json::of(&answer.asked.model)),
        ("service_tier", Json::of("default")),
        ("system_fingerprint", Json::of(FINGERPRINT)),
        ("choices", choices),
    ];
    if answer.asked.include_usage {
        entries.push(("usage", Json::of(&usage)));
    }
    if answer.has(Quirk::Obfuscation) {
        entries.push(("obfuscation", Json::of("k3Xp9")));
    }
    Event::data(Json::object(entries))
}
