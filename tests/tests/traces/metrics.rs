//! Metrics of a demonstration, and whether the dashboard and the alerts ask for what there is.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;

use callboard_mock_provider::{Format, Mock, Options as MockOptions, Script};
use callboard_telemetry::metrics::names;
use callboard_tests::harness::{Callboard, Child, until, workers};
use callboard_tests::server::{Options, Server};
use callboard_tests::trace::Sink;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use xtask::paths;

use super::common::{script, traced};

/// Names that may not be in a demonstration: they come with what went wrong.
const BEGINNINGS: [&str; 4] = ["callboard_", "gen_ai_", "messaging_", "process_"];

#[tokio::test]
async fn all_that_is_asked_for_is_there_after_a_demonstration() {
    let sink = Sink::start().await.unwrap();
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let health = port.local_addr().unwrap().to_string();
    drop(port);
    let worker = Callboard::worker("one", &url).unwrap();
    let worker = worker.args(["--tools", "basic", "--health", &health]);
    let worker: Child = traced(worker, &sink).offers().await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), 3, 2_500);
    let run = |deadline: &str| {
        let run = Callboard::new(["run", "Go.", "--deadline", deadline, "--script"]).unwrap();
        traced(run.args([&script]).nats(&url), &sink)
    };
    let ended = run("10s").run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // A worker that stands still lets a turn come to its deadline.
    let late = run("2s").start().unwrap();
    until("all calls begun", async || {
        let all = workers(&url).await?;
        Ok(all
            .iter()
            .any(|worker| worker.running == Some(3))
            .then_some(()))
    })
    .await
    .unwrap();
    worker.pause().unwrap();
    let ended = late.ended().await.unwrap();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    worker.resume().unwrap();
    let mock = Script::from_toml("test", "[[turn]]\ntext = \"Done.\"\n").unwrap();
    let mock = Mock::start(MockOptions::default(), mock).await.unwrap();
    let base = mock.base_url(Format::Anthropic);
    let run = [
        "run",
        "Go.",
        "--model",
        "anthropic/mock",
        "--base-url",
        &base,
    ];
    let run = Callboard::new(run).unwrap().nats(&url);
    let run = traced(run.env("ANTHROPIC_API_KEY", "any"), &sink);
    assert_eq!(run.run().await.unwrap().code, Some(0));

    let scraped = get(&health, "/metrics").await;
    assert!(scraped.contains("openmetrics-text"), "{scraped}");
    assert!(scraped.ends_with("# EOF\n"), "{scraped}");
    assert!(
        scraped.contains("# {trace_id=\""),
        "durations have exemplars: {scraped}"
    );
    for line in scraped.lines() {
        assert!(!line.contains("call-0"), "no id is a label: {line}");
    }
    worker.terminate().unwrap();
    worker.ended().await.unwrap();

    let serve = ["serve", "--listen", "127.0.0.1:0", "--tools", "basic"];
    let mut service = traced(Callboard::new(serve).unwrap(), &sink)
        .start()
        .unwrap();
    let said = service.hears("http://").await.unwrap();
    let at = said.split("http://").nth(1).unwrap();
    let at = at.split_whitespace().next().unwrap().to_owned();
    assert!(get(&at, "/healthz").await.ends_with("ok\n"));
    assert!(get(&at, "/v1/runs").await.contains("\"runs\""));
    service.terminate().unwrap();
    assert_eq!(service.ended().await.unwrap().code, Some(0));

    let mut there: BTreeSet<String> = series(&scraped);
    for metric in sink.metrics() {
        let points = match metric.data {
            Some(Data::Gauge(gauge)) => gauge.data_points.len(),
            Some(Data::Sum(sum)) => sum.data_points.len(),
            Some(Data::Histogram(histogram)) => histogram.data_points.len(),
            Some(Data::ExponentialHistogram(_) | Data::Summary(_)) | None => 0,
        };
        let spec = names::ALL.iter().find(|spec| spec.otel == metric.name);
        let spec = spec.unwrap_or_else(|| panic!("{} isn't pinned", metric.name));
        if points > 0 {
            there.insert(spec.name.to_owned());
        }
    }
    let root = paths::root();
    let mut asked = BTreeSet::new();
    for file in ["grafana/callboard.json", "prometheus/callboard.rules.yaml"] {
        let text = std::fs::read_to_string(root.join("deploy").join(Path::new(file))).unwrap();
        let names = series(&text);
        assert!(names.len() > 8, "{file} asks for {names:?}");
        asked.extend(names);
    }
    let missing: Vec<&String> = asked.difference(&there).collect();
    assert!(
        missing.is_empty(),
        "{missing:?} isn't told; told is {there:#?}"
    );
    let known: BTreeSet<String> = names::ALL.iter().map(|spec| spec.name.to_owned()).collect();
    let unseen: Vec<&String> = known.difference(&asked).collect();
    assert!(
        unseen.is_empty(),
        "neither dashboard nor alert asks for {unseen:?}"
    );
}

/// The metrics that a text names, without what histograms put behind.
fn series(text: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = text.split(|character: char| !is_part(character));
    let names = words.filter(|word| BEGINNINGS.iter().any(|start| word.starts_with(start)));
    let base = |name: &str| {
        let ends = ["_bucket", "_sum", "_count"];
        let end = ends.iter().find_map(|end| name.strip_suffix(end));
        end.unwrap_or(name).to_owned()
    };
    let labels: BTreeSet<&str> = names::ALL
        .iter()
        .flat_map(|spec| spec.labels.iter().copied())
        .collect();
    let known = |name: &String| names::ALL.iter().any(|spec| spec.name == name);
    names
        .filter(|name| !labels.contains(name))
        .map(base)
        // In the text format, help and type stand without `_total`.
        .filter(|name| known(name) || !text.contains("# HELP"))
        .collect()
}

/// Asks an address for a path as Prometheus does; gives head and body.
pub(super) async fn get(address: &str, path: &str) -> String {
    asked(address, path, "application/openmetrics-text").await
}

/// The same, with another `Accept`.
pub(super) async fn asked(address: &str, path: &str, accept: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    said_to(address, &request).await
}

/// Sends a request whose connection is closed after it; gives the whole answer.
pub(super) async fn said_to(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
