//! A conversation of a lookup, a fan-out with a failure, and a mixed turn: the same in every format, streamed and
//! not, with workers in the process and over NATS.

use callboard_mock_provider::Mock;
use callboard_tests::harness::Callboard;
use callboard_tests::server::{Options, Server};
use serde_json::Value;

use super::common::{FORMATS, KEY, mock, report, run};

/// The strict mock refuses whatever breaks a rule of its provider; `expect` is what the results must hold.
const SCRIPT: &str = r#"
api_key = "sk-seen-nowhere-0123456789"

[[turn]]
text = "I look you up."
thinking = "Who is asking?"
[[turn.call]]
tool = "find_customer"
arguments = { query = "ada" }

[[turn]]
expect = ["Ada Brunner"]
[[turn.call]]
tool = "order_details"
arguments = { order_id = "O-1034" }
[[turn.call]]
tool = "order_details"
arguments = { order_id = "O-0000" }
[[turn.call]]
tool = "shipping_status"
arguments = { order_id = "O-1033" }

[[turn]]
expect = ["O-1034", "there is no order", "O-1033"]
text = "One more look, and something that can't be."
thinking = "grüße 😀"
[[turn.call]]
tool = "weather"
arguments = { city = "Boston" }
[[turn.call]]
tool = "no_such_tool"
[[turn.call]]
tool = "order_details"
arguments = { order = 7 }

[[turn]]
expect = ["Boston", "unknown_tool", "invalid_arguments"]
text = "All is well."
"#;

/// What a run did, as far as it doesn't depend on the clock.
fn outcomes(report: &Value) -> String {
    let mut text = String::new();
    for turn in report["turns"].as_array().unwrap() {
        text.push_str(&format!("turn {}: {}\n", turn["turn"], turn["text"]));
        for call in turn["calls"].as_array().unwrap() {
            text.push_str(&format!(
                "  {} {} executed={}\n",
                call["tool"].as_str().unwrap(),
                call["outcome"].as_str().unwrap(),
                call["executed"].as_str().unwrap()
            ));
        }
    }
    text.push_str(&format!(
        "{}: {}\n",
        report["end"]["reason"], report["text"]
    ));
    text
}

/// The last request, which holds the whole conversation; its tools left out.
fn transcript(mock: &Mock) -> Value {
    let requests = mock.requests();
    for request in &requests {
        assert_eq!(request.status, Some(200), "{:?}", request.refusal);
    }
    let last = requests.last().unwrap();
    let mut transcript: Value = serde_json::from_slice(&last.body).unwrap();
    assert!(!transcript.to_string().contains(KEY));
    // The tools have snapshots of their own, in each format.
    transcript.as_object_mut().unwrap().remove("tools");
    transcript
}

/// Three calls of 300 ms take the time of one, by the clock around the tools.
fn ran_together(report: &Value) {
    let turn = &report["turns"][1];
    let calls = turn["calls"].as_array().unwrap();
    let executed: f64 = calls
        .iter()
        .map(|call| call["executed_ms"].as_f64().unwrap())
        .sum();
    let gathered = turn["gathered_ms"].as_f64().unwrap();
    assert!(executed >= 890.0, "the tools took {executed} ms in all");
    assert!(
        gathered < executed * 0.6,
        "tools of {executed} ms in all were gathered in {gathered} ms"
    );
}

#[tokio::test]
async fn every_format_holds_the_same_conversation() {
    let server = Server::start(&Options::default()).await.unwrap();
    let nats = server.url();
    let worker = Callboard::worker("one", &nats)
        .unwrap()
        .args(["--tools", "basic,shop"]);
    let _worker = worker.offers().await.unwrap();
    let mut said: Vec<String> = Vec::new();
    for (format, provider, variable) in FORMATS {
        for (how, is_streamed) in [("streamed", true), ("whole", false)] {
            let mut transcripts: Vec<Value> = Vec::new();
            for over_nats in [false, true] {
                let mock = mock(SCRIPT).await;
                let url = mock.base_url(format);
                let more: &[&str] = if is_streamed {
                    &["--json"]
                } else {
                    &["--json", "--no-stream"]
                };
                let ended = run(provider, variable, &url, more, |command| {
                    if over_nats {
                        command.nats(&nats)
                    } else {
                        command
                    }
                })
                .await;
                let report = report(&ended);
                assert_eq!(ended.code, Some(3), "{provider}: {}", ended.stderr);
                let requests = mock.requests();
                assert!(requests.iter().all(|request| request.stream == is_streamed));
                said.push(outcomes(&report));
                ran_together(&report);
                transcripts.push(transcript(&mock));
            }
            assert_eq!(transcripts[0], transcripts[1], "{provider} {how}");
            let text = serde_json::to_string_pretty(&transcripts[0]).unwrap();
            insta::assert_snapshot!(format!("{provider}_{how}"), text);
        }
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:#?}");
    insta::assert_snapshot!("outcomes", said[0]);
}
