//! Responses in, results out.

use callboard_coordinator_core::run::{Stop, Usage};
use callboard_proto::Outcome;

use crate::model::ModelAnswer;
use crate::provider::openai::testing::{
    all_sorts, completed, lines, refusals, report, rich_parts, tool_error,
};
use crate::provider::responses::{parse, render};

const REASONING: &str =
    r#"{"id":"rs_1","type":"reasoning", "summary":[],"encrypted_content":"gAAA=="}"#;
const SAYS: &str = r#"{"id":"msg_1","type":"message","role":"assistant","status":"completed","phase":"commentary","content":[{"type":"output_text","text":"Let me look.","annotations":[]},{"type":"new"}]}"#;
const CALL_A: &str = r#"{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_A","name":"get_weather","arguments":"{ \"city\" : \"Par\\u0069s\", \"big\": 12345678901234567890123 }"}"#;
const CALL_B: &str = r#"{"id":"ct_1","type":"custom_tool_call","call_id":"call_B","name":"run_sql","input":"select \"1\"\n","caller":{"type":"direct"}}"#;
const CALL_C: &str = r#"{"type":"function_call","status":null,"call_id":"call_C","name":"get_time","namespace":"clock","arguments":"","caller":{"type":"program", "caller_id":"p"}}"#;
const SEARCH: &str = r#"{"type":"web_search_call","id":"ws_1","status":"completed","action":{}}"#;

fn items() -> String {
    format!("[{REASONING}, {SAYS},\n{CALL_A},{CALL_B},{SEARCH},{CALL_C}]")
}

fn response(output: &str, more: &str) -> String {
    format!(
        r#"{{"id":"resp_1","object":"response","model":"m",{more},"error":null,"output":{output},"usage":{{"input_tokens":11,"output_tokens":7}}}}"#
    )
}

fn read(input: &str) -> ModelAnswer {
    parse(input.as_bytes()).unwrap()
}

#[test]
fn a_response_is_taken_apart_and_each_item_kept_as_it_is() {
    let whole = response(
        &items(),
        r#""status":"completed","incomplete_details":null"#,
    );
    let usage = Some(Usage {
        input_tokens: 11,
        output_tokens: 7,
    });
    for (input, usage, reason) in [
        (whole, usage, "completed"),
        (format!("\u{feff}\n{}\n", items()), None, ""),
        (format!("{{\"output\":{}}}", items()), None, ""),
    ] {
        let answer = read(&input);
        let echo: Vec<&str> = answer.echo.iter().map(|raw| raw.get()).collect();
        assert_eq!(echo, [REASONING, SAYS, CALL_A, CALL_B, SEARCH, CALL_C]);
        assert_eq!(answer.text, "Let me look.");
        assert_eq!(answer.usage, usage);
        assert_eq!(answer.stop, Stop::Calls);
        assert_eq!(answer.stop_reason, reason);
        let calls: Vec<_> = answer
            .calls
            .iter()
            .map(|call| {
                let arguments = std::str::from_utf8(&call.arguments).unwrap();
                (
                    call.id.as_str(),
                    call.name.as_str(),
                    arguments,
                    call.reply.is_custom,
                )
            })
            .collect();
        assert_eq!(
            calls,
            [
                (
                    "call_A",
                    "get_weather",
                    r#"{ "city" : "Par\u0069s", "big": 12345678901234567890123 }"#,
                    false
                ),
                ("call_B", "run_sql", r#"{"input":"select \"1\"\n"}"#, true),
                ("call_C", "clock.get_time", "{}", false),
            ]
        );
    }
}

fn call(id: &str, status: &str) -> String {
    format!(
        r#"{{"type":"function_call","call_id":"{id}","name":"f","arguments":"{{}}","status":"{status}"}}"#
    )
}

/// What is said of an error that is no message.
fn refused(input: &str) -> String {
    let error = parse(input.as_bytes()).unwrap_err();
    assert_eq!(error.code(), "message_is_error");
    error.to_string()
}

#[test]
fn the_status_decides_what_becomes_of_the_calls() {
    let calls = format!("[{}]", call("a", "completed"));
    let half = format!("[{},{}]", call("a", "completed"), call("b", "incomplete"));
    let running = format!("[{}]", call("a", "in_progress"));
    let cut = r#"[{"type":"message","role":"assistant","status":"incomplete","content":"ab"}]"#;
    let none = r#"[{"type":"message","role":"assistant","content":"ab"}]"#;
    let declined = format!(
        r#"[{{"type":"message","role":"assistant","content":[{{"type":"refusal","refusal":"I won't."}}]}},{}]"#,
        call("a", "completed")
    );
    let (completed, incomplete) = (r#""status":"completed""#, r#""status":"incomplete""#);
    let because =
        |reason: &str| format!(r#"{incomplete},"incomplete_details":{{"reason":"{reason}"}}"#);
    let unknown = |reason: &str| Stop::Unknown(reason.to_owned());
    for (output, more, stop, reason) in [
        (&*calls, completed, Stop::Calls, "completed"),
        (&*calls, r#""status":null"#, Stop::Calls, ""),
        (none, completed, Stop::Done, "completed"),
        ("[]", completed, Stop::Done, "completed"),
        (&*half, completed, Stop::Truncated, "incomplete"),
        (&*running, completed, Stop::Truncated, "incomplete"),
        (cut, completed, Stop::Truncated, "incomplete"),
        (&*declined, completed, Stop::Declined, "refusal"),
        (&*calls, incomplete, Stop::Truncated, "incomplete"),
        (
            &*calls,
            &because("max_output_tokens"),
            Stop::Truncated,
            "max_output_tokens",
        ),
        (
            &*calls,
            &because("content_filter"),
            Stop::Declined,
            "content_filter",
        ),
        (&*calls, &because("steered"), unknown("steered"), "steered"),
        (
            &*calls,
            r#""status":"cancelled""#,
            unknown("cancelled"),
            "cancelled",
        ),
        (&*calls, r#""status":"queued""#, unknown("queued"), "queued"),
    ] {
        let answer = read(&response(output, more));
        assert_eq!(answer.stop, stop, "{more}: {output}");
        assert_eq!(answer.stop_reason, reason, "{more}: {output}");
    }
    assert_eq!(read(&half).stop, Stop::Truncated);
    assert_eq!(read(&declined).text, "I won't.");
    let failed = r#"{"status":"failed","error":{"code":"server_error","message":"boom"}}"#;
    assert!(refused(failed).ends_with("no message: server_error: boom"));
    let failed = r#"{"status":"failed","error":{"message":"boom"},"output":[]}"#;
    assert!(refused(failed).ends_with("no message: boom"));
    let failed = r#"{"status":"failed","output":[]}"#;
    assert!(refused(failed).ends_with("the response failed, and doesn't say why"));
}

#[test]
fn what_cannot_be_run_is_refused_with_a_cure() {
    let doubled = format!(
        "[{},{REASONING},{}]",
        call("a", "completed"),
        call("a", "completed")
    );
    let long = format!("[{}]", call(&"x".repeat(65), "completed"));
    let control = format!("[{}]", call("a\\n", "completed"));
    insta::assert_snapshot!(refusals(
        parse,
        [
            "",
            "not json",
            "[{}",
            "7",
            "{}",
            "[7]",
            "[{}]",
            "{\"output\":{}}",
            "{\"error\":{\"message\":\"no\"}}",
            "{\"output\":[],\"output\":[]}",
            "[{\"role\":\"user\",\"content\":\"hello\"}]",
            "[{\"type\":\"message\",\"role\":\"assistant\",\"content\":7}]",
            "[{\"type\":\"function_call_output\",\"call_id\":\"a\",\"output\":\"x\"}]",
            "[{\"type\":\"function_call\",\"name\":\"f\",\"id\":\"fc_1\"}]",
            "[{\"type\":\"function_call\",\"name\":\"f\",\"call_id\":\"\"}]",
            "[{\"type\":\"function_call\",\"call_id\":\"a\"}]",
            "[{\"type\":\"custom_tool_call\",\"call_id\":\"a\",\"name\":\"f\",\"input\":{}}]",
            &doubled,
            &long,
            &control,
        ]
    ));
}

#[test]
fn no_input_makes_the_parser_panic() {
    let whole = response(&items(), r#""status":"completed""#);
    for end in 0..whole.len() {
        assert!(parse(&whole.as_bytes()[..end]).is_err());
    }
    let mut bytes = whole.into_bytes();
    for index in 0..bytes.len() {
        for other in [0xff, b'"', b'[', b'{', b'}', b'0', b'\\', b'n'] {
            let kept = std::mem::replace(&mut bytes[index], other);
            let read = parse(&bytes);
            assert!(other != 0xff || read.is_err(), "byte {index}");
            bytes[index] = kept;
        }
    }
}

#[test]
fn results_are_byte_exact() {
    let calls: Vec<String> = (0..7)
        .map(|index| call(&format!("call_{index}"), "completed"))
        .collect();
    let answer = read(&format!("[{}]", calls.join(",")));
    insta::assert_snapshot!(lines(&render(
        &answer.calls,
        &report(&answer.calls, all_sorts())
    )));
}

#[test]
fn rich_parts_are_shown_where_the_api_reads_them() {
    let answer = read(&items());
    let outcomes = vec![
        completed(rich_parts()),
        Outcome::text("plain"),
        tool_error(rich_parts()),
    ];
    insta::assert_snapshot!(lines(&render(
        &answer.calls,
        &report(&answer.calls, outcomes)
    )));
}
