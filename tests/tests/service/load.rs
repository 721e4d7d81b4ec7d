//! A thousand runs at once, in bounded memory.

use std::io::Write as _;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::common::{Service, value};

const RUNS: usize = 1_000;
/// Bytes that a run may take while all are in flight, and after, with its events and report kept.
/// Measured on 2026-11-23 in a debug build: 37 KiB; three times that leaves room for noise.
const RUN_BYTES_MAX: u64 = 120 * 1024;

/// Bytes of memory that a process holds.
fn resident(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_thousand_runs_at_once_take_bounded_memory() {
    let service = Service::start().await;
    let one = json!({"prompt": "go", "model": "script/noop"});
    let run = service.begin(one.clone()).await;
    service.ended(&run).await;
    let before = resident(service.child.pid());
    let begun = (0..RUNS).map(|_| service.post("/v1/runs?wait=true", &one).send());
    let begun = tokio::spawn(futures_util::future::join_all(begun));
    let mut at_once = 0;
    let mut most = before;
    while !begun.is_finished() {
        let list = service.get("/v1/runs?limit=1").await;
        at_once = at_once.max(list["counts"]["running"].as_u64().unwrap());
        most = most.max(resident(service.child.pid()));
    }
    let mut answered = 0;
    for response in begun.await.unwrap() {
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let view: Value = value(response).await;
        answered += usize::from(view["reason"] == "answered");
    }
    let grown = most.saturating_sub(before);
    let mut told = std::io::stderr();
    let _ = writeln!(
        told,
        "{at_once} of {RUNS} runs at once: {} MiB before, {} MiB at most",
        before >> 20,
        most >> 20
    );
    assert_eq!(answered, RUNS);
    assert!(at_once > 100, "{at_once} runs were in flight together");
    assert!(
        grown < RUN_BYTES_MAX * RUNS as u64,
        "{grown} bytes for {RUNS} runs"
    );
}
