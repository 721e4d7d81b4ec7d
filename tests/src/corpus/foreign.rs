//! A foreign client: it speaks the wire by hand, well and badly, and is what an operator's tool would be.

use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use callboard_proto::message::{CallHead, CallItem, Drain, StatusHead, StatusItem};
use callboard_proto::subject::{self, Verb};
use callboard_proto::{
    Attempt, AttemptKey, Budget, CoordinatorId, Digest, Effect, Epoch, HEADER_KIND, HEADER_VERSION,
    InstanceId, Kind, RunId, Token, ToolName, ToolUseId, Turn, VERSION, codec,
};
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

use super::cast::{Worker, tenant};

/// A client that no library helps.
pub(super) struct Foreigner {
    client: Client,
    id: CoordinatorId,
    run: RunId,
}

/// What it puts into a batch of calls.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Item {
    /// A call.
    Call(Box<CallItem>),
    /// A call of which only the attempt can be read.
    Torn {
        /// The attempt.
        of: AttemptKey,
        /// No tool's name.
        tool: u8,
    },
    /// Nothing that can be read.
    Noise(String),
}

impl Foreigner {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            id: CoordinatorId::new(Uuid::new_v4()),
            run: RunId::new(Uuid::new_v4()),
        }
    }

    /// The first attempt of its call with this id.
    pub(super) fn of(&self, id: &str) -> AttemptKey {
        AttemptKey {
            run: self.run,
            turn: Turn(1),
            id: ToolUseId::new(id).expect("the ids here are valid"),
            attempt: Attempt(1),
            epoch: Epoch(0),
        }
    }

    /// A call of a tool, with every optional field.
    pub(super) fn item(&self, id: &str, tool: &str, budget: Duration) -> CallItem {
        CallItem {
            of: self.of(id),
            tool: ToolName::new(tool).expect("the names here are valid"),
            digest: None,
            effect: Effect::Read,
            budget_ms: Budget::new(budget),
            arguments: Bytes::from_static(br#"{"note":"by hand"}"#),
            key: Some("order-17".to_owned()),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        }
    }

    /// Posts one call to whoever offers its tool.
    pub(super) async fn call_anyone(&self, item: CallItem) -> anyhow::Result<()> {
        let to = subject::call(&tenant(), &item.tool);
        let body = codec::encode_batch(&self.head(None, None), &[item]);
        self.send(to, VERSION, Kind::Call.as_str(), body).await
    }

    /// Posts calls to one worker; `seen` is the beat that they name.
    pub(super) async fn call(
        &self,
        worker: &Worker,
        seen: Option<u64>,
        items: &[Item],
    ) -> anyhow::Result<()> {
        let body = codec::encode_batch(&self.head(Some(worker.instance), seen), items);
        self.send_to(worker, Verb::Call, VERSION, Kind::Call.as_str(), body)
            .await
    }

    /// Posts a call that the worker has to refuse as a whole: under another version or kind, with another body, or
    /// for another instance.
    pub(super) async fn call_badly(
        &self,
        worker: &Worker,
        version: &str,
        kind: &str,
        body: Option<Bytes>,
    ) -> anyhow::Result<()> {
        let other = Some(InstanceId::new(Uuid::new_v4()));
        let item = self.item("unread", "look", Duration::from_secs(1));
        let body = body.unwrap_or_else(|| codec::encode_batch(&self.head(other, None), &[item]));
        self.send_to(worker, Verb::Call, version, kind, body).await
    }

    /// Asks one worker what it holds of a call.
    pub(super) async fn ask(&self, worker: &Worker, id: &str) -> anyhow::Result<()> {
        let head = StatusHead {
            coordinator: self.id,
            instance: worker.instance,
        };
        let item = StatusItem {
            of: self.of(id),
            seen: None,
        };
        let body = codec::encode_batch(&head, &[item]);
        self.send_to(worker, Verb::Status, VERSION, Kind::Status.as_str(), body)
            .await
    }

    /// Tells one worker to go.
    pub(super) async fn drain(&self, worker: &Worker, grace: Duration) -> anyhow::Result<()> {
        let body = codec::encode(&Drain {
            instance: worker.instance,
            grace_ms: Budget::new(grace),
        });
        self.send_to(worker, Verb::Drain, VERSION, Kind::Drain.as_str(), body)
            .await
    }

    fn head(&self, instance: Option<InstanceId>, seen: Option<u64>) -> CallHead {
        CallHead {
            coordinator: self.id,
            instance,
            seen,
            waiting: 0,
        }
    }

    async fn send_to(
        &self,
        worker: &Worker,
        verb: Verb,
        version: &str,
        kind: &str,
        body: Bytes,
    ) -> anyhow::Result<()> {
        let to = subject::worker(&tenant(), &worker.pool, worker.instance, verb);
        self.send(to, version, kind, body).await
    }

    async fn send(&self, to: String, version: &str, kind: &str, body: Bytes) -> anyhow::Result<()> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER_VERSION, version);
        headers.insert(HEADER_KIND, kind);
        let reply = subject::reply(&tenant(), self.id, Token::new(Uuid::new_v4()));
        self.client
            .publish_with_reply_and_headers(to, reply, headers, body)
            .await?;
        Ok(())
    }
}

/// A digest that no tool has.
pub(super) fn other_digest() -> Digest {
    Digest::new([0x5a; 32])
}
