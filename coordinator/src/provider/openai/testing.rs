//! What the tests of both formats begin with.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::{CallReport, Report, StopReason};
use callboard_proto::{
    Completed, Digest, Effect, Executed, Failure, FailureKind, Manifest, Outcome, Part, ToolName,
    ToolSpec, Turn, TurnKey,
};

use crate::catalogue::{Catalogue, Offer};
use crate::model::{Conversation, Exchange, ModelAnswer, ToolUse};
use crate::provider::sse::{Decoder, Event};
use crate::provider::{Format, ParseError, StreamError};

pub(in crate::provider) fn completed(content: Vec<Part>) -> Outcome {
    Outcome::Completed(Completed {
        content,
        is_error: false,
    })
}

pub(in crate::provider) fn tool_error(content: Vec<Part>) -> Outcome {
    Outcome::Completed(Completed {
        content,
        is_error: true,
    })
}

pub(in crate::provider) fn timed_out() -> Outcome {
    let message = "the tool took longer than 2 s";
    Outcome::Failed(Failure::new(FailureKind::TimedOut, message, Executed::Yes))
}

pub(in crate::provider) fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

pub(in crate::provider) fn image(media_type: &str, data: &[u8]) -> Part {
    Part::Image {
        media_type: media_type.to_owned(),
        data: data.to_vec(),
    }
}

pub(in crate::provider) fn document(media_type: &str, name: Option<&str>, data: &[u8]) -> Part {
    Part::Document {
        media_type: media_type.to_owned(),
        name: name.map(str::to_owned),
        data: data.to_vec(),
    }
}

/// Outcomes of every kind, one for each of `calls`.
pub(in crate::provider) fn all_sorts() -> Vec<Outcome> {
    vec![
        Outcome::text("15 °C \"quoted\"\n"),
        completed(vec![
            Part::Json("{\"a\": 1.0}".to_owned()),
            text("and a\0text"),
        ]),
        completed(vec![]),
        completed(vec![text(""), text("")]),
        tool_error(vec![text("no such city"), image("image/png", b"x")]),
        tool_error(vec![text(" \n")]),
        timed_out(),
    ]
}

/// Parts that aren't plain text.
pub(in crate::provider) fn rich_parts() -> Vec<Part> {
    vec![
        text("see:"),
        image("image/png", b"\x89PNG"),
        image("IMAGE/JPEG; q=1", b"\xff\xd8"),
        image("image/svg+xml", b"<svg/>"),
        image("image/png", b""),
        document("application/pdf", Some("a.pdf"), b"%PDF"),
        document("application/pdf", None, b"%PDF"),
        document(
            "text/csv; charset=utf-8",
            Some("a.csv"),
            "k\u{e4}se;1".as_bytes(),
        ),
        document("text/plain", None, b"\xff"),
        document("application/zip", None, b"PK"),
        Part::Resource {
            uri: "file:///a".to_owned(),
            media_type: None,
            text: Some("text".to_owned()),
        },
    ]
}

pub(in crate::provider) fn report(calls: &[ToolUse], outcomes: Vec<Outcome>) -> Report {
    assert_eq!(calls.len(), outcomes.len());
    Report {
        turn: TurnKey {
            run: "00000000000000000000000000000001".parse().unwrap(),
            turn: Turn(1),
        },
        calls: std::iter::zip(calls, outcomes)
            .map(|(call, outcome)| CallReport {
                id: call.id.clone(),
                tool: None,
                outcome,
                attempts: 1,
                worker: None,
                elapsed: Duration::ZERO,
                queued: Duration::ZERO,
                executed: Duration::ZERO,
            })
            .collect(),
        stopped: StopReason::Settled,
        elapsed: Duration::ZERO,
    }
}

fn offer(name: &str, description: &str, schema: &str) -> Offer {
    Offer {
        digest: Digest::new([1; 32]),
        spec: Arc::new(ToolSpec {
            name: ToolName::new(name).unwrap(),
            description: description.to_owned(),
            input_schema: schema.to_owned(),
            manifest: Manifest::new(Effect::Read),
        }),
        instances: 1,
    }
}

/// A conversation with two tools in which nothing was said yet.
pub(in crate::provider) fn conversation() -> Conversation {
    let weather = r#"{"type":"object","properties":{"city":{"type":"string"},"n":{"maximum":12345678901234567890123}}}"#;
    Conversation {
        task: "What is the weather\nin \"Paris\"?".into(),
        catalogue: Arc::new(Catalogue::freeze([
            offer("get_weather", "Tells the weather.", weather),
            offer("clock.now", "", "{}"),
        ])),
        exchanges: Vec::new(),
    }
}

/// The exchange in which every call of an answer says `ok`.
pub(in crate::provider) fn exchange(turn: u32, answer: ModelAnswer) -> Exchange {
    let outcomes = answer.calls.iter().map(|_| Outcome::text("ok")).collect();
    Exchange {
        turn: Turn(turn),
        report: Some(report(&answer.calls, outcomes)),
        answer,
    }
}

/// An answer as far as it counts, with the echo as JSON: a stream may order its members otherwise.
pub(in crate::provider) fn described(answer: &ModelAnswer) -> String {
    let mut lines = vec![format!(
        "{:?} ({:?}) {:?} {:?}",
        answer.stop, answer.stop_reason, answer.text, answer.usage
    )];
    for call in &answer.calls {
        lines.push(format!(
            "{} {:?} {} custom={} repeat={:?} = {:?}",
            call.id,
            call.reply.id,
            call.name,
            call.reply.is_custom,
            call.reply
                .repeat
                .as_ref()
                .map(|(name, raw)| (name, raw.get())),
            String::from_utf8_lossy(&call.arguments),
        ));
    }
    lines.join("\n")
}

pub(in crate::provider) fn echo(answer: &ModelAnswer) -> Vec<serde_json::Value> {
    let echo = answer.echo.iter();
    echo.map(|raw| serde_json::from_str(raw.get()).unwrap())
        .collect()
}

pub(in crate::provider) fn assert_same(got: &ModelAnswer, expected: &ModelAnswer, case: &str) {
    assert_eq!(described(got), described(expected), "{case}");
    assert_eq!(echo(got), echo(expected), "{case}");
}

/// The events of a stream that comes in pieces of `bytes_max`.
pub(in crate::provider) fn events(stream: &[u8], bytes_max: usize) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in stream.chunks(bytes_max) {
        decoder.take(piece, &mut events).unwrap();
    }
    events
}

/// What a stream gives: the calls that were sealed on the way, and the end.
pub(in crate::provider) fn assemble(
    format: Format,
    events: &[Event],
) -> (Vec<ToolUse>, Result<ModelAnswer, StreamError>) {
    let mut assembler = format.assembler();
    let mut sealed = Vec::new();
    for event in events {
        if let Err(error) = assembler.take(event) {
            return (sealed, Err(error));
        }
        sealed.extend(std::iter::from_fn(|| assembler.poll_sealed()));
    }
    (sealed, assembler.finish())
}

/// Cuts a stream at every event: what is sealed never depends on what comes later, is given in call order,
/// and stands in the answer, if there is one.
pub(in crate::provider) fn assert_sealed_stay(format: Format, events: &[Event]) {
    let (all_sealed, _) = assemble(format, events);
    let all_sealed: Vec<String> = all_sealed.iter().map(|call| format!("{call:?}")).collect();
    for end in 0..=events.len() {
        let (sealed, answer) = assemble(format, &events[..end]);
        let sealed: Vec<String> = sealed.iter().map(|call| format!("{call:?}")).collect();
        assert!(all_sealed.starts_with(&sealed), "cut at event {end}");
        if let Ok(answer) = answer {
            let calls: Vec<String> = answer
                .calls
                .iter()
                .map(|call| format!("{call:?}"))
                .collect();
            assert!(calls.starts_with(&sealed), "cut at event {end}");
        }
    }
}

/// Refusals, one under the other, each with what was read.
pub(in crate::provider) fn refusals<'a>(
    parse: impl Fn(&[u8]) -> Result<ModelAnswer, ParseError>,
    cases: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut texts = String::new();
    for case in cases {
        let error = parse(case.as_bytes()).unwrap_err();
        let shown: String = case.chars().take(120).collect();
        texts.push_str(&format!("{shown}\n=> {}: {error}", error.code()));
        if let Some(source) = error.source() {
            texts.push_str(&format!(": {source}"));
        }
        texts.push_str("\n\n");
    }
    texts
}

/// Rendered messages or items, one a line.
pub(in crate::provider) fn lines(rendered: &[Box<serde_json::value::RawValue>]) -> String {
    let lines: Vec<&str> = rendered.iter().map(|raw| raw.get()).collect();
    lines.join("\n")
}
