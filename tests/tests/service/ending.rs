//! SIGTERM: nothing new begins, what runs is finished or settled, readers are told.

use std::time::Duration;

use callboard_tests::harness::until;
use callboard_tests::server::{Options, Server};
use reqwest::Method;
use serde_json::json;

use super::common::{Service, run_of, value};

#[tokio::test]
async fn running_runs_finish_within_the_grace_and_nothing_new_begins() {
    let service = Service::with(&["--tools", "basic", "--grace", "60s"], |command| command).await;
    let run = service.begin(run_of("short")).await;
    let events = service.follow(&run, 0).await;
    service.child.terminate().unwrap();
    until("it isn't ready any more", async || {
        let response = service.ask(Method::GET, "/readyz").send().await?;
        Ok((response.status() == 503).then_some(()))
    })
    .await
    .unwrap();
    let refused = service
        .post("/v1/runs", &run_of("quick"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(value(refused).await["error"]["code"], "draining");
    let last = events.all().await.pop().unwrap();
    assert_eq!(
        (last.name.as_str(), &last.data["reason"]),
        ("run_ended", &json!("answered"))
    );
    let ended = service.child.ended().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn what_runs_on_is_interrupted_with_its_calls_settled() {
    let service = Service::with(&["--tools", "basic", "--grace", "300ms"], |command| command).await;
    let run = service.begin(run_of("slow")).await;
    let waiting = tokio::spawn(service.post("/v1/runs?wait=true", &run_of("slow")).send());
    let message = json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": "w", "name": "wait", "input": {"ms": 60000}}]});
    let executing = tokio::spawn(service.post("/v1/execute", &message).send());
    service.told(&run, "call_posted").await;
    until("all three are in flight", async || {
        let metrics = service
            .ask(Method::GET, "/metrics")
            .send()
            .await?
            .text()
            .await?;
        Ok(metrics
            .contains("callboard_service_in_flight 3.0\n")
            .then_some(()))
    })
    .await
    .unwrap();
    let events = service.follow(&run, 0).await;
    service.child.terminate().unwrap();
    let all = events.all().await;
    let settled = all
        .iter()
        .find(|event| event.name == "call_settled")
        .unwrap();
    assert_eq!(settled.data["outcome"], "interrupted");
    let last = all.last().unwrap();
    assert_eq!(
        (last.name.as_str(), &last.data["reason"]),
        ("run_ended", &json!("interrupted"))
    );
    let view = value(waiting.await.unwrap().unwrap()).await;
    assert_eq!(view["reason"], "interrupted");
    let result = value(executing.await.unwrap().unwrap()).await;
    assert_eq!(result["content"][0]["is_error"], true);
    let ended = service.child.ended().await.unwrap();
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("3 runs were interrupted"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn it_ends_in_order_while_the_server_is_away() {
    let mut server = Server::start_for_faults(&Options::default()).await.unwrap();
    let url = server.url();
    let words = ["--nats", url.as_str(), "--grace", "300ms"];
    let service = Service::with(&words, |command| command).await;
    server.kill9().await.unwrap();
    until("it isn't linked any more", async || {
        let response = service.ask(Method::GET, "/readyz").send().await?;
        Ok((response.status() == 503).then_some(()))
    })
    .await
    .unwrap();
    service.child.terminate().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), service.child.ended()).await;
    let ended = ended.expect("it ends").unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("every run has ended"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut service =
        Service::with(&["--tools", "basic", "--grace", "1h"], |command| command).await;
    service.begin(run_of("slow")).await;
    service.child.terminate().unwrap();
    service.child.says("ending in order").await.unwrap();
    service.child.terminate().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), service.child.ended()).await;
    assert_eq!(ended.unwrap().unwrap().code, Some(130));
}
