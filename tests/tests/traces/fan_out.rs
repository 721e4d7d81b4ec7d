//! A fan-out over three workers of which one is killed, as one trace.

use callboard_tests::harness::{Callboard, Message, until, workers};
use callboard_tests::server::{Options, Server};
use callboard_tests::trace::{FanOut, Sink, Span, broken};
use serde_json::{Value, json};

use super::common::{script, traced};

#[tokio::test]
async fn a_fan_out_with_a_lost_worker_is_one_tree() {
    let sink = Sink::start().await.unwrap();
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let mut children = Vec::new();
    for name in ["one", "two", "three"] {
        let worker = Callboard::worker(name, &url).unwrap();
        let worker = traced(worker.args(["--tools", "basic", "--slots", "4"]), &sink);
        children.push(worker.offers().await.unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), 8, 3456);
    let run = Callboard::new(["run", "Go.", "--json", "--script"]).unwrap();
    let run = traced(run.args([&script]).nats(&url), &sink)
        .env("CALLBOARD_TELEMETRY__JAEGER_URL", "http://jaeger:16686/");
    let run = run.start().unwrap();
    let lost = until("all calls begun", async || {
        let all = workers(&url).await?;
        let running: u32 = all.iter().filter_map(|worker| worker.running).sum();
        let holder = all.iter().find(|worker| worker.running > Some(0));
        Ok(holder
            .filter(|_| running == 8)
            .map(|worker| worker.worker.clone()))
    })
    .await
    .unwrap();
    let index = ["one", "two", "three"]
        .iter()
        .position(|name| *name == lost);
    children[index.unwrap()].kill9().await.unwrap();

    let ended = run.ended().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let trace = report["trace_id"].as_str().unwrap();
    assert_eq!(
        report["trace_url"],
        format!("http://jaeger:16686/trace/{trace}")
    );
    for child in children {
        if child.terminate().is_ok() {
            let _ = child.ended().await.unwrap();
        }
    }
    let spans = sink.spans();
    let wanted = FanOut {
        calls: 8,
        workers_min: 2,
        is_retried: true,
        // The argument, and what the tool answers.
        canaries: &["3456", "waited"],
    };
    // How long a call took may have these digits, too; arguments are texts.
    let mut told = spans.clone();
    for span in &mut told {
        span.text = format!(
            "{:?}",
            span.attributes
                .values()
                .filter(|value| { value.parse::<f64>().is_err() })
                .collect::<Vec<_>>()
        );
    }
    assert_eq!(broken(&told, &wanted), [""; 0], "{spans:#?}");
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
