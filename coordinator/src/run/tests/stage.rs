//! A worker that isn't there, behind a link that is: the real dispatcher can't tell.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use callboard_proto::message::{
    AckItem, AckState, Announce, CallHead, CallItem, CancelHead, CancelItem, GrantHead, GrantItem,
    Load, ReplyHead, ResultItem, ToolDigest,
};
use callboard_proto::{
    AttemptKey, CoordinatorId, Effect, Executed, FailureKind, InstanceId, Kind, Outcome, Pool,
    Token, WorkerName, codec,
};
use uuid::Uuid;

use crate::catalogue::Catalogue;
use crate::dispatch::{Dispatch, DispatchHandle, Options};
use crate::link::local::{Instance, Port, Request, Switchboard};

/// Time that each call takes.
const WORK: Duration = Duration::from_millis(300);

/// A worker whose calls take 300 ms each; a write waits for its grant.
#[derive(Clone)]
pub(super) struct Stage(Arc<Inner>);

struct Inner {
    instance: InstanceId,
    port: Mutex<Option<Port>>,
    started: Mutex<Vec<String>>,
    ended: Mutex<BTreeSet<AttemptKey>>,
}

impl Stage {
    /// A dispatcher with one worker that serves all these tools.
    pub(super) fn set(catalogue: &Catalogue) -> (Self, DispatchHandle) {
        let stage = Self(Arc::new(Inner {
            instance: InstanceId::new(Uuid::new_v4()),
            port: Mutex::default(),
            started: Mutex::default(),
            ended: Mutex::default(),
        }));
        let announce = Announce {
            instance: stage.0.instance,
            worker: WorkerName::new("stage").unwrap(),
            pool: Pool::new("default").unwrap(),
            version: "test".to_owned(),
            slots: 8,
            catalogue: 1,
            payload_bytes_max: 1 << 20,
            labels: Vec::new(),
            tools: catalogue
                .tools()
                .map(|tool| ToolDigest {
                    name: tool.name().clone(),
                    digest: tool.digest(),
                })
                .collect(),
            down: Vec::new(),
        };
        let board = Switchboard::default();
        let port = board.join(&announce, stage.clone());
        *stage.0.port.lock().unwrap() = Some(port);
        let coordinator = CoordinatorId::new(Uuid::new_v4());
        let link = board.connect(coordinator);
        let (actor, dispatch) = Dispatch::new(Options::new(coordinator), link);
        tokio::spawn(actor.run());
        (stage, dispatch)
    }

    /// The calls that entered their tool, in order: turn and id.
    pub(super) fn started(&self) -> Vec<String> {
        self.0.started.lock().unwrap().clone()
    }

    fn reply(&self, to: (CoordinatorId, Token), kind: Kind, body: impl FnOnce(ReplyHead) -> Bytes) {
        let head = ReplyHead {
            instance: self.0.instance,
            load: Load {
                seq: 1,
                slots: 8,
                free: 8,
            },
            bad: Vec::new(),
        };
        let port = self.0.port.lock().unwrap();
        port.as_ref().unwrap().answer(to.0, to.1, kind, body(head));
    }

    fn ack(&self, to: (CoordinatorId, Token), of: AttemptKey, state: AckState) {
        let item = AckItem {
            of,
            state,
            grant: None,
            tool_full: false,
        };
        self.reply(to, Kind::Ack, |head| codec::encode_batch(&head, &[item]));
    }

    fn end(&self, to: (CoordinatorId, Token), of: AttemptKey, outcome: Outcome) {
        if self.0.ended.lock().unwrap().insert(of.clone()) {
            let item = ResultItem {
                of,
                outcome,
                queued: Duration::ZERO,
                executed: WORK,
            };
            self.reply(to, Kind::Result, |head| codec::encode_batch(&head, &[item]));
        }
    }

    fn start(&self, to: (CoordinatorId, Token), of: AttemptKey) {
        let name = format!("{} {}", of.turn.0, of.id);
        self.0.started.lock().unwrap().push(name);
        self.ack(to, of.clone(), AckState::Running);
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(WORK).await;
            this.end(to, of, Outcome::text("done"));
        });
    }
}

impl Instance for Stage {
    fn deliver(&self, request: Request) -> bool {
        let to = (request.coordinator, request.token);
        match request.kind {
            Kind::Call => {
                let batch: codec::Batch<CallHead, CallItem> =
                    codec::decode_batch(&request.body).unwrap();
                for item in batch.items {
                    let item = item.unwrap();
                    match item.effect {
                        Effect::Write => self.ack(to, item.of, AckState::Waiting),
                        Effect::Read | Effect::Idempotent => self.start(to, item.of),
                    }
                }
            }
            Kind::Grant => {
                let batch: codec::Batch<GrantHead, GrantItem> =
                    codec::decode_batch(&request.body).unwrap();
                for item in batch.items {
                    self.start(to, item.unwrap().of);
                }
            }
            Kind::Cancel => {
                let batch: codec::Batch<CancelHead, CancelItem> =
                    codec::decode_batch(&request.body).unwrap();
                for item in batch.items {
                    let stopped = Outcome::failed(FailureKind::Cancelled, "stopped", Executed::Yes);
                    self.end(to, item.unwrap().of, stopped);
                }
            }
            Kind::Status
            | Kind::Describe
            | Kind::Drain
            | Kind::Ack
            | Kind::Result
            | Kind::Progress
            | Kind::Free
            | Kind::Refusal
            | Kind::Tools
            | Kind::Announce
            | Kind::Beat => {}
        }
        true
    }

    fn line_changed(&self, _is_up: bool) {}
}
