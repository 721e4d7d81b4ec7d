//! An answer as one response.

use super::history;
use crate::answer::{Answer, Call, Part};
use crate::conversation::{Spoken, merged};
use crate::delivery::Quirk;
use crate::digest::Digest;
use crate::json::{Json, Node, object};
use crate::refusal::{Refusal, RefusalKind};
use crate::script::Stop;

pub(crate) fn plain(answer: &Answer<'_>) -> Result<Json, Refusal> {
    check(answer)?;
    Ok(response(answer, parts(answer), true))
}

/// Arguments that are no object can't be said here at all.
pub(super) fn check(answer: &Answer<'_>) -> Result<(), Refusal> {
    let bad = |call: &&Call<'_>| call.is_whole && call.object().is_none() && !call.is_empty();
    match answer.calls().find(bad) {
        None => Ok(()),
        Some(call) => Err(Refusal::new(
            RefusalKind::Server,
            format!(
                "mock provider: the arguments of {} are no JSON object, and Gemini has no other.",
                call.tool
            ),
        )),
    }
}

pub(crate) fn echo(answer: &Answer<'_>) -> Vec<Spoken> {
    let parts = Json::array(parts(answer)).into_string();
    let parts = Node::read(parts.as_bytes()).expect("what was rendered is JSON");
    merged(history::spoken(parts.list().unwrap_or_default(), 0))
}

/// A response, or one chunk of it.
pub(super) fn response(answer: &Answer<'_>, parts: Vec<Json>, is_end: bool) -> Json {
    let mut candidate = vec![("content", object! {"parts": parts, "role": "model"})];
    if let Some(reason) = finish_reason(answer).filter(|_| is_end) {
        candidate.push(("finishReason", Json::of(reason)));
        if answer.stop == Stop::Pause {
            let token = continuation(answer.seed, answer.asked.hop);
            candidate.push(("continuationToken", Json::of(&token)));
        }
    }
    candidate.push(("index", Json::of(&0)));
    let usage = answer.usage;
    object! {
        "candidates": [Json::object(candidate)],
        "usageMetadata": object! {
            "promptTokenCount": usage.input_tokens,
            "candidatesTokenCount": usage.output_tokens,
            "totalTokenCount": usage.input_tokens + usage.output_tokens,
        },
        "modelVersion": answer.asked.model,
        "responseId": answer.seed.id("", "response"),
    }
}

/// The token with which an answer goes on after it was paused so often before.
pub(crate) fn continuation(seed: Digest, hop: usize) -> String {
    seed.signature(&format!("continuation {hop}"))
}

fn finish_reason<'a>(answer: &'a Answer<'_>) -> Option<&'a str> {
    if answer.has(Quirk::NullFinishReason) {
        return None;
    }
    Some(match &answer.stop {
        Stop::EndTurn | Stop::Calls | Stop::StopSequence => "STOP",
        Stop::MaxTokens => "MAX_TOKENS",
        Stop::Refusal => "SAFETY",
        Stop::Pause => "CONTINUATION",
        Stop::Raw(word) => word,
    })
}

pub(super) fn signature(answer: &Answer<'_>) -> String {
    answer.seed.signature("thought")
}

/// Whether the answer ends with a signature of its own: it thought, and called nothing.
pub(super) fn is_signed_at_end(answer: &Answer<'_>) -> bool {
    answer.calls().next().is_none()
        && answer
            .parts
            .iter()
            .any(|part| matches!(part, Part::Thinking(_)))
}

/// The parts of code that the provider itself ran.
pub(super) fn code() -> [Json; 2] {
    [
        object! {"executableCode": object! {"language": "PYTHON", "code": "print(6 * 7)"}},
        object! {"codeExecutionResult": object! {"outcome": "OUTCOME_OK", "output": "42\n"}},
    ]
}

pub(super) fn function_call(answer: &Answer<'_>, call: &Call<'_>, args: Option<Json>) -> Json {
    let mut entries = Vec::new();
    if let Some(id) = &call.id {
        entries.push(("id", Json::of(id)));
    }
    entries.push(("name", Json::of(call.tool)));
    entries.extend(args.map(|args| ("args", args)));
    let call_json = Json::object(entries);
    if call.index == 0 {
        // Of calls that come together, only the first is signed.
        object! {"functionCall": call_json, "thoughtSignature": signature(answer)}
    } else {
        object! {"functionCall": call_json}
    }
}

/// A call's arguments; none at all where there are none and the quirk asks for it.
pub(super) fn args(answer: &Answer<'_>, call: &Call<'_>) -> Option<Json> {
    if call.is_empty() && answer.has(Quirk::NoFragments) {
        return None;
    }
    Some(call.object().unwrap_or_else(|| object! {}))
}

fn parts(answer: &Answer<'_>) -> Vec<Json> {
    let mut parts = Vec::new();
    for part in &answer.parts {
        match part {
            Part::Thinking(text) if answer.asked.show_thinking => {
                parts.push(object! {"text": text, "thought": true});
            }
            Part::Thinking(_) | Part::Fallback => {}
            Part::Text(text) => parts.push(if is_signed_at_end(answer) {
                object! {"text": text, "thoughtSignature": signature(answer)}
            } else {
                object! {"text": text}
            }),
            Part::ServerTool => parts.extend(code()),
            Part::Call(call) => parts.push(function_call(answer, call, args(answer, call))),
        }
    }
    parts
}
