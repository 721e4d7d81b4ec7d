//! Providers that fail: the error names status, code, request and cure, and what was done before is still reported.

use std::fmt::Write as _;

use super::common::{FORMATS, mock, report, run};

/// A first turn that works, then whatever `fault` says.
fn script(fault: &str) -> String {
    format!(
        r#"
[[turn]]
[[turn.call]]
tool = "echo"
arguments = {{ a = 1 }}

[[turn]]
text = "Done."
[[turn.fault]]
times = 99
{fault}
"#
    )
}

/// Request ids differ from conversation to conversation, ports from run to run.
fn without_chance(text: &str, url: &str) -> String {
    let port = url.rsplit_once(':').unwrap().1.split('/').next().unwrap();
    text.replace(&format!(":{port}"), ":PORT")
}

/// What people read is there for programs too.
fn assert_for_programs(end: &serde_json::Value, message: &str) {
    let code = end["code"].as_str().unwrap();
    assert!(message.contains(&format!("({code}")), "{end}");
    if let Some(id) = end["request_id"].as_str() {
        assert!(message.contains(&format!("request {id}")), "{end}");
    }
    let attempts = end["attempts"].as_u64().unwrap();
    let is_told = message.contains(&format!("asked {attempts} times"));
    assert_eq!(is_told, attempts > 1, "{end}");
    if let Some(status) = end["status"].as_u64() {
        assert!(message.contains(&format!("answered {status}")), "{end}");
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_named_with_the_cure_and_the_report_is_complete() {
    let cases = [
        ("spend", "kind = \"spend_limit\""),
        ("overloaded", "kind = \"overloaded\"\nretry_after_ms = 1"),
        ("html", "kind = \"html\""),
        ("not-json", "kind = \"not_json\""),
        ("utf8", "kind = \"invalid_utf8\"\nafter_events = 1"),
        ("cut", "kind = \"cut\"\nafter_events = 1"),
        ("stall", "kind = \"stall\""),
        ("error", "kind = \"stream_error\"\nafter_events = 1"),
        ("close", "kind = \"close\""),
        (
            "denied",
            "kind = \"status\"\nstatus = 400\nmessage = \"nobody knows why\"",
        ),
    ];
    let mut text = String::new();
    for (format, provider, variable) in FORMATS {
        for (name, fault) in cases {
            let mock = mock(&script(fault)).await;
            let url = mock.base_url(format);
            let section = provider.replace('-', "_").to_ascii_uppercase();
            let set_up = |command: callboard_tests::harness::Callboard| {
                let command = command.env(&format!("CALLBOARD_PROVIDER__{section}__TIMEOUT"), "1s");
                command.env(&format!("CALLBOARD_PROVIDER__{section}__RETRIES"), "1")
            };
            let ended = run(provider, variable, &url, &["--json"], set_up).await;
            let report = report(&ended);
            assert_eq!(
                report["end"]["reason"], "model_failed",
                "{provider} {name}: {report}"
            );
            assert_eq!(
                report["turns"][0]["calls"][0]["outcome"], "completed",
                "{provider} {name}"
            );
            assert_eq!(ended.code, Some(6), "{provider} {name}");
            let end = &report["end"];
            let message = end["message"].as_str().unwrap();
            assert_for_programs(end, message);
            writeln!(text, "{provider} {name}: {}", without_chance(message, &url)).unwrap();
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_wrong_key_or_model_is_named() {
    let mut text = String::new();
    for (format, provider, variable) in FORMATS {
        for script in [
            "api_key = \"another-key-0123456789\"",
            "model = \"another\"",
        ] {
            let mock = mock(&format!("{script}\n[[turn]]\ntext = \"Done.\"\n")).await;
            let url = mock.base_url(format);
            let ended = run(provider, variable, &url, &["--json"], |command| command).await;
            assert_eq!(
                (ended.code, ended.stderr.as_str()),
                (Some(6), ""),
                "{provider}"
            );
            let report = report(&ended);
            let end = &report["end"];
            let message = end["message"].as_str().unwrap();
            assert_for_programs(end, message);
            assert!(end["status"].as_u64().is_some_and(|status| status >= 400));
            writeln!(text, "{}", without_chance(message, &url)).unwrap();
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn what_passes_is_asked_again() {
    let script = r#"
[[turn]]
text = "Done."
[[turn.fault]]
kind = "rate_limit"
retry_after_ms = 1
[[turn.fault]]
kind = "cut"
after_events = 2
"#;
    for (format, provider, variable) in FORMATS {
        let mock = mock(script).await;
        let ended = run(provider, variable, &mock.base_url(format), &[], |command| {
            command
        })
        .await;
        assert_eq!(
            (ended.code, ended.stdout.trim()),
            (Some(0), "Done."),
            "{provider}: {}",
            ended.stderr
        );
        assert_eq!(mock.requests().len(), 3, "{provider}");
    }
}
