//! Streams.

use callboard_coordinator_core::run::Stop;
use serde_json::{Value, json};

use crate::model::{ModelAnswer, ToolUse};
use crate::provider::openai::testing::{
    assemble, assert_same, assert_sealed_stay, described, events,
};
use crate::provider::{Format, StreamError, chat};

fn chunk(delta: &Value, reason: Option<&str>) -> String {
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "obfuscation": "xxxx",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]});
    format!("data: {chunk}\n\n")
}

pub(super) fn stream(deltas: &[Value], reason: &str) -> String {
    let mut stream: String = deltas.iter().map(|delta| chunk(delta, None)).collect();
    stream.push_str(&chunk(&json!({}), Some(reason)));
    stream.push_str(
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7}}\n\n",
    );
    stream.push_str("data: [DONE]\n\n");
    stream
}

fn whole(message: &Value, reason: &str) -> ModelAnswer {
    let response = json!({"choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7}});
    chat::parse(response.to_string().as_bytes()).unwrap()
}

fn ids(calls: &[ToolUse]) -> Vec<&str> {
    calls.iter().map(|call| call.id.as_str()).collect()
}

pub(super) fn read(stream: &str) -> (Vec<ToolUse>, Result<ModelAnswer, StreamError>) {
    let all = events(stream.as_bytes(), usize::MAX);
    assert_sealed_stay(Format::Chat, &all);
    assemble(Format::Chat, &all)
}

pub(super) fn fragment(
    index: Option<u64>,
    id: Option<&str>,
    name: Option<&str>,
    arguments: Option<&str>,
) -> Value {
    let mut call = json!({"function": {}});
    if let Some(index) = index {
        call["index"] = index.into();
    }
    if let Some(id) = id {
        call["id"] = id.into();
        call["type"] = "function".into();
    }
    if let Some(name) = name {
        call["function"]["name"] = name.into();
    }
    if let Some(arguments) = arguments {
        call["function"]["arguments"] = arguments.into();
    }
    json!({ "tool_calls": [call] })
}

#[test]
fn a_stream_is_the_answer_that_the_whole_response_would_have_been() {
    let deltas = [
        json!({"role": "assistant", "content": null, "refusal": null}),
        json!({"reasoning_content": "Let me ", "annotations": [1]}),
        json!({"reasoning_content": "think.", "annotations": [2], "obfuscation": "zz"}),
        json!({"content": "gr\u{fc}"}),
        json!({"content": "\u{df} \u{1f600}", "seen": {"a": 1}}),
        json!({"seen": {"b": 2}, "reasoning_content": null}),
        json!({"tool_calls": [{"index": 0, "id": "call_A", "type": "function", "function": {"name": "f", "arguments": ""},
            "extra_content": {"google": {"thought_signature": "c2ln"}}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}),
        json!({"tool_calls": [{"index": 1, "id": "call_B", "type": "custom", "custom": {"name": "sql", "input": "sel"}}]}),
        json!({"tool_calls": [{"index": 1, "custom": {"input": "ect"}}]}),
        json!({"tool_calls": [{"index": 2, "id": "call_C", "type": "function", "function": {"name": "g", "arguments": ""}}]}),
    ];
    let message = json!({"role": "assistant", "content": "gr\u{fc}\u{df} \u{1f600}", "refusal": null,
        "reasoning_content": "Let me think.", "annotations": [1, 2], "seen": {"b": 2}, "tool_calls": [
        {"id": "call_A", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"},
            "extra_content": {"google": {"thought_signature": "c2ln"}}},
        {"id": "call_B", "type": "custom", "custom": {"name": "sql", "input": "select"}},
        {"id": "call_C", "type": "function", "function": {"name": "g", "arguments": ""}}]});
    let expected = whole(&message, "tool_calls");
    let text = stream(&deltas, "tool_calls");
    for text in [text.clone(), text.replace('\n', "\r\n")] {
        for bytes_max in [1, 2, 3, 7, 64, usize::MAX] {
            let (sealed, answer) = assemble(Format::Chat, &events(text.as_bytes(), bytes_max));
            assert_same(
                &answer.unwrap(),
                &expected,
                &format!("pieces of {bytes_max}"),
            );
            // A custom call's text has no end of its own.
            assert_eq!(ids(&sealed), ["call_A"]);
        }
    }
    assert_sealed_stay(Format::Chat, &events(text.as_bytes(), usize::MAX));
}

#[test]
fn a_call_is_sealed_once_another_begins_and_the_last_one_never() {
    let f = fragment;
    let deltas = [
        f(Some(0), Some("a"), Some("f"), Some("")),
        f(Some(0), None, None, Some("{}")),
        f(Some(1), Some("b"), Some("f"), Some("{")),
        f(Some(2), Some("c"), Some("f"), Some("{}")),
        f(Some(3), Some("d"), Some("f"), Some("{}")),
    ];
    let sealed = |end: usize| {
        let stream: String = deltas[..end]
            .iter()
            .map(|delta| chunk(delta, None))
            .collect();
        let (sealed, answer) = read(&stream);
        assert!(matches!(answer, Err(StreamError::Cut)));
        sealed.len()
    };
    // `b` isn't whole JSON, so neither it nor what is behind it is surely whole.
    assert_eq!([0, 1, 2, 3, 4, 5].map(sealed), [0, 0, 0, 1, 1, 1]);
    let (sealed, _) = read(&stream(&deltas, "tool_calls"));
    assert_eq!(ids(&sealed), ["a"]);
}

#[test]
fn a_call_that_was_given_early_must_stay_as_it_was() {
    let f = fragment;
    let deltas = [
        f(Some(0), Some("a"), Some("f"), Some("{}")),
        f(Some(1), Some("b"), Some("f"), Some("{}")),
        f(Some(0), None, None, Some("{}")),
    ];
    let (sealed, answer) = read(&stream(&deltas, "tool_calls"));
    assert_eq!(ids(&sealed), ["a"]);
    assert!(matches!(answer, Err(StreamError::Contradiction(_))));
}

#[test]
fn the_end_is_what_the_server_says_and_no_less() {
    let call = fragment(Some(0), Some("a"), Some("f"), Some("{}"));
    let begun = chunk(&call, None);
    let ended = |reason| format!("{begun}{}", chunk(&json!({}), Some(reason)));
    let stop = |stream: &str| read(stream).1.map(|answer| answer.stop);
    assert!(matches!(stop(""), Err(StreamError::Cut)));
    assert!(matches!(stop("data: [DONE]\n\n"), Err(StreamError::Cut)));
    assert!(matches!(stop(&begun), Err(StreamError::Cut)));
    assert_eq!(stop(&ended("tool_calls")).unwrap(), Stop::Calls);
    assert_eq!(stop(&ended("stop")).unwrap(), Stop::Calls);
    assert_eq!(stop(&ended("length")).unwrap(), Stop::Truncated);
    assert_eq!(stop(&ended("content_filter")).unwrap(), Stop::Declined);
    // vLLM sometimes gives no reason.
    assert_eq!(
        stop(&format!("{begun}data: [DONE]\n\n")).unwrap(),
        Stop::Calls
    );
    let empty = chunk(&json!({"tool_calls": []}), Some("tool_calls"));
    assert_eq!(stop(&empty).unwrap(), Stop::Done);
    let refusal = chunk(&json!({"refusal": "I wo"}), None)
        + &chunk(&json!({"refusal": "n't."}), Some("stop"));
    let (_, answer) = read(&refusal);
    assert_eq!(
        described(&answer.unwrap()),
        "Declined (\"refusal\") \"I won't.\" None"
    );

    let mut assembler = Format::Chat.assembler();
    let text = stream(&[call], "tool_calls");
    let all = events(text.as_bytes(), usize::MAX);
    let whole: Vec<bool> = all
        .iter()
        .map(|event| {
            assembler.take(event).unwrap();
            assembler.is_whole()
        })
        .collect();
    assert_eq!(whole, [false, false, true, true]);
}

#[test]
fn an_error_in_the_middle_is_the_providers() {
    let begun = chunk(&json!({"content": "a"}), None);
    for (event, code, is_retryable) in [
        (
            r#"data: {"error":{"message":"boom","type":"server_error","code":null}}"#,
            "server_error",
            true,
        ),
        (
            r#"data: {"error":{"message":"no","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            "insufficient_quota",
            false,
        ),
        (
            r#"data: {"object":"error","message":"engine","type":"InternalServerError","code":500}"#,
            "InternalServerError",
            true,
        ),
        (
            "event: error\ndata: {\"message\":\"odd\",\"type\":\"odd_error\"}",
            "odd_error",
            false,
        ),
    ] {
        let (_, answer) = read(&format!("{begun}{event}\n\n"));
        let Err(StreamError::Provider(error)) = answer else {
            panic!("{event}: {answer:?}");
        };
        assert_eq!(
            (error.code.as_str(), error.is_retryable),
            (code, is_retryable)
        );
    }
}

#[test]
fn what_is_no_chunk_is_an_error_and_what_is_none_of_ours_is_passed_over() {
    let read_data = |data: &str| read(&format!("data: {data}\n\ndata: [DONE]\n\n")).1;
    for broken in [
        "nonsense",
        "[]",
        "7",
        "{\"choices\":7}",
        "{\"choices\":[7]}",
        "{\"choices\":[{\"delta\":7}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":7}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[7]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":7}]}}]}",
        "{\"choices\":[{\"finish_reason\":7}]}",
    ] {
        let answer = read_data(broken);
        assert!(
            matches!(answer, Err(StreamError::Event { .. })),
            "{broken}: {answer:?}"
        );
    }
    let nameless =
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#;
    assert!(matches!(read_data(nameless), Err(StreamError::Answer(_))));
    let other = r#"{"choices":[{"index":1,"delta":{"content":"other"}},{"index":0,"delta":{"content":"ours"}}]}"#;
    assert_eq!(read_data(other).unwrap().text, "ours");
    let azure = r#"data: {"choices":[],"prompt_filter_results":[]}"#;
    let (_, answer) = read(&format!(
        "{azure}\n\n{}",
        stream(&[json!({"content": "a"})], "stop")
    ));
    assert_eq!(answer.unwrap().text, "a");
}

#[test]
fn a_string_keeps_its_escapes_and_may_be_parted_between_surrogates() {
    let delta = |delta: &str| format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
    let text = [
        delta(r#"{"content":"gr\u00fc\ud83d"}"#),
        delta(r#"{"content":"\ude00\/"}"#),
        delta(r#"{"lone":"a\ud83d"}"#),
        delta(
            r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"a\":\"\ud83d"}}]}"#,
        ),
        delta(r#"{"tool_calls":[{"id":"a","function":{"arguments":"\ude00\"}"}}]}"#),
        "data: [DONE]\n\n".to_owned(),
    ];
    let (_, answer) = read(&text.concat());
    let answer = answer.unwrap();
    assert_eq!(answer.text, "gr\u{fc}\u{1f600}/");
    assert_eq!(answer.calls[0].arguments, "{\"a\":\"\u{1f600}\"}");
    let echo = r#"{"role":"assistant","content":"gr\u00fc\ud83d\ude00\/","lone":"a���","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\":\"\ud83d\ude00\"}"}}]}"#;
    assert_eq!(answer.echo[0].get(), echo);
}

/// Any text, cut at characters.
fn cut(random: &mut fastrand::Rng, text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in text.chars() {
        if random.u8(..) < 60 {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push(character);
    }
    pieces
}

#[test]
fn any_response_streamed_in_any_pieces_is_the_same() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let names = ["f", "get_weather", "g\u{fc}"];
        let texts = [
            "",
            "{}",
            "{\"a\":\"\\\"}{\"}",
            "{\"a\":{\"b\":[1,2]}}",
            "{\"cut",
            "none",
        ];
        let mut message = json!({"role": "assistant", "content": null});
        let mut deltas = vec![json!({"role": "assistant", "content": null})];
        if random.bool() {
            message["content"] = "h\u{e9}llo \u{1f600}".into();
            let pieces = cut(&mut random, "h\u{e9}llo \u{1f600}");
            deltas.extend(pieces.iter().map(|piece| json!({ "content": piece })));
        }
        let count = random.u64(..4);
        if count > 0 {
            message["tool_calls"] = json!([]);
        }
        for index in 0..count {
            let id = ["call_0".to_owned(), format!("call_{index}"), String::new()]
                [random.usize(..3)]
            .clone();
            let name = names[random.usize(..names.len())];
            let arguments = texts[random.usize(..texts.len())];
            let mut call =
                json!({"type": "function", "function": {"name": name, "arguments": arguments}});
            if !id.is_empty() {
                call["id"] = id.clone().into();
            }
            message["tool_calls"].as_array_mut().unwrap().push(call);
            deltas.push(fragment(Some(index), Some(&id), Some(name), Some("")));
            let pieces = cut(&mut random, arguments);
            deltas.extend(
                pieces
                    .iter()
                    .map(|piece| fragment(Some(index), None, None, Some(piece))),
            );
        }
        let reason = ["tool_calls", "stop", "length", "content_filter", "new"][random.usize(..5)];
        let text = stream(&deltas, reason);
        let all = events(text.as_bytes(), random.usize(1..40));
        let (sealed, answer) = assemble(Format::Chat, &all);
        let answer = answer.unwrap();
        assert_same(&answer, &whole(&message, reason), &format!("seed {seed}"));
        assert_eq!(ids(&sealed), ids(&answer.calls)[..sealed.len()]);
        assert_sealed_stay(Format::Chat, &all);
    }
}

#[test]
fn fragments_that_bring_nothing_cost_nothing() {
    let call = |index: usize, arguments: &str| {
        json!({"tool_calls": [{"index": index, "id": format!("call_{index}"),
        "type": "function", "function": {"name": "echo", "arguments": arguments}}]})
    };
    let large = json!({"text": "x".repeat(1_000_000)}).to_string();
    let empty = json!({"tool_calls": [{"index": 0, "function": {"arguments": ""}}]});
    let mut deltas = vec![call(0, &large), call(1, "{}")];
    deltas.extend(std::iter::repeat_n(empty, 2_000));
    let mut assembler = Format::Chat.assembler();
    for event in events(stream(&deltas, "tool_calls").as_bytes(), usize::MAX) {
        assembler.take(&event).unwrap();
        while assembler.poll_sealed().is_some() {}
    }
    assert_eq!(assembler.finish().unwrap().calls.len(), 2);
}

#[test]
fn arguments_that_end_in_braces_for_ever_are_read_once() {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    deltas.push(fragment(Some(0), Some("a"), Some("f"), Some("{\"x\":\"")));
    deltas.push(fragment(Some(1), Some("b"), Some("f"), Some("")));
    let brace = fragment(Some(0), None, None, Some("}"));
    deltas.extend(std::iter::repeat_n(brace, 20_000));
    let mut all = events(stream(&deltas, "tool_calls").as_bytes(), usize::MAX);
    let end = all.split_off(deltas.len());
    let mut assembler = Format::Chat.assembler();
    for event in &all {
        assembler.take(event).unwrap();
        assert!(assembler.poll_sealed().is_none(), "it is still a string");
    }
    for event in end {
        assembler.take(&event).unwrap();
    }
    assert_eq!(assembler.finish().unwrap().calls.len(), 2);
}

#[test]
fn a_second_response_in_the_same_stream_is_refused() {
    let text = json!({"role": "assistant", "content": "a"});
    let one = stream(std::slice::from_ref(&text), "stop");
    let other = one.replace("\"id\":\"c\"", "\"id\":\"d\"");
    let unended = |stream: &str| stream.replace("data: [DONE]\n\n", "");
    for (first, second) in [(&one, &one), (&one, &other), (&unended(&one), &other)] {
        let read = Format::Chat.read(format!("{first}{second}").as_bytes());
        let error = read.unwrap_err();
        assert_eq!(error.code(), "message_stream_contradiction", "{error}");
    }
    // What a server or a gateway adds behind the end says nothing.
    for rest in [
        "data: [DONE]\n\n",
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: bye\n\n",
    ] {
        assert!(Format::Chat.read(format!("{one}{rest}").as_bytes()).is_ok());
    }
}
