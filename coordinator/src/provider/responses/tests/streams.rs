//! Streams.

use callboard_coordinator_core::run::Stop;
use serde_json::{Value, json};

use crate::model::{ModelAnswer, ToolUse};
use crate::provider::openai::testing::{assemble, assert_same, assert_sealed_stay, events};
use crate::provider::{Format, StreamError, responses};

fn event(name: &str, mut data: Value) -> String {
    data["type"] = name.into();
    format!("event: {name}\ndata: {data}\n\n")
}

fn added(index: u64, item: &Value) -> String {
    event(
        "response.output_item.added",
        json!({"output_index": index, "item": item}),
    )
}

fn done(index: u64, item: &Value) -> String {
    event(
        "response.output_item.done",
        json!({"output_index": index, "item": item}),
    )
}

fn call(id: &str) -> Value {
    json!({"id": format!("fc_{id}"), "type": "function_call", "status": "completed", "call_id": id,
        "name": "f", "arguments": "{\"x\":1}"})
}

fn begun(item: &Value) -> Value {
    let mut item = item.clone();
    item["status"] = "in_progress".into();
    item["arguments"] = "".into();
    item
}

fn whole(status: &str, output: &[Value]) -> Value {
    json!({"id": "resp_1", "status": status, "incomplete_details": {"reason": "max_output_tokens"},
        "output": output, "usage": {"input_tokens": 11, "output_tokens": 7}})
}

fn end(status: &str, output: &[Value]) -> String {
    event(
        &format!("response.{status}"),
        json!({"response": whole(status, output)}),
    )
}

fn read(stream: &str) -> (Vec<ToolUse>, Result<ModelAnswer, StreamError>) {
    let all = events(stream.as_bytes(), usize::MAX);
    assert_sealed_stay(Format::Responses, &all);
    assemble(Format::Responses, &all)
}

fn ids(calls: &[ToolUse]) -> Vec<&str> {
    calls.iter().map(|call| call.id.as_str()).collect()
}

/// What is sealed of a stream, whatever its end.
fn sealed(pieces: &[String]) -> Vec<String> {
    let (sealed, _) = read(&pieces.concat());
    ids(&sealed).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_stream_is_the_answer_that_the_whole_response_would_have_been() {
    let reasoning =
        json!({"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "whole"});
    let half = json!({"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "ha"});
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "gr\u{fc}\u{df} \u{1f600}"}]});
    let custom = json!({"id": "ct_1", "type": "custom_tool_call", "call_id": "b", "name": "sql", "input": "select",
        "caller": {"type": "direct"}});
    let output = [
        reasoning.clone(),
        message.clone(),
        call("a"),
        custom.clone(),
    ];
    let expected = responses::parse(whole("completed", &output).to_string().as_bytes()).unwrap();
    let text = [
        event(
            "response.created",
            json!({"response": {"status": "in_progress"}}),
        ),
        added(0, &half),
        done(0, &reasoning),
        added(1, &json!({"id": "msg_1", "type": "message", "content": []})),
        event(
            "response.output_text.delta",
            json!({"output_index": 1, "delta": "gr"}),
        ),
        added(2, &begun(&call("a"))),
        event(
            "response.function_call_arguments.delta",
            json!({"output_index": 2, "delta": "{"}),
        ),
        event(
            "response.function_call_arguments.done",
            json!({"output_index": 2, "arguments": "{}"}),
        ),
        done(2, &call("a")),
        event("response.new_thing", json!({"output_index": "no"})),
        added(3, &begun(&custom)),
        done(3, &custom),
        done(1, &message),
    ]
    .concat();
    for (text, case) in [
        (format!("{text}{}", end("completed", &output)), "whole"),
        (
            format!("{text}{}data: [DONE]\n\n", end("completed", &[])),
            "nothing repeated",
        ),
        (
            text.replace("event: ", "x: ") + &end("completed", &output),
            "no names",
        ),
    ] {
        for bytes_max in [1, 2, 3, 7, 64, usize::MAX] {
            let (sealed, answer) = assemble(Format::Responses, &events(text.as_bytes(), bytes_max));
            assert_same(
                &answer.unwrap(),
                &expected,
                &format!("{case}, pieces of {bytes_max}"),
            );
            assert_eq!(ids(&sealed), ["a", "b"], "{case}");
        }
        assert_sealed_stay(Format::Responses, &events(text.as_bytes(), usize::MAX));
    }
    // A server that streams the end alone.
    let (sealed, answer) = read(&end("completed", &output));
    assert_same(&answer.unwrap(), &expected, "the end alone");
    assert!(sealed.is_empty());
}

#[test]
fn items_without_numbers_are_told_apart_by_their_ids() {
    let unnumbered = |name: &str, item: &Value| event(name, json!({ "item": item }));
    let (a, b) = (call("a"), call("b"));
    let mut nameless = call("c");
    nameless["id"] = Value::Null;
    let text = [
        unnumbered("response.output_item.added", &begun(&a)),
        unnumbered("response.output_item.added", &begun(&b)),
        unnumbered("response.output_item.done", &b),
        unnumbered("response.output_item.done", &a),
        unnumbered("response.output_item.done", &nameless),
        end("completed", &[]),
    ];
    let (sealed, answer) = read(&text.concat());
    assert_eq!(ids(&answer.unwrap().calls), ["a", "b", "c"]);
    assert_eq!(ids(&sealed), ["a", "b", "c"]);
}

#[test]
fn a_call_is_sealed_when_its_item_is_done_and_never_before_those_before_it() {
    let (a, b) = (call("a"), call("b"));
    let says = json!({"id": "msg", "type": "message", "role": "assistant", "content": []});
    assert_eq!(sealed(&[added(0, &begun(&a))]), [""; 0]);
    assert_eq!(sealed(&[added(0, &begun(&a)), done(0, &a)]), ["a"]);
    assert_eq!(sealed(&[done(0, &a)]), ["a"]);
    // `b` is done first.
    let mut out_of_order = vec![added(0, &begun(&a)), added(1, &begun(&b)), done(1, &b)];
    assert_eq!(sealed(&out_of_order), [""; 0]);
    out_of_order.push(done(0, &a));
    assert_eq!(sealed(&out_of_order), ["a", "b"]);
    // Nothing is known of what comes before it.
    assert_eq!(sealed(&[done(1, &b)]), [""; 0]);
    assert_eq!(
        sealed(&[added(0, &json!({"id": "x"})), done(1, &b)]),
        [""; 0]
    );
    // What is said beside it holds nothing up.
    assert_eq!(sealed(&[added(0, &says), done(1, &b)]), ["b"]);
}

#[test]
fn a_call_that_may_not_be_whole_is_not_sealed_and_holds_up_those_behind_it() {
    let with = |name: &str, value: Value| {
        let mut item = call("a");
        item[name] = value;
        item
    };
    for bad in [
        with("status", "incomplete".into()),
        with("status", "in_progress".into()),
        with("arguments", "{\"x\":".into()),
        with("arguments", "[]".into()),
        with("call_id", "".into()),
        with("call_id", "x".repeat(65).into()),
        with("name", Value::Null),
    ] {
        assert_eq!(
            sealed(&[done(0, &bad), done(1, &call("b"))]),
            [""; 0],
            "{bad}"
        );
    }
    for good in [
        with("status", Value::Null),
        with("arguments", "".into()),
        with("arguments", json!({"x": 1})),
    ] {
        assert_eq!(
            sealed(&[done(0, &good), done(1, &call("b"))]),
            ["a", "b"],
            "{good}"
        );
    }
    // The same id again: the API takes one result for it.
    let text = [
        done(0, &call("a")),
        done(1, &call("a")),
        end("completed", &[]),
    ];
    assert_eq!(sealed(&text), ["a"]);
    assert!(matches!(
        read(&text.concat()).1,
        Err(StreamError::Answer(_))
    ));
}

#[test]
fn the_end_is_what_the_server_says_and_no_less() {
    let begin = done(0, &call("a"));
    let stop = |end: &str| read(&format!("{begin}{end}")).1.map(|answer| answer.stop);
    assert!(matches!(stop(""), Err(StreamError::Cut)));
    assert!(matches!(stop("data: [DONE]\n\n"), Err(StreamError::Cut)));
    assert_eq!(stop(&end("completed", &[])).unwrap(), Stop::Calls);
    assert_eq!(stop(&end("incomplete", &[])).unwrap(), Stop::Truncated);
    let cancelled = Stop::Unknown("cancelled".to_owned());
    assert_eq!(stop(&end("cancelled", &[])).unwrap(), cancelled);
    let bare = event("response.completed", json!({"response": {}}));
    assert_eq!(stop(&bare).unwrap(), Stop::Calls);
    let half = [
        call("a"),
        json!({"type": "function_call", "call_id": "b", "name": "f", "arguments": "{", "status": "incomplete"}),
    ];
    let (_, answer) = read(&format!("{begin}{}", end("incomplete", &half)));
    let answer = answer.unwrap();
    assert_eq!((answer.stop, answer.calls.len()), (Stop::Truncated, 2));

    let mut assembler = Format::Responses.assembler();
    let more = "event: rate_limits.updated\ndata: {}\n\n";
    let text = format!("{begin}{}{more}", end("completed", &[]));
    let whole: Vec<bool> = events(text.as_bytes(), usize::MAX)
        .iter()
        .map(|event| {
            assembler.take(event).unwrap();
            assembler.is_whole()
        })
        .collect();
    assert_eq!(whole, [false, true, true]);
}

#[test]
fn a_failure_is_the_providers() {
    let failed = |error: Value| {
        event(
            "response.failed",
            json!({"response": {"status": "failed", "error": error}}),
        )
    };
    for (text, code, is_retryable) in [
        (
            failed(json!({"code": "server_error", "message": "boom"})),
            "server_error",
            true,
        ),
        (
            failed(json!({"code": "rate_limit_exceeded", "message": "slow"})),
            "rate_limit_exceeded",
            true,
        ),
        (
            failed(json!({"code": "invalid_prompt", "message": "no"})),
            "invalid_prompt",
            false,
        ),
        (failed(Value::Null), "", false),
        (
            event(
                "error",
                json!({"code": "server_error", "message": "boom", "param": null}),
            ),
            "server_error",
            true,
        ),
        (
            event(
                "error",
                json!({"error": {"type": "insufficient_quota", "message": "no"}}),
            ),
            "insufficient_quota",
            false,
        ),
    ] {
        let (_, answer) = read(&format!("{}{text}", done(0, &call("a"))));
        let Err(StreamError::Provider(error)) = answer else {
            panic!("{text}: {answer:?}");
        };
        assert_eq!(
            (error.code.as_str(), error.is_retryable),
            (code, is_retryable)
        );
        assert!(!error.message.is_empty());
    }
}

#[test]
fn what_contradicts_itself_or_is_no_event_is_an_error() {
    let mut other = call("a");
    other["arguments"] = "{}".into();
    let twice = [done(0, &call("a")), done(0, &other)].concat();
    assert!(matches!(read(&twice).1, Err(StreamError::Contradiction(_))));
    let same = [
        done(0, &call("a")),
        done(0, &call("a")),
        end("completed", &[]),
    ]
    .concat();
    assert_eq!(ids(&read(&same).1.unwrap().calls), ["a"]);
    let otherwise = [done(0, &call("a")), end("completed", &[other, call("b")])].concat();
    assert!(matches!(
        read(&otherwise).1,
        Err(StreamError::Contradiction(_))
    ));
    for broken in [
        "data: nonsense\n\n",
        "data: []\n\n",
        "event: response.output_item.done\ndata: {}\n\n",
        "event: response.output_item.done\ndata: {\"item\":7}\n\n",
        "event: response.output_item.done\ndata: {\"item\":{},\"output_index\":-1}\n\n",
        "event: response.output_item.added\ndata: {\"item\":[]}\n\n",
        "event: response.completed\ndata: {}\n\n",
        "event: response.completed\ndata: {\"response\":{\"output\":7}}\n\n",
    ] {
        let answer = read(broken).1;
        assert!(
            matches!(answer, Err(StreamError::Event { .. })),
            "{broken}: {answer:?}"
        );
    }
    // Fragments aren't even read.
    let text = format!(
        "event: response.output_text.delta\ndata: nonsense\n\n{}",
        end("completed", &[])
    );
    assert_eq!(read(&text).1.unwrap().stop, Stop::Done);
}

#[test]
fn any_response_streamed_in_any_order_is_the_same() {
    let statuses = ["completed", "incomplete"];
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = random.usize(1..6);
        let output: Vec<Value> = (0..count)
            .map(|index| match random.u8(..5) {
                0 => json!({"id": format!("rs_{index}"), "type": "reasoning", "encrypted_content": "x"}),
                1 => json!({"id": format!("m_{index}"), "type": "message", "role": "assistant", "content": "h\u{e9}"}),
                2 => json!({"type": "custom_tool_call", "call_id": format!("call_{index}"), "name": "g", "input": "i"}),
                _ => {
                    let mut item = call(&format!("call_{index}"));
                    item["status"] = statuses[usize::from(random.u8(..6) == 0)].into();
                    item["arguments"] = ["{}", "{\"a\":1}", "", "{"][random.usize(..4)].into();
                    item
                }
            })
            .collect();
        let mut order: Vec<usize> = (0..count).collect();
        let mut text: String = order
            .iter()
            .map(|index| added(*index as u64, &output[*index]))
            .collect();
        random.shuffle(&mut order);
        text.extend(
            order
                .iter()
                .map(|index| done(*index as u64, &output[*index])),
        );
        let status = statuses[random.usize(..2)];
        text.push_str(&end(status, &output));
        let all = events(text.as_bytes(), random.usize(1..40));
        let (sealed, answer) = assemble(Format::Responses, &all);
        let answer = answer.unwrap();
        let expected = responses::parse(whole(status, &output).to_string().as_bytes()).unwrap();
        assert_same(&answer, &expected, &format!("seed {seed}"));
        assert_eq!(ids(&sealed), ids(&answer.calls)[..sealed.len()]);
        assert_sealed_stay(Format::Responses, &all);
    }
}

#[test]
fn a_second_response_in_the_same_stream_is_refused() {
    let created = event("response.created", json!({"response": {}}));
    let one = format!(
        "{created}{}{}",
        done(0, &call("a")),
        end("completed", &[call("a")])
    );
    for stream in [
        format!("{one}{one}"),
        format!("{created}{one}"),
        format!("{one}{}", done(1, &call("b"))),
        format!("{one}{}", end("completed", &[])),
    ] {
        let error = Format::Responses.read(stream.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "message_stream_contradiction", "{error}");
    }
    let more = event("keepalive", json!({}));
    for rest in [&more, "data: [DONE]\n\n", "event: x\ndata: bye\n\n"] {
        let read = Format::Responses.read(format!("{one}{rest}").as_bytes());
        assert_eq!(read.unwrap().calls.len(), 1);
    }
}
