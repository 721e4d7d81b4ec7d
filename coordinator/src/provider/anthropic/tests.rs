#![expect(clippy::unwrap_used, reason = "tests")]

use std::error::Error;
use std::time::Duration;

use callboard_coordinator_core::run::{Stop, Usage};
use callboard_coordinator_core::{CallReport, Report, StopReason};
use callboard_proto::{
    Completed, Executed, Failure, FailureKind, Outcome, Part, ToolUseId, Turn, TurnKey,
};

use super::{parse, render};
use crate::model::{ModelAnswer, ToolUse};
use crate::provider::{Format, ParseError};

mod errors;
mod requests;
mod streams;

const RESPONSE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[
  {"type":"thinking","thinking":"","signature":"s"},
  {"type":"text","text":"Let me look."},
  {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q":"x"}},
  {"type":"tool_use","id":"toolu_A","name":"get_weather","input":{ "city" : "Par\u0069s", "big": 12345678901234567890123 }},
  {"type":"tool_use","id":"toolu_B","name":"get_time","input":{}},
  {"type":"tool_use","id":"toolu_C","name":"get_time"},
  {"type":"new_thing","id":7,"name":[],"text":{}}],
 "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"cache_creation":{},"output_tokens":2}}"#;

#[test]
fn a_response_is_taken_apart_and_kept_as_it_is() {
    let message = parse(RESPONSE.as_bytes()).unwrap();
    let (_, content) = RESPONSE.split_once("\"content\":").unwrap();
    let (content, _) = content.split_once(",\n \"stop_reason\"").unwrap();
    assert_eq!(
        message.echo.iter().map(|raw| raw.get()).collect::<Vec<_>>(),
        [format!("{{\"role\":\"assistant\",\"content\":{content}}}")]
    );
    assert_eq!(message.stop, Stop::Calls);
    assert_eq!(message.stop_reason, "tool_use");
    assert_eq!(
        message.usage,
        Some(Usage {
            input_tokens: 8,
            output_tokens: 2
        })
    );
    assert_eq!(message.text, "Let me look.");
    let calls: Vec<_> = message
        .calls
        .iter()
        .map(|call| {
            (
                call.id.as_str(),
                call.name.as_str(),
                std::str::from_utf8(&call.arguments).unwrap(),
            )
        })
        .collect();
    assert_eq!(
        calls,
        [
            (
                "toolu_A",
                "get_weather",
                r#"{ "city" : "Par\u0069s", "big": 12345678901234567890123 }"#
            ),
            ("toolu_B", "get_time", "{}"),
            // What isn't there is no empty object: it is told as invalid.
            ("toolu_C", "get_time", "null"),
        ]
    );
}

#[test]
fn a_bare_message_will_do() {
    let bare = "\u{feff}\n{\"content\":[{\"input\":null,\"name\":\"x\",\"id\":\"a\",\"type\":\"tool_use\"}],\"role\":\"assistant\"}\n";
    let message = parse(bare.as_bytes()).unwrap();
    assert_eq!(message.calls.len(), 1);
    // No input is no empty object: the call is answered as invalid.
    assert_eq!(message.calls[0].arguments, "null");
    assert_eq!(message.stop, Stop::Calls);
}

/// What somebody needs who runs one message: one that can be read and must be run.
fn to_run(input: &[u8]) -> Result<ModelAnswer, ParseError> {
    let answer = parse(input)?;
    Format::Anthropic.must_run(&answer)?;
    Ok(answer)
}

/// The one message that a report becomes.
fn message(report: &Report) -> String {
    let calls: Vec<ToolUse> = report
        .calls
        .iter()
        .map(|call| ToolUse::new(call.id.clone(), "x", "{}"))
        .collect();
    let messages = render(&calls, report);
    assert_eq!(messages.len(), 1);
    messages[0].get().to_owned()
}

fn tool_use(id: &str) -> String {
    format!(r#"{{"type":"tool_use","id":{id},"name":"x","input":{{}}}}"#)
}

fn with_content(content: &str) -> String {
    format!(r#"{{"role":"assistant","content":[{content}]}}"#)
}

#[test]
fn what_cannot_be_run_is_refused_with_a_cure() {
    let two = format!("{},{}", tool_use("\"a\""), tool_use("\"b\""));
    let stopped = |reason: &str| {
        format!(r#"{{"role":"assistant","content":[{two}],"stop_reason":"{reason}"}}"#)
    };
    let long = format!("\"{}\"", "x".repeat(257));
    let cases = [
        String::new(),
        "not json".to_owned(),
        "{\"role\":\"assistant\"".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "7".to_owned(),
        "[\"assistant\",[],null]".to_owned(),
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}".to_owned(),
        "{\"role\":\"assistant\"}".to_owned(),
        "{\"role\":\"assistant\",\"content\":7}".to_owned(),
        "{\"role\":\"assistant\",\"role\":\"user\",\"content\":[]}".to_owned(),
        "{\"role\":\"user\",\"content\":[]}".to_owned(),
        "{\"role\":\"assistant\",\"content\":\"hello\"}".to_owned(),
        with_content(""),
        with_content("{\"type\":\"text\",\"text\":\"hello\"}"),
        with_content("7"),
        with_content("[\"tool_use\",null,\"a\",\"x\",{}]"),
        with_content("{\"text\":\"no type\"}"),
        with_content(&tool_use("\"\"")),
        with_content("{\"type\":\"tool_use\",\"name\":\"x\"}"),
        with_content(&tool_use("7")),
        with_content(&tool_use("\"a.b\"")),
        with_content(&tool_use(&long)),
        with_content(&format!("{two},{}", tool_use("\"a\""))),
        with_content("{\"type\":\"tool_use\",\"id\":\"a\",\"input\":{}}"),
        stopped("max_tokens"),
        stopped("refusal"),
        stopped("end_turn"),
    ];
    let mut texts = String::new();
    for case in cases {
        let error = to_run(case.as_bytes()).unwrap_err();
        let shown: String = case.chars().take(120).collect();
        texts.push_str(&format!("{shown}\n=> {}: {error}", error.code()));
        if let Some(source) = error.source() {
            texts.push_str(&format!(": {source}"));
        }
        texts.push_str("\n\n");
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn nothing_to_run_is_an_error_of_its_own_whatever_the_stop_reason() {
    let done = r#"{"role":"assistant","content":[{"type":"text","text":"done"}],"stop_reason":"end_turn"}"#;
    assert!(matches!(
        to_run(done.as_bytes()).unwrap_err(),
        ParseError::NothingToRun { .. }
    ));
}

#[test]
fn no_input_makes_the_parser_panic() {
    for end in 0..RESPONSE.len() {
        assert!(parse(&RESPONSE.as_bytes()[..end]).is_err());
    }
    let mut bytes = RESPONSE.as_bytes().to_vec();
    for index in 0..bytes.len() {
        let kept = std::mem::replace(&mut bytes[index], 0xff);
        assert!(parse(&bytes).is_err(), "byte {index}: 0xff is never UTF-8");
        bytes[index] = kept;
    }
}

#[test]
fn the_reason_to_stop_decides() {
    let stop = |reason: &str| {
        let message = with_content(&tool_use("\"a\"")).replacen(
            '{',
            &format!("{{\"stop_reason\":\"{reason}\","),
            1,
        );
        parse(message.as_bytes()).unwrap().stop
    };
    let cases = [
        ("tool_use", Stop::Calls),
        ("end_turn", Stop::Done),
        ("stop_sequence", Stop::Done),
        ("pause_turn", Stop::Paused),
        ("compaction", Stop::Paused),
        ("max_tokens", Stop::Truncated),
        ("model_context_window_exceeded", Stop::Truncated),
        ("refusal", Stop::Declined),
        ("what_comes", Stop::Unknown("what_comes".to_owned())),
    ];
    for (reason, expected) in cases {
        assert_eq!(stop(reason), expected);
    }
}

#[test]
fn a_toolset_is_repeated_in_its_result() {
    let block = r#"{"type":"tool_use","id":"toolu_0","name":"key","toolset_name":"computer"}"#;
    let calls = parse(with_content(block).as_bytes()).unwrap().calls;
    let messages = render(&calls, &report(vec![Outcome::text("done")]));
    assert!(
        messages[0].get().contains(r#""toolset_name":"computer""#),
        "{}",
        messages[0]
    );
}

fn completed(content: Vec<Part>, is_error: bool) -> Outcome {
    Outcome::Completed(Completed { content, is_error })
}

fn report(outcomes: Vec<Outcome>) -> Report {
    Report {
        turn: TurnKey {
            run: "00000000000000000000000000000001".parse().unwrap(),
            turn: Turn(1),
        },
        calls: outcomes
            .into_iter()
            .enumerate()
            .map(|(index, outcome)| CallReport {
                id: ToolUseId::new(format!("toolu_{index}")).unwrap(),
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

fn image(media_type: &str, data: &[u8]) -> Part {
    Part::Image {
        media_type: media_type.to_owned(),
        data: data.to_vec(),
    }
}

fn document(media_type: &str, name: Option<&str>, data: &[u8]) -> Part {
    Part::Document {
        media_type: media_type.to_owned(),
        name: name.map(str::to_owned),
        data: data.to_vec(),
    }
}

#[test]
fn results_are_byte_exact() {
    let rendered = message(&report(vec![
        Outcome::text("15 °C \"quoted\"\n"),
        completed(
            vec![
                Part::Json("{\"a\": 1.0}".to_owned()),
                Part::Text("and a text".to_owned()),
            ],
            false,
        ),
        completed(vec![], false),
        completed(vec![Part::Text("no such city".to_owned())], true),
        Outcome::Failed(Failure::new(
            FailureKind::TimedOut,
            "the tool took longer than 2 s",
            Executed::Yes,
        )),
    ]));
    let lines = rendered.replace(
        "},{\"type\":\"tool_result\"",
        "},\n{\"type\":\"tool_result\"",
    );
    insta::assert_snapshot!(lines);
}

#[test]
fn rich_parts_are_blocks_where_the_api_reads_them() {
    let rendered = message(&report(vec![completed(
        vec![
            image("image/png", b"\x89PNG"),
            image("IMAGE/JPEG; q=1", b"\xff\xd8"),
            image("image/svg+xml", b"<svg/>"),
            image("image/png", b""),
            document("application/pdf", Some("a.pdf"), b"%PDF"),
            document("text/plain; charset=utf-8", None, "käse\0\n".as_bytes()),
            document("text/plain", Some(" "), b"\xff"),
            document("application/zip", None, b"PK"),
            document("text/plain", None, b" "),
            Part::Resource {
                uri: "file:///a".to_owned(),
                media_type: None,
                text: Some("text".to_owned()),
            },
        ],
        false,
    )]));
    insta::assert_snapshot!(rendered.replace("},{\"type\"", "},\n{\"type\""));
}

#[test]
fn what_the_api_would_refuse_is_never_sent() {
    let text = |text: &str| Part::Text(text.to_owned());
    let rendered = message(&report(vec![
        completed(vec![text("")], false),
        completed(vec![text(" \n"), text("a\0b")], false),
        completed(vec![], true),
        completed(vec![text(""), image("image/png", b"x")], true),
    ]));
    insta::assert_snapshot!(rendered.replace("},{\"type\"", "},\n{\"type\""));
    let value: serde_json::Value = serde_json::from_str(&rendered).unwrap();
    for result in value["content"].as_array().unwrap() {
        for block in result["content"].as_array().into_iter().flatten() {
            if let Some(text) = block["text"].as_str() {
                assert!(!text.trim().is_empty());
                assert!(!text.contains('\0'));
            }
            if result["is_error"] == true {
                assert_eq!(block["type"], "text");
            }
        }
    }
}
