//! Several replicas over one server: any of them answers for any run.

use std::time::Duration;

use callboard_tests::harness::{Callboard, Child, until};
use callboard_tests::server::{Options, Server};
use reqwest::{Method, StatusCode};

use super::common::{Service, run_of, value};

/// In how long a stream ends whose replica is gone: its lease of 3.5 s, and what a busy machine takes. Less than
/// the 20 s that an answer may take.
const LEFT_WITHIN: Duration = Duration::from_secs(12);

/// Replicas with a worker for all of them.
struct House {
    replicas: Vec<Service>,
    _worker: Child,
    _server: Server,
}

async fn house(replicas: usize) -> House {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let words = ["worker", "--tools", "basic", "--slots", "64"];
    let mut worker = Callboard::new(words).unwrap().nats(&url).start().unwrap();
    worker.says("offers").await.unwrap();
    let mut all = Vec::new();
    for _ in 0..replicas {
        let words = ["--nats", &url, "--grace", "300ms"];
        let keeping = |command: Callboard| command.env("CALLBOARD_TELEMETRY__CONTENT", "true");
        all.push(Service::with(&words, keeping).await);
    }
    House {
        replicas: all,
        _worker: worker,
        _server: server,
    }
}

#[tokio::test]
async fn any_replica_answers_for_any_run() {
    let house = house(2).await;
    let [one, two] = house.replicas.as_slice() else {
        panic!("there are two");
    };
    let run = one.begin(run_of("long")).await;
    let (here, there) = tokio::join!(async { one.follow(&run, 0).await.all().await }, async {
        two.follow(&run, 0).await.all().await
    });
    assert_eq!(here, there);
    assert_eq!(there.last().unwrap().name, "run_ended");
    assert_eq!(
        two.get(&format!("/v1/runs/{run}")).await,
        one.get(&format!("/v1/runs/{run}")).await
    );
    let content = format!("/v1/runs/{run}/calls/1/c0");
    assert_eq!(two.get(&content).await, one.get(&content).await);
    let slow = one.begin(run_of("slow")).await;
    two.told(&slow, "call_posted").await;
    let cancelled = two
        .ask(Method::DELETE, &format!("/v1/runs/{slow}"))
        .send()
        .await
        .unwrap();
    assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    assert_eq!(two.ended(&slow).await["reason"], "cancelled");
    let lists = [one.get("/v1/runs").await, two.get("/v1/runs").await];
    assert_eq!(lists[0]["counts"], lists[1]["counts"]);
    let ids = |list: &serde_json::Value| -> Vec<String> {
        let runs = list["runs"].as_array().unwrap().iter();
        runs.map(|run| run["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&lists[0]), ids(&lists[1]));
    assert_eq!(ids(&lists[0]), [slow, run]);
}

#[tokio::test]
async fn a_key_stands_for_one_run_whoever_is_asked() {
    let house = house(3).await;
    for key in 0..12 {
        let asked = house.replicas.iter().map(|replica| {
            let request = replica.post("/v1/runs?wait=true", &run_of("quick"));
            request
                .header("idempotency-key", format!("key-{key}"))
                .send()
        });
        let mut ids = Vec::new();
        for response in futures_util::future::join_all(asked).await {
            let response = response.unwrap();
            let status = response.status();
            let view = value(response).await;
            assert_eq!(status, StatusCode::OK, "{view}");
            ids.push(view["id"].clone());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "key {key}");
    }
    let other = house.replicas[1]
        .post("/v1/runs", &run_of("slow"))
        .header("idempotency-key", "key-0");
    assert_eq!(other.send().await.unwrap().status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_replica_that_is_gone_is_told_and_its_keys_are_free() {
    let mut house = house(2).await;
    let two = house.replicas.pop().unwrap();
    let mut one = house.replicas.pop().unwrap();
    let ask = |service: &Service| {
        let request = service.post("/v1/runs", &run_of("slow"));
        request.header("idempotency-key", "k").send()
    };
    let first = value(ask(&one).await.unwrap()).await;
    let run = first["id"].as_str().unwrap().to_owned();
    let events = two.follow(&run, 0).await;
    one.child.kill9().await.unwrap();
    // The server's word that nobody listens there comes only to who asks now: this one asked before.
    let left = tokio::time::timeout(LEFT_WITHIN, events.all()).await;
    assert!(left.is_ok(), "who follows there is left within its lease");
    let path = format!("/v1/runs/{run}");
    let response = two.ask(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::GONE);
    assert_eq!(value(response).await["error"]["code"], "run_gone");
    let again = until("the key is free", async || {
        let response = ask(&two).await?;
        Ok((response.status() == StatusCode::ACCEPTED).then_some(response))
    })
    .await
    .unwrap();
    assert_ne!(value(again).await["id"], first["id"]);
}

#[tokio::test]
async fn a_frozen_replica_is_told_as_silent_and_a_thawed_one_answers() {
    let house = house(2).await;
    let [one, two] = house.replicas.as_slice() else {
        panic!("there are two");
    };
    let run = one.begin(run_of("slow")).await;
    one.child.pause().unwrap();
    let path = format!("/v1/runs/{run}");
    let response = two.ask(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(value(response).await["error"]["code"], "replica_silent");
    // Its runs aren't in the list: the list says so, for as long as nobody knows that it has ended.
    for _ in 0..2 {
        let list = two.get("/v1/runs").await;
        assert_eq!(
            list["silent_replicas"].as_array().unwrap().len(),
            1,
            "{list}"
        );
    }
    one.child.resume().unwrap();
    until("it answers again", async || {
        let response = two.ask(Method::GET, &path).send().await?;
        Ok((response.status() == StatusCode::OK).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_replica_without_its_server_says_that_the_way_is_cut() {
    let mut server = Server::start_for_faults(&Options::default()).await.unwrap();
    let url = server.url();
    let words = ["--nats", url.as_str()];
    let start = || Service::with(&words, |command| command);
    let (one, two) = (start().await, start().await);
    let run = one.begin(run_of("slow")).await;
    let path = format!("/v1/runs/{run}");
    assert_eq!(two.get(&path).await["id"], run);
    server.kill9().await.unwrap();
    until("it notices", async || {
        let response = two.ask(Method::GET, &path).send().await?;
        let code = value(response).await["error"]["code"].clone();
        Ok((code == "link_down").then_some(()))
    })
    .await
    .unwrap();
}
