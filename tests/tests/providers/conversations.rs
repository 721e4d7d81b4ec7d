//! Conversations as a run has them when it asks a model.

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator::catalogue::{Catalogue, Offer};
use callboard_coordinator::core::{CallReport, Report, StopReason};
use callboard_coordinator::model::{Conversation, Exchange, ModelAnswer};
use callboard_coordinator::provider::Format;
use callboard_proto::{
    Completed, Digest, Effect, Executed, Failure, FailureKind, Manifest, Outcome, Part, ToolName,
    ToolSpec, Turn, TurnKey,
};

use super::answers::{Answer, answer};

/// A schema with what some provider doesn't take.
const RICH: &str = r##"{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1, "pattern": "^[A-Z]", "description": "Its name."},
        "days": {"type": ["integer", "null"], "minimum": 1, "maximum": 14, "default": 1},
        "units": {"enum": ["metric", "imperial"]},
        "kind": {"const": "forecast"},
        "where": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true, "maxItems": 3}
    },
    "required": ["city"],
    "$defs": {"place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}}
}"##;

/// All the conversations, each with what it is.
pub(super) fn all(format: Format) -> Vec<(String, Conversation)> {
    let three = |outcomes| exchange(format, Answer::ThreeCalls, outcomes);
    let one = |outcome| exchange(format, Answer::OneCall, vec![outcome]);
    let mut all = vec![
        ("the first turn".to_owned(), vec![]),
        ("after one call".to_owned(), vec![one(text("noon"))]),
        (
            "after three calls, one of them failed, and a pause".to_owned(),
            vec![
                three(vec![text("15"), failed(), own_error()]),
                exchange(format, Answer::Paused, vec![]),
            ],
        ),
        (
            "after three calls, then one, then more talk".to_owned(),
            vec![
                three(vec![text("15"), text(""), failed()]),
                one(text("noon")),
                exchange(format, Answer::Done, vec![]),
            ],
        ),
    ];
    for (name, part) in parts() {
        all.push((
            format!("after a call that gave {name}"),
            vec![one(completed(vec![part]))],
        ));
    }
    let every = parts().into_iter().map(|(_, part)| part).collect();
    all.push((
        "after results of many parts".to_owned(),
        vec![three(vec![
            completed(every),
            completed(vec![]),
            rich_error(),
        ])],
    ));
    all.into_iter()
        .map(|(name, exchanges)| (name, conversation(exchanges.into_iter().flatten())))
        .collect()
}

fn conversation(exchanges: impl Iterator<Item = Exchange>) -> Conversation {
    let exchanges = exchanges.enumerate().map(|(index, mut exchange)| {
        exchange.turn = Turn(u32::try_from(index).unwrap() + 1);
        exchange
    });
    Conversation {
        task: "Where is it warm?".into(),
        catalogue: Arc::new(catalogue()),
        exchanges: exchanges.collect(),
    }
}

fn catalogue() -> Catalogue {
    let empty = r#"{"type":"object","properties":{}}"#;
    Catalogue::freeze([
        offer("get_weather", 1, RICH),
        offer(
            "shop.stock",
            2,
            r#"{"type":"object","properties":{"item":{"type":"string"}}}"#,
        ),
        offer("now", 3, empty),
    ])
}

/// A conversation before anything was said, with the tools of `callboard execute --tools basic`.
pub(super) fn first() -> Conversation {
    let echo = r#"{"type":"object"}"#;
    let wait = r#"{"type":"object","properties":{"ms":{"type":"integer"}},"required":["ms"]}"#;
    Conversation {
        catalogue: Arc::new(Catalogue::freeze([
            offer("echo", 1, echo),
            offer("wait", 2, wait),
        ])),
        ..conversation(std::iter::empty())
    }
}

/// The same conversation for a run without tools.
pub(super) fn without_tools() -> Conversation {
    Conversation {
        catalogue: Arc::new(Catalogue::freeze([])),
        ..conversation(std::iter::empty())
    }
}

fn offer(name: &str, digest: u8, schema: &str) -> Offer {
    Offer {
        digest: Digest::new([digest; 32]),
        spec: Arc::new(ToolSpec {
            name: ToolName::new(name).unwrap(),
            description: format!("What {name} is for."),
            input_schema: schema.to_owned(),
            manifest: Manifest::new(Effect::Read),
        }),
        instances: 1,
    }
}

/// An exchange, where the format has such an answer.
fn exchange(format: Format, kind: Answer, outcomes: Vec<Outcome>) -> Option<Exchange> {
    let response = answer(format, kind)?;
    let answer = format.parse(response.to_string().as_bytes()).unwrap();
    assert_eq!(answer.calls.len(), outcomes.len(), "{format}: {kind:?}");
    Some(Exchange {
        turn: Turn(1),
        report: (!outcomes.is_empty()).then(|| report(&answer, outcomes)),
        answer,
    })
}

fn report(answer: &ModelAnswer, outcomes: Vec<Outcome>) -> Report {
    let calls = answer.calls.iter().zip(outcomes);
    Report {
        turn: TurnKey {
            run: "00000000000000000000000000000001".parse().unwrap(),
            turn: Turn(1),
        },
        calls: calls
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

/// Every kind of part that a tool can give.
fn parts() -> Vec<(&'static str, Part)> {
    let image = |media_type: &str| Part::Image {
        media_type: media_type.to_owned(),
        data: vec![0x89, 0x50, 0xff],
    };
    let document = |media_type: &str, name: Option<&str>| Part::Document {
        media_type: media_type.to_owned(),
        name: name.map(str::to_owned),
        data: b"%PDF-1.7".to_vec(),
    };
    let resource = |text: Option<&str>| Part::Resource {
        uri: "file:///a".to_owned(),
        media_type: Some("text/csv".to_owned()),
        text: text.map(str::to_owned),
    };
    let unknown = |text: Option<&str>| Part::Unknown {
        part_type: "smell".to_owned(),
        text: text.map(str::to_owned),
    };
    vec![
        ("text", Part::Text("15 °C \u{1f321}\0".to_owned())),
        ("no text", Part::Text(String::new())),
        ("a JSON object", Part::Json("{\"t\":15}".to_owned())),
        ("a JSON list", Part::Json("[15]".to_owned())),
        ("a PNG", image("image/png")),
        ("a TIFF", image("image/tiff")),
        ("a PDF", document("application/pdf", Some("a.pdf"))),
        ("a plain text file", document("text/plain", None)),
        ("a ZIP", document("application/zip", Some("a.zip"))),
        ("a resource", resource(Some("a;b"))),
        ("a resource that was not sent", resource(None)),
        ("an unknown part", unknown(Some("roses"))),
        ("an unknown part without text", unknown(None)),
    ]
}

fn completed(content: Vec<Part>) -> Outcome {
    Outcome::Completed(Completed {
        content,
        is_error: false,
    })
}

fn text(text: &str) -> Outcome {
    completed(vec![Part::Text(text.to_owned())])
}

fn failed() -> Outcome {
    Outcome::Failed(Failure::new(
        FailureKind::TimedOut,
        "after 30 s",
        Executed::Unknown,
    ))
}

fn own_error() -> Outcome {
    Outcome::Completed(Completed {
        content: vec![],
        is_error: true,
    })
}

fn rich_error() -> Outcome {
    Outcome::Completed(Completed {
        content: parts().into_iter().map(|(_, part)| part).collect(),
        is_error: true,
    })
}
