//! An answer as a stream of chunks.

use super::answer::{args, check, code, function_call, is_signed_at_end, response, signature};
use crate::answer::{Answer, Part};
use crate::carry::{Event, Extras};
use crate::delivery::{LineEnd, Quirk};
use crate::json::{Json, object};
use crate::refusal::Refusal;

pub(crate) fn extras(_: &Answer<'_>) -> Extras {
    Extras {
        // As the service itself sends it.
        line_end: LineEnd::Crlf,
        ping: None,
        unknown: Event::data(object! {"glimpse": "from the future"}),
        error: Event::data(object! {
            "error": object! {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"},
        }),
    }
}

pub(crate) fn events(answer: &Answer<'_>) -> Result<Vec<Event>, Refusal> {
    check(answer)?;
    let chunk = |parts: Vec<Json>| Event::data(response(answer, parts, false));
    let mut events = Vec::new();
    for part in &answer.parts {
        match part {
            Part::Thinking(text) if answer.asked.show_thinking => {
                let pieces = answer.delivery.pieces(text).into_iter();
                events.extend(
                    pieces.map(|piece| chunk(vec![object! {"text": piece, "thought": true}])),
                );
            }
            Part::Thinking(_) | Part::Fallback => {}
            Part::Text(text) => {
                let pieces = answer.delivery.pieces(text).into_iter();
                events.extend(pieces.map(|piece| chunk(vec![object! {"text": piece}])));
            }
            Part::ServerTool => events.extend(code().map(|part| chunk(vec![part]))),
            Part::Call(call) => {
                let args = args(answer, call);
                let mut first = if answer.has(Quirk::NamelessSecondChunk) {
                    chunk(vec![function_call(answer, call, None)])
                } else {
                    chunk(vec![function_call(answer, call, args.clone())])
                };
                first.pause = call.delay;
                events.push(first);
                if answer.has(Quirk::NamelessSecondChunk) {
                    let args = args.unwrap_or_else(|| object! {});
                    let rest = object! {"functionCall": object! {"args": args}};
                    events.push(chunk(vec![rest]));
                }
            }
        }
    }
    let last = if is_signed_at_end(answer) {
        object! {"text": "", "thoughtSignature": signature(answer)}
    } else {
        object! {"text": ""}
    };
    events.push(Event::data(response(answer, vec![last], true)).end());
    Ok(events)
}
