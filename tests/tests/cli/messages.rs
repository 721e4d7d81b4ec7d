//! What `execute` reads: every message that can't be run, and that nothing of it ran.

use std::fmt::Write as _;

use callboard_tests::harness::Callboard;

use super::common::{folder, told, transcript};

/// Each way in which a message can be wrong, named by the stable code of its error.
const WRONG: [(&str, &[u8]); 16] = [
    ("message_not_utf8", b"{\"role\": \"assistant\", \"content\": \"\xff\"}"),
    ("message_not_json", b"{\"role\": \"assistant\", \"content\": ["),
    ("message_not_json", b"hello"),
    ("message_not_a_message", b"[1, 2]"),
    ("message_not_a_message", b"{\"content\": []}"),
    ("message_not_a_message", b"{\"role\": \"assistant\", \"content\": 3}"),
    ("message_not_assistant", b"{\"role\": \"user\", \"content\": []}"),
    ("message_block", b"{\"role\": \"assistant\", \"content\": [{\"type\": \"text\"}, 3]}"),
    (
        "message_block",
        b"{\"role\": \"assistant\", \"content\": [{\"type\": \"tool_use\", \"id\": 7, \"name\": \"echo\"}]}",
    ),
    ("message_nothing_to_run", b"{\"role\": \"assistant\", \"content\": \"Hello!\"}"),
    ("message_nothing_to_run", b"{\"role\": \"assistant\", \"content\": [{\"type\": \"text\", \"text\": \"Hello!\"}]}"),
    (
        "message_stopped",
        b"{\"role\": \"assistant\", \"stop_reason\": \"max_tokens\", \"content\": [{\"type\": \"tool_use\", \"id\": \"a\", \"name\": \"echo\", \"input\": {}}]}",
    ),
    (
        "tool_use_id_empty",
        b"{\"role\": \"assistant\", \"content\": [{\"type\": \"tool_use\", \"id\": \"\", \"name\": \"echo\", \"input\": {}}]}",
    ),
    (
        "tool_use_id_bad",
        b"{\"role\": \"assistant\", \"content\": [{\"type\": \"tool_use\", \"id\": \"a b\", \"name\": \"echo\", \"input\": {}}]}",
    ),
    (
        "tool_use_id_duplicate",
        b"{\"role\": \"assistant\", \"content\": [{\"type\": \"tool_use\", \"id\": \"a\", \"name\": \"echo\", \"input\": {}}, {\"type\": \"text\", \"text\": \"and\"}, {\"type\": \"tool_use\", \"id\": \"a\", \"name\": \"echo\", \"input\": {}}]}",
    ),
    (
        "tool_use_no_name",
        b"{\"role\": \"assistant\", \"content\": [{\"type\": \"tool_use\", \"id\": \"a\", \"input\": {}}]}",
    ),
];

#[tokio::test]
async fn every_message_that_can_not_be_run_is_told_why() {
    let mut text = String::new();
    for (code, input) in WRONG {
        let command = Callboard::new(["execute"]).unwrap().input(input);
        let ended = command.run().await.unwrap();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{code}");
        let shown = format!("[{code}]\n");
        assert!(ended.stderr.ends_with(&shown), "{}", ended.stderr);
        writeln!(text, "# {code}\n{}", told("execute", &ended)).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn input_that_is_not_there_is_told() {
    let files = folder(&[("empty.json", ""), ("blank.json", " \n")]);
    let told = transcript(
        &[
            "execute",
            "execute -",
            "execute missing.json",
            "execute .",
            "execute empty.json",
            "execute blank.json",
            "execute --idempotency-key=",
        ],
        files.path(),
    );
    insta::assert_snapshot!(told.await);
}

#[tokio::test]
async fn a_message_is_read_as_the_api_gives_it() {
    let message = br#"{"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [{"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"q": 1}},
            {"type": "tool_use", "id": "toolu_1", "name": "echo", "input": { "n" : 1.50, "n2":12345678901234567890123 }}],
        "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 1}}"#;
    let command = Callboard::new(["execute"]).unwrap().input(&message[..]);
    let ended = command.run().await.unwrap();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    // The model's own bytes, and the shape that the API takes, byte for byte.
    assert_eq!(
        ended.stdout,
        concat!(
            r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","#,
            r#""content":[{"type":"text","text":"{ \"n\" : 1.50, \"n2\":12345678901234567890123 }"}]}]}"#,
            "\n"
        )
    );
}
