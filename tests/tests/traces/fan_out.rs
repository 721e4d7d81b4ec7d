//! A fan-out over three workers of which one is killed, as one trace.

use callboard_tests::harness::{Callboard, Message};
use callboard_tests::trace::{Sink, Span, broken};
use serde_json::{Value, json};

use super::common::{FAN_OUT, fan_out, traced, without_numbers};

#[tokio::test]
async fn a_fan_out_with_a_lost_worker_is_one_tree() {
    let sink = Sink::start().await.unwrap();
    let report = fan_out(&sink.url()).await;
    let trace = report["trace_id"].as_str().unwrap();
    assert_eq!(
        report["trace_url"],
        format!("http://jaeger:16686/trace/{trace}")
    );
    let spans = sink.spans();
    let told = without_numbers(&spans);
    assert_eq!(broken(&told, &FAN_OUT), [""; 0], "{spans:#?}");
    assert!(spans.iter().all(|span| span.trace == trace));
    let lost: Vec<&Span> = spans
        .iter()
        .filter(|span| span.attribute("error.type") == "worker_lost")
        .collect();
    assert!(!lost.is_empty());
    assert!(lost.iter().all(|span| span.name.starts_with("publish")));
    let names = |name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!(
        (names("invoke_agent callboard"), names("chat fan-out")),
        (1, 2)
    );
}

#[tokio::test]
async fn a_turn_goes_on_with_the_trace_that_it_was_started_in() {
    let sink = Sink::start().await.unwrap();
    let message = Message::new().call("a", "echo", &json!({"n": "canary-77"}));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (flags, captured) in [("01", false), ("01", true), ("00", true)] {
        let command = Callboard::new(["execute", "--json"]).unwrap();
        let command = traced(command.input(message.json()), &sink)
            .env(
                "TRACEPARENT",
                &format!("00-{trace}-00f067aa0ba902b7-{flags}"),
            )
            .env("CALLBOARD_TELEMETRY__CONTENT", &captured.to_string());
        let before = sink.spans().len();
        let ended = command.run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let spans = sink.spans().split_off(before);
        if flags == "00" {
            assert!(spans.is_empty(), "{spans:#?}");
            assert_eq!(report.get("trace_id"), None);
            continue;
        }
        assert_eq!(report["trace_id"], trace);
        let mut names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "execute",
                "execute_tool echo",
                "process tools.default.echo",
                "publish tools.default.echo"
            ]
        );
        let root = spans.iter().find(|span| span.name == "execute").unwrap();
        assert_eq!(root.parent, "00f067aa0ba902b7");
        let holding = spans.iter().filter(|span| span.text.contains("canary-77"));
        let holding: Vec<_> = holding.map(|span| span.name.as_str()).collect();
        let expected: &[&str] = if captured {
            &["execute_tool echo"]
        } else {
            &[]
        };
        assert_eq!(holding, expected);
    }
}
