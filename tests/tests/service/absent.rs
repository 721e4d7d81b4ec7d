//! A pool that has no worker for a while.

use callboard_tests::harness::{Callboard, until};
use callboard_tests::server::{Options, Server};
use serde_json::Value;

use super::common::{Service, run_of};

/// How many instances offer `echo`, as far as the service says.
async fn instances(service: &Service) -> Option<u64> {
    let tools = service.get("/v1/tools").await;
    let tools = tools.as_array().unwrap();
    let echo = tools.iter().find(|tool| tool["name"] == "echo")?;
    echo["instances"].as_u64()
}

async fn first_call(service: &Service) -> Value {
    let run = service.begin(run_of("quick")).await;
    service.ended(&run).await["report"]["turns"][0]["calls"][0].clone()
}

#[tokio::test]
async fn the_tools_of_a_worker_that_is_away_are_known_and_its_calls_are_told_so() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let start = || async {
        let worker = Callboard::worker("one", &url).unwrap();
        worker.args(["--tools", "basic"]).offers().await.unwrap()
    };
    let worker = start().await;
    let service = Service::with(&[], |command| command.nats(&url)).await;
    let see = async |wanted: u64| {
        until("the service sees who is there", async || {
            Ok((instances(&service).await == Some(wanted)).then_some(()))
        })
        .await
        .unwrap();
    };
    see(1).await;
    assert_eq!(first_call(&service).await["outcome"], "completed");
    worker.terminate().unwrap();
    assert_eq!(worker.ended().await.unwrap().code, Some(0));
    see(0).await;
    let call = first_call(&service).await;
    assert_eq!(call["outcome"], "no_worker", "{call}");
    assert_eq!(call["executed"], "no", "{call}");
    let _again = start().await;
    see(1).await;
    assert_eq!(first_call(&service).await["outcome"], "completed");
}
