//! Workers as NATS micro services, and the queue groups of their tools.

use bytes::Bytes;
use callboard_proto::message::{Announce, CallHead, CallItem, RefusalCode};
use callboard_proto::{
    Attempt, AttemptKey, Budget, Effect, Epoch, Kind, RunId, ToolName, ToolUseId, Turn, codec,
    subject,
};
use callboard_tests::link::{
    Adapter as _, Heard, Nats, Party, announce, coordinator_id, instance_id, tenant, token,
};
use callboard_worker::link::nats::NatsLink;
use callboard_worker::link::{Incoming, Link as _};
use serde_json::Value;
use uuid::Uuid;

async fn ask(client: &async_nats::Client, subject: &str) -> Value {
    let answer = client
        .request(subject.to_owned(), Bytes::new())
        .await
        .unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

#[tokio::test]
async fn stock_tools_find_a_worker() {
    let nats = Nats::start().await.unwrap();
    let announced = announce("w1", &["fs_read", "weather.get"]);
    let link = NatsLink::connect(&nats.options(), tenant(), announced.clone())
        .await
        .unwrap();
    let _worker = Party::worker(link);
    let client = nats.client();
    let id = instance_id("w1").to_string();
    for scope in ["", ".callboard-worker", &format!(".callboard-worker.{id}")] {
        let pong = ask(client, &format!("$SRV.PING{scope}")).await;
        assert_eq!(pong["type"], "io.nats.micro.v1.ping_response");
        assert_eq!(pong["name"], "callboard-worker");
        assert_eq!(pong["id"], id);
        assert_eq!(pong["metadata"]["callboard_tenant"], "stage");
    }

    let info = ask(client, "$SRV.INFO.callboard-worker").await;
    assert_eq!(info["type"], "io.nats.micro.v1.info_response");
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    let said = Announce::from_json(info["metadata"]["callboard"].as_str().unwrap()).unwrap();
    assert_eq!(said.tools, announced.tools);
    assert!(said.payload_bytes_max < 1024 * 1024);
    let subjects: Vec<&str> = info["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| endpoint["subject"].as_str().unwrap())
        .collect();
    assert_eq!(
        subjects,
        [
            format!("cb.v1.worker.stage.main.{id}.*").as_str(),
            "cb.v1.call.stage.fs_read",
            "cb.v1.call.stage.weather=2Eget",
        ]
    );

    let stats = ask(client, "$SRV.STATS.callboard-worker").await;
    assert_eq!(stats["type"], "io.nats.micro.v1.stats_response");
    assert!(stats["started"].as_str().unwrap().ends_with('Z'));
    assert_eq!(stats["endpoints"][0]["num_requests"], 0);
}

/// One call of a tool, as a foreign client would send it.
fn one_call(tool: &str, count: usize) -> Bytes {
    let item = |index| CallItem {
        of: AttemptKey {
            run: RunId::new(Uuid::nil()),
            turn: Turn(1),
            id: ToolUseId::minted(index),
            attempt: Attempt(1),
            epoch: Epoch(0),
        },
        tool: ToolName::new(tool).unwrap(),
        digest: None,
        effect: Effect::Read,
        budget_ms: Budget::new(std::time::Duration::from_secs(1)),
        arguments: Bytes::from_static(b"{}"),
        key: None,
        traceparent: None,
    };
    let head = CallHead {
        coordinator: coordinator_id("c1"),
        instance: None,
        seen: None,
        waiting: 0,
    };
    let items: Vec<CallItem> = (0..count).map(item).collect();
    codec::encode_batch(&head, &items)
}

/// Sends to a tool's queue group, as a foreign client; says whether somebody listens there.
async fn call(nats: &Nats, tool: &str, kind: Kind, body: Bytes) {
    let mut headers = async_nats::HeaderMap::new();
    headers.insert(callboard_proto::HEADER_VERSION, "1");
    headers.insert(callboard_proto::HEADER_KIND, kind.as_str());
    let to = subject::call(&tenant(), &ToolName::new(tool).unwrap());
    let reply = subject::reply(&tenant(), coordinator_id("c1"), token("t1"));
    nats.client()
        .publish_with_reply_and_headers(to, reply, headers, body)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_tools_queue_group_takes_single_calls_of_that_tool() {
    let nats = Nats::start().await.unwrap();
    let link = NatsLink::connect(&nats.options(), tenant(), announce("w1", &["weather.get"]))
        .await
        .unwrap();
    let mut worker = Party::worker(link);

    let body = one_call("weather.get", 1);
    call(&nats, "weather.get", Kind::Call, body.clone()).await;
    let reply = Some((coordinator_id("c1"), token("t1")));
    let heard = Heard::Request {
        reply,
        kind: Kind::Call,
        body: body.to_vec(),
    };
    worker.expect(&heard).await.unwrap();

    for (kind, body, expected) in [
        (
            Kind::Call,
            one_call("weather.get", 2),
            RefusalCode::Malformed,
        ),
        (
            Kind::Call,
            one_call("weather.get", 0),
            RefusalCode::Malformed,
        ),
        (Kind::Call, one_call("fs_read", 1), RefusalCode::Malformed),
        (Kind::Call, Bytes::from_static(b"x"), RefusalCode::Malformed),
        (Kind::Cancel, one_call("weather.get", 1), RefusalCode::Kind),
    ] {
        call(&nats, "weather.get", kind, body).await;
        let Heard::Unreadable {
            code, reply: to, ..
        } = worker.hear().await.unwrap()
        else {
            panic!("{kind} was read")
        };
        assert_eq!((code, to), (Some(expected), reply));
    }
    let stats = ask(nats.client(), "$SRV.STATS.callboard-worker").await;
    assert_eq!(stats["endpoints"][0]["num_errors"], 5);
    assert_eq!(stats["endpoints"][1]["num_requests"], 6);
}

#[tokio::test]
async fn a_changed_offer_changes_groups_and_metadata() {
    let nats = Nats::start().await.unwrap();
    let mut link = NatsLink::connect(&nats.options(), tenant(), announce("w1", &["a", "b"]))
        .await
        .unwrap();
    let mut changed = announce("w1", &["b", "c"]);
    changed.catalogue = 2;
    link.announce(changed);
    let mut heard = Vec::new();
    // The answer to a question that comes after the change shows that the server knows of it.
    let client = nats.client().clone();
    let info = tokio::spawn(async move {
        let mut info = ask(&client, "$SRV.INFO.callboard-worker").await;
        info["metadata"]["callboard"].take()
    });
    while !info.is_finished() {
        tokio::select! {
            () = link.receive(&mut heard) => {}
            () = tokio::task::yield_now() => {}
        }
    }
    let said = Announce::from_json(info.await.unwrap().as_str().unwrap()).unwrap();
    assert_eq!(said.catalogue, 2);

    let nobody = nats
        .client()
        .request("cb.v1.call.stage.a", one_call("a", 1))
        .await
        .unwrap_err();
    assert_eq!(nobody.kind(), async_nats::RequestErrorKind::NoResponders);
    for tool in ["b", "c"] {
        call(&nats, tool, Kind::Call, one_call(tool, 1)).await;
        heard.clear();
        link.receive(&mut heard).await;
        assert!(
            matches!(heard.as_slice(), [Incoming::Request { .. }]),
            "{heard:?}"
        );
    }
}
