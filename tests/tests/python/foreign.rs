//! A client that speaks the wire by hand, and says everything twice.

use std::time::Duration;

use async_nats::{Client, HeaderMap, Subscriber};
use bytes::Bytes;
use callboard_proto::message::{
    AckItem, AckState, CallHead, CallItem, GrantHead, GrantItem, ReplyHead, ResultItem,
};
use callboard_proto::subject::{self, Verb};
use callboard_proto::{
    Attempt, AttemptKey, Budget, CoordinatorId, Effect, Epoch, GrantId, HEADER_KIND,
    HEADER_VERSION, InstanceId, Kind, Outcome, Pool, RunId, Tenant, Token, ToolName, ToolUseId,
    Turn, VERSION, codec,
};
use callboard_tests::harness::referee::NOTE;
use callboard_tests::harness::{Ledger, PATIENCE, python};
use callboard_tests::server::{Options, Server};
use futures_util::StreamExt as _;
use uuid::Uuid;

struct Foreigner {
    client: Client,
    replies: Subscriber,
    id: CoordinatorId,
}

impl Foreigner {
    async fn connect(url: &str) -> Self {
        let client = async_nats::connect(url).await.unwrap();
        let id = CoordinatorId::new(Uuid::new_v4());
        let replies = client
            .subscribe(subject::reply_all(&tenant(), id))
            .await
            .unwrap();
        client.flush().await.unwrap();
        Self {
            client,
            replies,
            id,
        }
    }

    async fn send(&self, to: String, kind: Kind, body: Bytes) {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER_VERSION, VERSION);
        headers.insert(HEADER_KIND, kind.as_str());
        let reply = subject::reply(&tenant(), self.id, Token::new(Uuid::new_v4()));
        self.client
            .publish_with_reply_and_headers(to, reply, headers, body)
            .await
            .unwrap();
    }

    /// The next answer, as its kind and body.
    async fn hear(&mut self) -> (Kind, Bytes) {
        let message = tokio::time::timeout(PATIENCE, self.replies.next())
            .await
            .unwrap()
            .unwrap();
        let kind = message
            .headers
            .unwrap()
            .get(HEADER_KIND)
            .unwrap()
            .as_str()
            .parse()
            .unwrap();
        (kind, message.payload)
    }

    /// The instance and the state of the one attempt that the next ack names.
    async fn state(&mut self) -> (InstanceId, AckState) {
        let (kind, body) = self.hear().await;
        assert_eq!(kind, Kind::Ack);
        let batch = codec::decode_batch::<ReplyHead, AckItem>(&body).unwrap();
        (batch.head.instance, batch.items[0].as_ref().unwrap().state)
    }
}

fn tenant() -> Tenant {
    Tenant::new("default").unwrap()
}

#[tokio::test]
async fn a_call_and_a_grant_that_come_again_run_nothing_again() {
    let Some(python) = python::python() else {
        return;
    };
    let server = Server::start(&Options::default()).await.unwrap();
    let ledger = Ledger::new().unwrap();
    let _worker = python::start_referee(&python, &server.url(), "py", 4, &ledger)
        .await
        .unwrap();
    let mut foreigner = Foreigner::connect(&server.url()).await;
    let of = AttemptKey {
        run: RunId::new(Uuid::new_v4()),
        turn: Turn(1),
        id: ToolUseId::new("twice").unwrap(),
        attempt: Attempt(1),
        epoch: Epoch(0),
    };
    let tool = ToolName::new(NOTE).unwrap();
    let budget = Budget::new(Duration::from_secs(30));
    let head = CallHead {
        coordinator: foreigner.id,
        instance: None,
        seen: None,
        waiting: 0,
    };
    let call = CallItem {
        of: of.clone(),
        tool: tool.clone(),
        digest: None,
        // A client that takes it for harmless doesn't make it so.
        effect: Effect::Read,
        budget_ms: budget,
        arguments: Bytes::from_static(br#"{"ms":50}"#),
        key: None,
        traceparent: None,
    };
    let call = codec::encode_batch(&head, &[call]);
    let anyone = subject::call(&tenant(), &tool);

    foreigner
        .send(anyone.clone(), Kind::Call, call.clone())
        .await;
    let (instance, state) = foreigner.state().await;
    assert_eq!(state, AckState::Waiting);
    foreigner
        .send(anyone.clone(), Kind::Call, call.clone())
        .await;
    assert_eq!(foreigner.state().await, (instance, AckState::Waiting));
    assert_eq!(ledger.entries().unwrap(), []);

    let head = GrantHead {
        coordinator: foreigner.id,
        instance,
        seen: None,
    };
    let grant = |id| GrantItem {
        of: of.clone(),
        grant: GrantId::new(id),
        budget_ms: budget,
    };
    let first = codec::encode_batch(&head, &[grant(Uuid::from_u128(1))]);
    let other = codec::encode_batch(&head, &[grant(Uuid::from_u128(2))]);
    let own = subject::worker(
        &tenant(),
        &Pool::new("referees").unwrap(),
        instance,
        Verb::Grant,
    );
    for body in [&first, &first, &other] {
        foreigner.send(own.clone(), Kind::Grant, body.clone()).await;
    }
    let mut results = 0;
    foreigner.send(anyone, Kind::Call, call).await;
    foreigner.send(own, Kind::Grant, first).await;
    while results == 0 {
        let (kind, body) = foreigner.hear().await;
        if kind == Kind::Result {
            let batch = codec::decode_batch::<ReplyHead, ResultItem>(&body).unwrap();
            let result = batch.items[0].as_ref().unwrap();
            assert_eq!(
                (&result.of, &result.outcome),
                (&of, &Outcome::text("done twice"))
            );
            results += 1;
        }
    }
    assert_eq!(ledger.effects_of("twice").unwrap(), 1);
}
