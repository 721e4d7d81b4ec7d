//! Messages in, results out.

use callboard_coordinator_core::run::{Stop, Usage};
use callboard_proto::Outcome;

use crate::model::ModelAnswer;
use crate::provider::chat::{parse, render};
use crate::provider::openai::testing::{
    all_sorts, completed, described, image, lines, refusals, report, rich_parts, text,
};

const MESSAGE: &str = r#"{ "role":"assistant", "content":"Let me look.", "refusal":null, "annotations":[],
 "reasoning_content":"hm", "tool_calls":[
  {"id":"call_A","type":"function","function":{"name":"get_weather","arguments":"{ \"city\" : \"Par\\u0069s\", \"big\": 12345678901234567890123 }"},
   "extra_content":{"google":{"thought_signature":"c2ln"}}},
  {"id":"call_B","type":"custom","custom":{"name":"run_sql","input":"select \"1\"\n"}},
  {"id":"call_C","type":"function","function":{"name":"get_time","arguments":""}}]}"#;

fn response(message: &str, reason: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","model":"m","choices":[{{"index":0,"message":{message},
        "logprobs":null,"finish_reason":{reason}}}],"usage":{{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}}}"#
    )
}

fn read(input: &str) -> ModelAnswer {
    parse(input.as_bytes()).unwrap()
}

#[test]
fn a_response_is_taken_apart_and_its_message_kept_as_it_is() {
    for (input, usage, reason) in [
        (format!("\u{feff}\n{MESSAGE}\n"), None, ""),
        (
            response(MESSAGE, "\"tool_calls\""),
            Some(Usage {
                input_tokens: 11,
                output_tokens: 7,
            }),
            "tool_calls",
        ),
    ] {
        let answer = read(&input);
        assert_eq!(answer.echo.len(), 1);
        assert_eq!(answer.echo[0].get(), MESSAGE);
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
                ("call_C", "get_time", "{}", false),
            ]
        );
        assert!(answer.calls.iter().all(|call| call.reply.id.is_none()));
    }
}

fn with_calls(calls: &str) -> String {
    format!(r#"{{"role":"assistant","content":null,"tool_calls":[{calls}]}}"#)
}

fn call(id: &str, arguments: &str) -> String {
    format!(r#"{{{id}"type":"function","function":{{"name":"f","arguments":{arguments}}}}}"#)
}

#[test]
fn arguments_are_the_text_that_the_model_wrote() {
    for (written, read_as) in [
        (r#""{\"a\":1}""#, r#"{"a":1}"#),
        (r#""""#, "{}"),
        (r#"" \n""#, "{}"),
        ("null", "{}"),
        // Some compatible servers send the object itself.
        (r#"{"a" : 1.0}"#, r#"{"a" : 1.0}"#),
        // vLLM calls a call that was cut off complete: whether this is JSON is the catalogue's affair.
        (r#""{\"a\":""#, r#"{"a":"#),
        (r#""\"{}\"""#, r#""{}""#),
        ("7", "7"),
    ] {
        let answer = read(&with_calls(&call("\"id\":\"a\",", written)));
        assert_eq!(answer.calls[0].arguments, read_as, "{written}");
    }
}

#[test]
fn the_reason_decides_what_becomes_of_the_calls() {
    let calls = with_calls(&call("\"id\":\"a\",", "\"{}\""));
    let refused = calls.replace("null", "null,\"refusal\":\"I won't.\"");
    let none = r#"{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"x"},{"type":"text","text":"b"}],"tool_calls":[]}"#;
    let unknown = |reason: &str| Stop::Unknown(reason.to_owned());
    for (message, reason, stop) in [
        (&*calls, "\"tool_calls\"", Stop::Calls),
        (&*calls, "\"stop\"", Stop::Calls),
        (&*calls, "null", Stop::Calls),
        (&*calls, "\"length\"", Stop::Truncated),
        (&*calls, "\"content_filter\"", Stop::Declined),
        (&*calls, "\"function_call\"", unknown("function_call")),
        (&*calls, "\"new\"", unknown("new")),
        (&*refused, "\"stop\"", Stop::Declined),
        (&*refused, "\"tool_calls\"", Stop::Declined),
        (&*refused, "\"length\"", Stop::Truncated),
        (none, "\"stop\"", Stop::Done),
        (none, "\"tool_calls\"", Stop::Done),
        (none, "null", Stop::Done),
        (none, "\"length\"", Stop::Truncated),
    ] {
        let answer = read(&response(message, reason));
        assert_eq!(answer.stop, stop, "{reason}: {message}");
    }
    assert_eq!(read(none).text, "ab");
    assert_eq!(read(&refused).text, "I won't.");
    assert_eq!(read(&refused).stop_reason, "refusal");
}

#[test]
fn an_id_that_is_missing_or_doubled_is_replaced_in_call_and_result() {
    let message = with_calls(&format!(
        "{}, {}, {}, {}, {}, {}",
        call("\"id\":\"call_0\",", "\"{}\""),
        call("\"id\" : \"call_0\", ", "\"{}\""),
        call("", "\"{}\""),
        call("\"id\":null,", "\"{}\""),
        call("\"id\":\"\",", "\"{}\""),
        call("\"id\":\"c1\",", "\"{}\""),
    ));
    let answer = read(&message);
    let ids: Vec<&str> = answer.calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["call_0", "c1", "c2", "c3", "c4", "c5"]);
    let wire: Vec<Option<&str>> = answer
        .calls
        .iter()
        .map(|call| call.reply.id.as_deref())
        .collect();
    assert_eq!(wire[0], None);
    assert_eq!(wire[5], Some("c1"));
    for id in wire[1..5].iter().flatten() {
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
    let outcomes = ids.iter().map(|_| Outcome::text("ok")).collect();
    let rendered = render(&answer.calls, &report(&answer.calls, outcomes));
    insta::assert_snapshot!(format!("{}\n{}", answer.echo[0], lines(&rendered)));
    assert_eq!(described(&read(&message)), described(&answer));
}

#[test]
fn an_id_that_only_callboard_cant_use_stays_the_providers() {
    let long = "x".repeat(257);
    let message = with_calls(&call(&format!("\"id\":\"{long}\","), "\"{}\""));
    let answer = read(&message);
    assert_eq!(answer.calls[0].id.as_str(), "c0");
    assert_eq!(answer.calls[0].reply.id.as_deref(), Some(&*long));
    assert_eq!(answer.echo[0].get(), message);
}

#[test]
fn arguments_that_are_no_text_are_run_as_they_came_and_repeated_as_text() {
    let cases = [
        ("{\"a\": 1.50}", "\"{\\\"a\\\": 1.50}\"", "{\"a\": 1.50}"),
        ("null", "\"{}\"", "{}"),
        ("[7]", "\"[7]\"", "[7]"),
        ("\"{}\"", "\"{}\"", "{}"),
        ("\"\"", "\"\"", "{}"),
    ];
    for (arguments, echoed, run) in cases {
        let id = "\"id\":\"a\",";
        let answer = read(&with_calls(&call(id, arguments)));
        assert_eq!(answer.calls[0].arguments, run);
        let expected = with_calls(&call(id, echoed));
        assert_eq!(answer.echo[0].get(), expected, "{arguments}");
    }
    // With an id to be made up as well, and with nothing at all.
    let message = with_calls("{\"type\":\"function\",\"function\":{\"name\":\"f\"}}");
    let answer = read(&message);
    let id = answer.calls[0].reply.id.as_deref().unwrap();
    let expected = format!(
        "{{\"id\":\"{id}\",\"type\":\"function\",\"function\":{{\"arguments\":\"{{}}\",\"name\":\"f\"}}}}"
    );
    assert_eq!(answer.echo[0].get(), with_calls(&expected));
    // What isn't a function has no arguments.
    let custom = with_calls(
        "{\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"x\"}}",
    );
    assert_eq!(read(&custom).echo[0].get(), custom);
}

#[test]
fn a_call_of_an_unknown_kind_is_a_call_of_an_unknown_tool() {
    let answer = read(&with_calls(
        r#"{"id":"a","type":"mcp","mcp":{"x":1}},{"id":"b","custom":{"name":"n"}},{"id":"c","type":"","function":{"name":"multi_tool_use.parallel"}}"#,
    ));
    let names: Vec<&str> = answer.calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["mcp", "n", "multi_tool_use.parallel"]);
    assert_eq!(answer.calls[1].arguments, r#"{"input":""}"#);
}

#[test]
fn what_cannot_be_run_is_refused_with_a_cure() {
    let calls = with_calls("7");
    insta::assert_snapshot!(refusals(
        parse,
        [
            "",
            "not json",
            "{\"role\":\"assistant\"",
            "[]",
            "7",
            "{}",
            "{\"error\":{\"message\":\"no\"}}",
            "{\"choices\":[]}",
            "{\"choices\":{}}",
            "{\"choices\":[{\"finish_reason\":\"stop\"}]}",
            "{\"role\":\"user\",\"content\":\"hello\"}",
            "{\"role\":\"assistant\",\"role\":\"user\"}",
            "{\"role\":\"assistant\",\"content\":7}",
            "{\"role\":\"assistant\",\"tool_calls\":{}}",
            &calls,
            &with_calls("{\"id\":\"a\",\"type\":\"function\"}"),
            &with_calls("{\"id\":\"a\",\"type\":\"function\",\"function\":{}}"),
            &with_calls("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":7}}"),
        ]
    ));
}

#[test]
fn no_input_makes_the_parser_panic() {
    let whole = response(MESSAGE, "\"tool_calls\"");
    for end in 0..whole.len() {
        assert!(whole.is_char_boundary(end) && parse(&whole.as_bytes()[..end]).is_err());
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

fn answered(outcomes: Vec<Outcome>) -> String {
    let calls: Vec<String> = (0..outcomes.len())
        .map(|index| call(&format!("\"id\":\"call_{index}\","), "\"{}\""))
        .collect();
    let answer = read(&with_calls(&calls.join(",")));
    lines(&render(&answer.calls, &report(&answer.calls, outcomes)))
}

#[test]
fn results_are_byte_exact() {
    insta::assert_snapshot!(answered(all_sorts()));
}

#[test]
fn images_follow_the_results_in_one_message() {
    insta::assert_snapshot!(answered(vec![
        completed(rich_parts()),
        Outcome::text("plain"),
        completed(vec![image("image/webp", b"w"), text("under it")]),
    ]));
}
