//! Tools that change while the worker lives.

use std::time::Duration;

use callboard_proto::Effect;
use callboard_proto::message::{AckState, Down};

use super::harness::{Worker, item, options, spec, tool};
use crate::tool::{Answer, Tools, digest, tool_fn};

const LONG: Duration = Duration::from_secs(60);

fn named(name: &'static str) -> std::sync::Arc<dyn crate::tool::Tool> {
    tool(name, move |_| async move { Ok(Answer::text(name)) })
}

#[tokio::test(start_paused = true)]
async fn an_offer_is_announced_and_beats_say_that_it_changed() {
    let mut worker = Worker::of([named("old")]);
    assert_eq!(worker.beat().await.catalogue, 1);
    let down = vec![Down {
        what: "mcp memory".to_owned(),
        why: "it doesn't start".to_owned(),
    }];
    let tools = Tools::new([named("new")]).unwrap();
    worker.handle.offer(tools, down.clone()).await.unwrap();
    let announced = worker.announced().await;
    assert_eq!(announced.catalogue, 2);
    assert_eq!(announced.down, down);
    assert_eq!(announced.tools[0].name.as_str(), "new");
    assert_eq!(worker.beat().await.catalogue, 2);
    worker.post(&[item("new", 1, LONG), item("old", 2, LONG)]);
    let acks = worker.acks().await;
    assert_eq!(acks[1].state, AckState::WrongDigest);
    assert_eq!(worker.results().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_runs_ends_though_its_tool_is_withdrawn_and_what_waits_does_not_begin() {
    let slow = tool("slow", |call| async move {
        call.cancellation().cancelled().await;
        Ok(Answer::text("told to stop"))
    });
    let pay = tool_fn(
        spec("pay", Effect::Write),
        |_: serde_json::Value, _| async { Ok(Answer::text("paid")) },
    );
    let mut worker = Worker::of([slow, pay.into()]);
    worker.post(&[item("slow", 1, LONG), item("pay", 2, LONG)]);
    assert_eq!(worker.acks().await[1].state, AckState::Waiting);
    worker
        .handle
        .offer(Tools::default(), Vec::new())
        .await
        .unwrap();
    let acks = worker.acks().await;
    assert_eq!(acks.len(), 1);
    assert_eq!(acks[0].of, item("pay", 2, LONG).of);
    assert_eq!(acks[0].state, AckState::WrongDigest);
    worker.cancel(item("slow", 1, LONG).of);
    assert_eq!(worker.results().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tool_whose_labels_the_worker_lacks_is_left_out() {
    let mut gpu = spec("gpu", Effect::Read);
    gpu.manifest.require = vec!["gpu=a100".parse().unwrap()];
    let gpu = tool_fn(gpu, |_: serde_json::Value, _| async {
        Ok(Answer::text(""))
    });
    let mut worker = Worker::with(options(), [named("a")]);
    let tools = Tools::new([gpu.into(), named("b")]).unwrap();
    let b = digest(tools.offers()[1].spec());
    worker.handle.offer(tools, Vec::new()).await.unwrap();
    let announced = worker.announced().await;
    assert_eq!(announced.tools.len(), 1);
    assert_eq!(announced.tools[0].digest, b);
    worker.post(&[item("b", 1, LONG)]);
    assert_eq!(worker.results().await.len(), 1);
}
