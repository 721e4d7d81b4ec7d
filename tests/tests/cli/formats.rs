//! `execute --provider`: each format read in each form, and what a conversation goes on with, byte for byte.

use std::fmt::Write as _;

use callboard_tests::harness::{Callboard, Ended};
use serde_json::Value;

use super::common::told;

/// What a model wrote in one format, two calls each, and what comes of it.
struct Format {
    provider: &'static str,
    /// The bare message.
    bare: &'static str,
    /// The whole response.
    whole: &'static str,
    /// The stream, with a call per chunk.
    stream: &'static str,
    /// What is printed.
    expected: &'static str,
}

const ANTHROPIC: Format = Format {
    provider: "anthropic",
    bare: r#"{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"echo","input":{"n":1}},{"type":"tool_use","id":"toolu_2","name":"weather","input":{}}]}"#,
    whole: r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Both."},{"type":"tool_use","id":"toolu_1","name":"echo","input":{"n":1}},{"type":"tool_use","id":"toolu_2","name":"weather","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#,
    stream: r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"echo","input":{}}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"n\""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":":1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_2","name":"weather","input":{}}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":2}}

event: message_stop
data: {"type":"message_stop"}

"#,
    expected: r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"{\"n\":1}"}]},{"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"text","text":REFUSED}],"is_error":true}]}"#,
};

const GEMINI: Format = Format {
    provider: "gemini",
    bare: r#"{"role":"model","parts":[{"functionCall":{"id":"a","name":"echo","args":{"n":1}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"weather"}}]}"#,
    whole: r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Both."},{"functionCall":{"id":"a","name":"echo","args":{"n":1}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"weather"}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}}"#,
    stream: "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"a\",\"name\":\"echo\",\"args\":{\"n\":1}},\"thoughtSignature\":\"c2ln\"}]}}]}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"weather\"}}]},\"finishReason\":\"STOP\"}]}\r\n\r\n",
    expected: r#"{"role":"user","parts":[{"functionResponse":{"id":"a","name":"echo","response":{"output":{"n":1}}}},{"functionResponse":{"name":"weather","response":{"error":REFUSED}}}]}"#,
};

const CHAT: Format = Format {
    provider: "openai-chat",
    bare: r#"{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"echo","arguments":"{\"n\":1}"}},{"id":"call_2","type":"function","function":{"name":"weather","arguments":""}}]}"#,
    whole: r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Both.","refusal":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"echo","arguments":"{\"n\":1}"}},{"id":"call_2","type":"function","function":{"name":"weather","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
    stream: r#"data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"echo","arguments":""}}]},"finish_reason":null}]}

data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"n\""}}]},"finish_reason":null}]}

data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":null}]}

data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"weather","arguments":"{}"}}]},"finish_reason":null}]}

data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

"#,
    expected: r#"[{"role":"tool","tool_call_id":"call_1","content":"{\"n\":1}"},{"role":"tool","tool_call_id":"call_2","content":REFUSED}]"#,
};

const RESPONSES: Format = Format {
    provider: "openai",
    bare: r#"[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"c2ln"},{"type":"function_call","id":"fc_1","call_id":"call_1","name":"echo","arguments":"{\"n\":1}","status":"completed"},{"type":"function_call","id":"fc_2","call_id":"call_2","name":"weather","arguments":"{}","status":"completed"}]"#,
    whole: r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","error":null,"incomplete_details":null,"model":"m","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Both.","annotations":[]}]},{"type":"function_call","id":"fc_1","call_id":"call_1","name":"echo","arguments":"{\"n\":1}","status":"completed"},{"type":"function_call","id":"fc_2","call_id":"call_2","name":"weather","arguments":"{}","status":"completed"}],"usage":{"input_tokens":1,"output_tokens":2}}"#,
    stream: r#"event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","output":[]}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"echo","arguments":"","status":"in_progress"}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","sequence_number":2,"item_id":"fc_1","output_index":0,"delta":"{\"n\":1}"}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":3,"output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"echo","arguments":"{\"n\":1}","status":"completed"}}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":4,"output_index":1,"item":{"type":"function_call","id":"fc_2","call_id":"call_2","name":"weather","arguments":"{}","status":"completed"}}

event: response.completed
data: {"type":"response.completed","sequence_number":5,"response":{"id":"resp_1","object":"response","status":"completed","output":[{"type":"function_call","id":"fc_1","call_id":"call_1","name":"echo","arguments":"{\"n\":1}","status":"completed"},{"type":"function_call","id":"fc_2","call_id":"call_2","name":"weather","arguments":"{}","status":"completed"}],"usage":{"input_tokens":1,"output_tokens":2}}}

"#,
    expected: r#"[{"type":"function_call_output","call_id":"call_1","output":"{\"n\":1}"},{"type":"function_call_output","call_id":"call_2","output":REFUSED}]"#,
};

const FORMATS: [Format; 4] = [ANTHROPIC, RESPONSES, CHAT, GEMINI];

async fn execute(provider: &str, flags: &[&str], input: &str) -> Ended {
    let words = ["execute", "--provider", provider];
    let command = Callboard::new(words.iter().chain(flags)).unwrap();
    command.input(input.as_bytes()).run().await.unwrap()
}

/// What a model reads of a call that says too little, as JSON text.
async fn refused() -> String {
    let ended = execute(ANTHROPIC.provider, &[], ANTHROPIC.bare).await;
    let message: Value = serde_json::from_str(&ended.stdout).unwrap();
    let text = &message["content"][1]["content"][0]["text"];
    assert!(
        text.as_str()
            .unwrap()
            .starts_with("Error (invalid_arguments)")
    );
    text.to_string()
}

#[tokio::test]
async fn each_format_is_read_in_each_form_and_answered_byte_for_byte() {
    let refused = refused().await;
    for format in FORMATS {
        let expected = format.expected.replace("REFUSED", &refused);
        // An editor or a shell may have taken the empty line from the end of a stream.
        for input in [
            format.bare,
            format.whole,
            format.stream,
            format.stream.trim_end(),
        ] {
            let ended = execute(format.provider, &[], input).await;
            assert_eq!(ended.stderr, "", "{input}");
            assert_eq!(ended.stdout, format!("{expected}\n"), "{input}");
            assert_eq!(ended.code, Some(3), "{input}");
        }
        let ended = execute(format.provider, &["--json"], format.whole).await;
        let view: Value = serde_json::from_str(&ended.stdout).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        if expected.is_array() {
            assert_eq!(view["messages"], expected);
            assert_eq!(view.get("message"), None);
        } else {
            assert_eq!(view["messages"], Value::from(vec![expected.clone()]));
            assert_eq!(view["message"], expected);
        }
        assert_eq!(view["calls"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_stream_is_put_together_for_whoever_recorded_it() {
    for format in FORMATS {
        let ended = execute(format.provider, &["--json"], format.stream).await;
        let view: Value = serde_json::from_str(&ended.stdout).unwrap();
        let echo = view["echo"].as_array().unwrap();
        let echo = if echo.len() == 1 {
            echo[0].to_string()
        } else {
            view["echo"].to_string()
        };
        // What it was put together to says the same as the stream did.
        let from_stream = execute(format.provider, &[], format.stream).await;
        let from_echo = execute(format.provider, &[], &echo).await;
        assert_eq!(from_echo.stdout, from_stream.stdout, "{echo}");
    }
}

#[tokio::test]
async fn calls_without_ids_are_given_some_and_it_is_said_where_they_are() {
    let input = CHAT.bare.replace("call_2", "call_1");
    let ended = execute(CHAT.provider, &["--json"], &input).await;
    let view: Value = serde_json::from_str(&ended.stdout).unwrap();
    let answered = &view["messages"][1]["tool_call_id"];
    assert_ne!(*answered, "call_1");
    assert_eq!(view["echo"][0]["tool_calls"][1]["id"], *answered);
    insta::assert_snapshot!(ended.stderr);
    // Gemini's results go by their order.
    let ended = execute(
        GEMINI.provider,
        &[],
        &GEMINI.bare.replace("\"id\":\"a\",", ""),
    )
    .await;
    assert_eq!(ended.stderr, "");
}

#[tokio::test]
async fn a_wrong_provider_is_noticed_and_the_right_one_named() {
    let mut text = String::new();
    for right in FORMATS {
        for wrong in FORMATS {
            for input in [right.bare, right.whole, right.stream] {
                if right.provider == wrong.provider {
                    continue;
                }
                let ended = execute(wrong.provider, &[], input).await;
                assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
                let cure = format!(": try --provider {} [", right.provider);
                assert!(ended.stderr.contains(&cure), "{}", ended.stderr);
                writeln!(text, "# {}\n{}", right.provider, ended.stderr).unwrap();
            }
        }
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_stream_that_gives_no_answer_is_told_why() {
    let chunk = |rest: &str| {
        format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"functionCall\":{{\"name\":\"echo\"}}}}]}}{rest}}}]}}\n\n"
        )
    };
    let error =
        r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    let whole = chunk(",\"finishReason\":\"STOP\"");
    let mut text = String::new();
    for (code, input) in [
        ("message_stream_cut", chunk("")),
        ("message_stream_cut", whole[..whole.len() - 9].to_owned()),
        (
            "message_stream_event",
            "data: {\"candidates\":7}\n\n".to_owned(),
        ),
        (
            "message_stream_broken_off",
            format!("{}data: {error}\n\n", chunk("")),
        ),
        ("message_stopped", chunk(",\"finishReason\":\"MAX_TOKENS\"")),
        ("tool_use_no_name", whole.replace("echo", "")),
    ] {
        let ended = execute("gemini", &[], &input).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{code}");
        assert!(
            ended.stderr.ends_with(&format!("[{code}]\n")),
            "{}",
            ended.stderr
        );
        writeln!(
            text,
            "# {code}\n{}",
            told("execute --provider gemini", &ended)
        )
        .unwrap();
    }
    let bytes = Callboard::new(["execute"])
        .unwrap()
        .input(&b"data: \xff\n\n"[..]);
    let ended = bytes.run().await.unwrap();
    writeln!(text, "{}", told("execute", &ended)).unwrap();
    insta::assert_snapshot!(text);
}
