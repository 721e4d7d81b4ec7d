//! Servers with ideas of their own: the conversation stays one that the strict mock takes, or nothing is run.

use super::common::{FORMATS, mock, report, run};

/// Two turns of calls, both delivered with a quirk.
fn script(quirk: &str) -> String {
    let delivery = format!("[turn.delivery]\nquirks = [\"{quirk}\"]\n");
    format!(
        r#"
[[turn]]
[[turn.call]]
tool = "echo"
arguments_json = '{{"say": "one", "n": 1.50}}'
[[turn.call]]
tool = "echo"
arguments = {{ say = "two" }}
[[turn.call]]
tool = "echo"
{delivery}
[[turn]]
expect = ["one", "two"]
[[turn.call]]
tool = "echo"
arguments = {{ say = "three" }}
{delivery}
[[turn]]
expect = ["three"]
text = "Done."
"#
    )
}

#[tokio::test]
async fn a_conversation_goes_on_whatever_ids_and_arguments_look_like() {
    let chat = [
        "missing_ids",
        "duplicate_ids",
        "arguments_as_object",
        "no_fragments",
        "index_zero",
        "missing_index",
        "null_finish_reason",
    ];
    let gemini = ["missing_ids", "duplicate_ids", "no_fragments"];
    for (format, provider, variable) in FORMATS {
        let quirks: &[&str] = match provider {
            "openai-chat" => &chat,
            "gemini" => &gemini,
            "anthropic" => &["no_fragments", "second_message_start"],
            _ => &["no_fragments"],
        };
        for quirk in quirks {
            for how in ["--eager=read", "--no-stream"] {
                let mock = mock(&script(quirk)).await;
                let url = mock.base_url(format);
                let more = ["--json", how];
                let ended = run(provider, variable, &url, &more, |command| command).await;
                for request in mock.requests() {
                    assert_eq!(
                        request.status,
                        Some(200),
                        "{provider} {quirk} {how}: {:?}",
                        request.refusal
                    );
                }
                let report = report(&ended);
                assert_eq!(ended.code, Some(0), "{provider} {quirk} {how}: {report}");
                assert_eq!(report["tally"]["completed"], 4, "{provider} {quirk} {how}");
            }
        }
    }
}

#[tokio::test]
async fn an_id_that_comes_again_ends_the_run_where_it_cannot_be_replaced() {
    let script = r#"
[[turn]]
[[turn.call]]
tool = "echo"
[turn.delivery]
quirks = ["duplicate_ids"]
[[turn]]
[[turn.call]]
tool = "echo"
[turn.delivery]
quirks = ["duplicate_ids"]
"#;
    for (format, provider, variable) in FORMATS {
        if !matches!(provider, "anthropic" | "openai") {
            continue;
        }
        for how in ["--eager=read", "--no-stream"] {
            let mock = mock(script).await;
            let url = mock.base_url(format);
            let ended = run(provider, variable, &url, &["--json", how], |command| {
                command
            })
            .await;
            let report = report(&ended);
            assert_eq!(ended.code, Some(6), "{provider} {how}: {report}");
            assert_eq!(report["tally"]["calls"], 1, "{provider} {how}: {report}");
            let message = report["end"]["message"].as_str().unwrap();
            for expected in [&*url, "model_answer", "\"call_0\"", "turn 1"] {
                assert!(message.contains(expected), "{provider} {how}: {message}");
            }
            assert_eq!(mock.requests().len(), 2, "{provider} {how}");
        }
    }
}

#[tokio::test]
async fn a_paused_response_goes_on() {
    let script = r#"
[[turn]]
text = "One, "
stop = "pause"
[[turn]]
text = "two, "
stop = "pause"
[[turn]]
text = "three."
[[turn.call]]
tool = "echo"
arguments = { say = "four" }
[[turn]]
expect = ["four"]
text = "Five, "
stop = "pause"
[[turn]]
text = "six."
"#;
    for (format, provider, variable) in FORMATS {
        // What the others would pause with, nobody has documented.
        if !matches!(provider, "anthropic" | "gemini") {
            continue;
        }
        for how in ["--eager=read", "--no-stream"] {
            let mock = mock(script).await;
            let url = mock.base_url(format);
            let ended = run(provider, variable, &url, &["--json", how], |command| {
                command
            })
            .await;
            for request in mock.requests() {
                assert_eq!(request.status, Some(200), "{:?}", request.refusal);
            }
            let report = report(&ended);
            assert_eq!(ended.code, Some(0), "{provider} {how}: {report}");
            // Gemini goes on within the same message, Anthropic with another.
            let text = if provider == "gemini" {
                "Five, six."
            } else {
                "six."
            };
            assert_eq!(report["text"], text, "{provider} {how}");
        }
    }
}
