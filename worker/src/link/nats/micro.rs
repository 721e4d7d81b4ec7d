//! The worker as a NATS micro service: what it answers to `$SRV.PING`, `INFO` and `STATS`, so that
//! coordinators and the stock `nats` tools find it.
//!
//! The client library's own service can't be used: its metadata is fixed when it starts, it counts
//! only what it answers itself, and it runs a task. Its types are, so the shapes are its own. The
//! service's id is the instance.

use std::collections::HashMap;

use async_nats::datetime::{self, DateTime};
use async_nats::service::{Info, PingResponse, Stats, endpoint};
use bytes::Bytes;
use callboard_proto::message::Announce;
use callboard_proto::subject::{
    self, METADATA_ANNOUNCE, METADATA_TENANT, QUEUE_GROUP, SERVICE_NAME,
};
use callboard_proto::{Tenant, ToolName};
use serde::Serialize;
use serde_json::json;

/// The version of the service: this crate's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the link counts, for `STATS`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Messages to the instance itself.
    pub(super) requests: usize,
    /// Messages that can't be read.
    pub(super) unreadable: usize,
    /// Answers sent.
    pub(super) answers: usize,
    /// Answers that were not sent: no link, or too large.
    pub(super) unsent: usize,
}

/// What the service says of itself.
#[derive(Debug)]
pub(super) struct Micro {
    tenant: Tenant,
    announce: Announce,
    started: DateTime,
    pub(super) counts: Counts,
    calls: HashMap<ToolName, usize>,
}

impl Micro {
    pub(super) fn new(tenant: Tenant, announce: Announce) -> Self {
        Self {
            tenant,
            announce,
            started: datetime::now(),
            counts: Counts::default(),
            calls: HashMap::new(),
        }
    }

    pub(super) fn announce(&mut self, announce: Announce) {
        self.calls
            .retain(|name, _count| announce.tools.iter().any(|tool| tool.name == *name));
        self.announce = announce;
    }

    /// Counts a call that came by a tool's queue group.
    pub(super) fn count_call(&mut self, tool: &ToolName) {
        if let Some(count) = self.calls.get_mut(tool) {
            *count += 1;
        } else {
            self.calls.insert(tool.clone(), 1);
        }
    }

    /// The answer to a question on one of the service's subjects, if it may be given there: an inbox
    /// of the stock tools, or a reply subject of this tenant. Whoever asks chooses the subject, and
    /// must not make a worker publish elsewhere.
    pub(super) fn answer(&self, question: &str, reply: &str) -> Option<Bytes> {
        if !is_inbox(reply) && !subject::is_reply(&self.tenant, reply) {
            return None;
        }
        match subject::service_verb(question)? {
            "PING" => Some(json_bytes(&self.ping())),
            "INFO" => Some(json_bytes(&self.info())),
            "STATS" => Some(json_bytes(&self.stats())),
            _ => None,
        }
    }

    fn ping(&self) -> PingResponse {
        PingResponse {
            kind: "io.nats.micro.v1.ping_response".to_owned(),
            name: SERVICE_NAME.to_owned(),
            id: self.announce.instance.to_string(),
            version: VERSION.to_owned(),
            metadata: self.metadata(),
        }
    }

    fn info(&self) -> Info {
        let mut metadata = self.metadata();
        metadata.insert(METADATA_ANNOUNCE.to_owned(), self.announce.to_json());
        Info {
            kind: "io.nats.micro.v1.info_response".to_owned(),
            name: SERVICE_NAME.to_owned(),
            id: self.announce.instance.to_string(),
            description: "executes the tool calls of LLM agents".to_owned(),
            version: VERSION.to_owned(),
            metadata,
            endpoints: self
                .endpoints()
                .into_iter()
                .map(|endpoint| endpoint::Info {
                    name: endpoint.name,
                    subject: endpoint.subject,
                    queue_group: endpoint.queue_group,
                    metadata: HashMap::new(),
                })
                .collect(),
        }
    }

    fn stats(&self) -> Stats {
        Stats {
            kind: "io.nats.micro.v1.stats_response".to_owned(),
            name: SERVICE_NAME.to_owned(),
            id: self.announce.instance.to_string(),
            version: VERSION.to_owned(),
            started: self.started,
            endpoints: self.endpoints(),
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        HashMap::from([(METADATA_TENANT.to_owned(), self.tenant.to_string())])
    }

    /// The instance's own subjects, then the queue group of each tool.
    fn endpoints(&self) -> Vec<endpoint::Stats> {
        let instance = endpoint::Stats {
            name: "instance".to_owned(),
            subject: subject::worker_all(&self.tenant, &self.announce.pool, self.announce.instance),
            requests: self.counts.requests,
            errors: self.counts.unreadable + self.counts.unsent,
            data: Some(json!({
                "answers": self.counts.answers,
                "unreadable": self.counts.unreadable,
                "unsent": self.counts.unsent,
            })),
            ..endpoint::Stats::default()
        };
        let tools = self.announce.tools.iter().map(|tool| endpoint::Stats {
            // A service's names know no escape.
            name: subject::tool_token(&tool.name).replace('=', "_"),
            subject: subject::call(&self.tenant, &tool.name),
            queue_group: QUEUE_GROUP.to_owned(),
            requests: self.calls.get(&tool.name).copied().unwrap_or_default(),
            ..endpoint::Stats::default()
        });
        std::iter::once(instance).chain(tools).collect()
    }
}

/// Whether a subject is an inbox of the stock tools.
pub(super) fn is_inbox(subject: &str) -> bool {
    subject.starts_with("_INBOX")
}

fn json_bytes<T: Serialize>(answer: &T) -> Bytes {
    let text = serde_json::to_vec(answer).expect("a service's answers are maps of plain values");
    Bytes::from(text)
}
