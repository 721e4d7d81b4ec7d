//! Whole responses, candidates and contents.

use std::error::Error as _;

use callboard_coordinator_core::run::{Stop, Usage};

use super::{calls, facts};
use crate::provider::gemini::parse;
use crate::provider::{Format, ParseError};

const CONTENT: &str = r#"{"parts":[
    {"text":"**Thinking**","thought":true},
    {"text":"Let me "}, {"text":"look."},
    {"functionCall":{"id":"a1","name":"get_weather","args":{ "city" : "Par\u0069s", "big": 12345678901234567890123 }},"thoughtSignature":"c2ln"},
    {"functionCall":{"name":"get_time"}},
    {"functionCall":{"id":"a1","name":"get_time","args":null}},
    {"executableCode":{"language":"PYTHON","code":"1"}, "text": null},
    {"newThing":[7]}], "role":"model"}"#;

/// What the second call named `a1` is called: it follows from the call alone.
const NEW_ID: &str = "cirntdztx";

/// The content as it came, but for the id that two calls have.
fn echo() -> String {
    let (first, second) = CONTENT.rsplit_once("\"a1\"").unwrap();
    format!("{first}\"{NEW_ID}\"{second}")
}

fn response() -> String {
    format!(
        r#"{{"candidates":[{{"content":{CONTENT},"finishReason":"STOP","index":0}},{{"content":7}}],
            "usageMetadata":{{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":7,"toolUsePromptTokenCount":1,"totalTokenCount":23}},
            "modelVersion":"m","responseId":"r"}}"#
    )
}

#[test]
fn a_response_is_taken_apart_and_kept_as_it_is() {
    let answer = parse(response().as_bytes()).unwrap();
    assert_eq!(
        calls(&answer.calls),
        [
            r#"a1 get_weather { "city" : "Par\u0069s", "big": 12345678901234567890123 } a1"#,
            "c1 get_time {} -",
            &*format!("c2 get_time {{}} {NEW_ID}"),
        ]
    );
    assert_eq!(answer.text, "Let me look.");
    assert_eq!(answer.echo.len(), 1);
    assert_eq!(answer.echo[0].get(), echo());
    assert_eq!(
        (answer.stop, answer.stop_reason.as_str()),
        (Stop::Calls, "STOP")
    );
    let usage = Usage {
        input_tokens: 11,
        output_tokens: 12,
    };
    assert_eq!(answer.usage, Some(usage));
}

#[test]
fn every_form_of_a_response_says_the_same() {
    let response = response();
    let expected = facts(&parse(response.as_bytes()).unwrap());
    let forms = [
        format!("\u{feff}\n{response}\n"),
        format!("[{response}]"),
        format!("[{response},{{\"candidates\":[]}}]"),
        response
            .replace("finishReason", "finish_reason")
            .replace("usageMetadata", "usage_metadata")
            .replace("TokenCount", "_token_count")
            .replace("toolUsePrompt", "tool_use_prompt"),
    ];
    for form in forms {
        assert_eq!(facts(&parse(form.as_bytes()).unwrap()), expected, "{form}");
    }
    // Without usage and reason, what is left is the same: a bare content asks for its calls.
    for form in [
        CONTENT.to_owned(),
        format!("{{\"content\":{CONTENT}}}"),
        format!(
            "{{\"candidates\":[{{\"content\":{CONTENT},\"finishReason\":\"FINISH_REASON_UNSPECIFIED\"}}]}}"
        ),
    ] {
        let answer = parse(form.as_bytes()).unwrap();
        let got = facts(&answer);
        assert_eq!(
            (&got.0, &got.1, &got.4),
            (&expected.0, &expected.1, &expected.4)
        );
        assert_eq!(
            (answer.stop, answer.stop_reason.as_str()),
            (Stop::Calls, "")
        );
        Format::Gemini
            .must_run(&parse(form.as_bytes()).unwrap())
            .unwrap();
    }
}

#[test]
fn snake_case_is_read_as_the_sdk_dumps_it() {
    let dumped = r#"{"parts":[{"function_call":{"id":null,"args":{"a":1},"name":"x","partial_args":null,"will_continue":null},
        "text":null,"thought":null,"thought_signature":"c2ln"}],"role":"model"}"#;
    let answer = parse(dumped.as_bytes()).unwrap();
    assert_eq!(calls(&answer.calls), [r#"c0 x {"a":1} -"#]);
}

#[test]
fn a_content_without_a_role_is_echoed_as_the_models() {
    let answer = parse(br#"{"parts":[{"text":"a"}, {"text":""}]}"#).unwrap();
    let echo = r#"{"role":"model","parts":[{"text":"a"},{"text":""}]}"#;
    assert_eq!(answer.echo[0].get(), echo);
    assert_eq!(answer.stop, Stop::Done);
    let nothing = br#"{"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}"#;
    assert!(parse(nothing).unwrap().echo.is_empty());
}

#[test]
fn a_response_that_is_to_be_continued_is_paused_where_it_can_be() {
    let with = |parts: &str, token: &str| {
        let content = format!(r#"{{"role":"model","parts":[{parts}]}}"#);
        let candidate = format!(r#"{{"content":{content},"finishReason":"CONTINUATION"{token}}}"#);
        parse(format!(r#"{{"candidates":[{candidate}]}}"#).as_bytes()).unwrap()
    };
    let (text, call) = (r#"{"text":"a"}"#, r#"{"functionCall":{"name":"x"}}"#);
    let token = r#","continuationToken":"dG9rZW4=""#;
    let answer = with(text, token);
    assert_eq!(
        (answer.stop, answer.resume.as_deref()),
        (Stop::Paused, Some("dG9rZW4="))
    );
    // Without a token, or in the middle of calls, nobody knows how to go on.
    for (parts, token) in [
        (text, ""),
        (text, r#","continuationToken":"""#),
        (call, token),
    ] {
        let answer = with(parts, token);
        assert_eq!(answer.stop, Stop::Unknown("CONTINUATION".to_owned()));
        assert_eq!(answer.resume, None);
    }
}

#[test]
fn the_reason_decides_what_runs() {
    let with = |reason: &str| {
        let content = r#"{"role":"model","parts":[{"functionCall":{"name":"x"}}]}"#;
        format!(r#"{{"candidates":[{{"content":{content},"finishReason":"{reason}"}}]}}"#)
    };
    let unknown = |reason: &str| Stop::Unknown(reason.to_owned());
    for (reason, stop) in [
        ("STOP", Stop::Calls),
        ("MAX_TOKENS", Stop::Truncated),
        ("SAFETY", Stop::Declined),
        ("RECITATION", Stop::Declined),
        ("MODEL_ARMOR", Stop::Declined),
        ("OTHER", unknown("OTHER")),
        (
            "MALFORMED_FUNCTION_CALL",
            unknown("MALFORMED_FUNCTION_CALL"),
        ),
        ("UNEXPECTED_TOOL_CALL", unknown("UNEXPECTED_TOOL_CALL")),
        ("TOO_MANY_TOOL_CALLS", unknown("TOO_MANY_TOOL_CALLS")),
        (
            "MISSING_THOUGHT_SIGNATURE",
            unknown("MISSING_THOUGHT_SIGNATURE"),
        ),
        ("MALFORMED_RESPONSE", unknown("MALFORMED_RESPONSE")),
        ("CONTINUATION", unknown("CONTINUATION")),
        ("SOMETHING_NEW", unknown("SOMETHING_NEW")),
    ] {
        let answer = parse(with(reason).as_bytes()).unwrap();
        assert_eq!(answer.stop, stop, "{reason}");
        assert_eq!(answer.stop_reason, reason);
        let ran = Format::Gemini.must_run(&answer);
        assert_eq!(ran.is_ok(), stop == Stop::Calls, "{reason}");
    }
    let malformed = br#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"Malformed function call: print("}]}"#;
    let answer = parse(malformed).unwrap();
    assert_eq!(answer.stop, unknown("MALFORMED_FUNCTION_CALL"));
    let blocked = br#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":3}}"#;
    let answer = parse(blocked).unwrap();
    assert_eq!(
        (answer.stop, answer.stop_reason.as_str()),
        (Stop::Declined, "PROHIBITED_CONTENT")
    );
}

#[test]
fn a_part_without_a_name_continues_the_call_before_it() {
    for (second, expected) in [
        (r#"{"functionCall":{"args":{"b":2}}}"#, r#"{"a":1,"b":2}"#),
        (
            r#"{"functionCall":{"name":"","args":{"a":3}}}"#,
            r#"{"a":3}"#,
        ),
        (r#"{"functionCall":{}}"#, r#"{"a":1}"#),
    ] {
        let content = format!(
            r#"{{"role":"model","parts":[{{"functionCall":{{"name":"x","args":{{"a":1}}}},"thoughtSignature":"s"}},{second},{{"functionCall":{{"name":"y"}}}}]}}"#
        );
        let answer = parse(content.as_bytes()).unwrap();
        assert_eq!(
            calls(&answer.calls),
            [format!("c0 x {expected} -"), "c1 y {} -".to_owned()]
        );
        // The API counts parts: two for one call would want two results.
        let echo = format!(
            r#"{{"role":"model","parts":[{{"functionCall":{{"name":"x","args":{expected}}},"thoughtSignature":"s"}},{{"functionCall":{{"name":"y"}}}}]}}"#
        );
        assert_eq!(answer.echo[0].get(), echo);
    }
    let late = r#"{"parts":[{"functionCall":{"name":"x"}},{"functionCall":{"id":"i","args":{"big":12345678901234567890123}},"thoughtSignature":"s"}]}"#;
    let answer = parse(late.as_bytes()).unwrap();
    assert_eq!(
        calls(&answer.calls),
        [r#"i x {"big":12345678901234567890123} i"#]
    );
    let echo = r#"{"role":"model","parts":[{"functionCall":{"name":"x","id":"i","args":{"big":12345678901234567890123}},"thoughtSignature":"s"}]}"#;
    assert_eq!(answer.echo[0].get(), echo);
}

#[test]
fn what_cannot_be_run_is_refused_with_a_cure() {
    let parts = |parts: &str| format!(r#"{{"role":"model","parts":[{parts}]}}"#);
    let cases = [
        String::new(),
        "not json".to_owned(),
        "{\"role\":\"model\"".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "7".to_owned(),
        "[7]".to_owned(),
        "[[]]".to_owned(),
        "{\"candidates\":[]}".to_owned(),
        "{\"candidates\":7}".to_owned(),
        "{\"candidates\":[7]}".to_owned(),
        "{\"error\":{\"code\":429,\"message\":\"slow down\",\"status\":\"RESOURCE_EXHAUSTED\"}}"
            .to_owned(),
        "{\"role\":\"user\",\"parts\":[{\"text\":\"hello\"}]}".to_owned(),
        "{\"role\":\"model\",\"role\":\"user\",\"parts\":[]}".to_owned(),
        "{\"role\":\"model\",\"parts\":7}".to_owned(),
        parts(""),
        parts("{\"text\":\"hello\"}"),
        parts("7"),
        parts("{\"text\":\"a\"},[\"x\"]"),
        parts("{\"functionCall\":7}"),
        parts("{\"functionCall\":{\"name\":7}}"),
        parts("{\"functionCall\":{\"args\":{}}}"),
        parts(
            "{\"functionCall\":{\"name\":\"x\"}},{\"text\":\"\"},{\"functionCall\":{\"args\":{}}}",
        ),
        parts("{\"functionCall\":{\"name\":\"x\",\"willContinue\":true}}"),
        parts(
            "{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":\"$.a\",\"stringValue\":\"b\"}]}}",
        ),
    ];
    let mut texts = String::new();
    for case in cases {
        let error = parse(case.as_bytes())
            .and_then(|answer| Format::Gemini.must_run(&answer))
            .unwrap_err();
        texts.push_str(&format!("{case}\n=> {}: {error}", error.code()));
        if let Some(source) = error.source() {
            texts.push_str(&format!(": {source}"));
        }
        texts.push_str("\n\n");
    }
    insta::assert_snapshot!(texts);
    assert!(matches!(parse(b"\xff"), Err(ParseError::NotUtf8(_))));
}

#[test]
fn no_input_makes_the_parser_panic() {
    let response = response();
    for end in 0..response.len() {
        assert!(parse(&response.as_bytes()[..end]).is_err());
    }
    let mut bytes = response.into_bytes();
    for index in 0..bytes.len() {
        for damage in [0xff, b'[', b'"', b'0'] {
            let kept = std::mem::replace(&mut bytes[index], damage);
            let read = parse(&bytes);
            assert!(damage != 0xff || read.is_err(), "0xff is never UTF-8");
            bytes[index] = kept;
        }
    }
}
