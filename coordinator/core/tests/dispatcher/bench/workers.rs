//! What workers say to the bench: announcements, beats, acks, results, refusals.

use callboard_coordinator_core::{Effect, Input, Undelivered};
use callboard_proto::codec::Batch;
use callboard_proto::message::{
    AckItem, Announce, BadItem, Beat, Free, Load, Refusal, RefusalCode, ReplyHead, ResultItem,
    ToolDigest,
};
use callboard_proto::{Label, Pool, Token, ToolName, WorkerName};

use super::Bench;
use crate::words;

/// A worker's process, as the network shows it.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    /// The name under which instances succeed each other.
    pub(crate) name: String,
    pub(crate) slots: u32,
    /// What its next words say is free.
    pub(crate) free: u32,
    pub(crate) beats: bool,
    pub(crate) draining: bool,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) payload_bytes_max: u64,
    load_seq: u64,
    pub(crate) beat_seq: u64,
}

impl Bench {
    /// A worker comes: it is announced, and beats.
    pub(crate) fn join(&mut self, name: &str, slots: u32, tools: &[&str]) {
        self.join_as(name, name, slots, tools, &[]);
    }

    pub(crate) fn join_as(
        &mut self,
        instance: &str,
        name: &str,
        slots: u32,
        tools: &[&str],
        labels: &[&'static str],
    ) {
        let fake = Fake {
            name: name.to_owned(),
            slots,
            free: slots,
            beats: true,
            draining: false,
            labels: labels.to_vec(),
            payload_bytes_max: 1024 * 1024,
            load_seq: 0,
            beat_seq: 0,
        };
        self.workers.insert(instance.to_owned(), fake);
        self.announce(instance, tools);
        self.beat(instance);
    }

    pub(crate) fn fake(&mut self, instance: &str) -> &mut Fake {
        self.workers.get_mut(instance).unwrap()
    }

    pub(crate) fn load(&mut self, instance: &str) -> Load {
        let fake = self.fake(instance);
        fake.load_seq += 1;
        Load {
            seq: fake.load_seq,
            slots: fake.slots,
            free: fake.free,
        }
    }

    /// It says itself what it offers.
    pub(crate) fn announce(&mut self, instance: &str, tools: &[&str]) {
        let announce = self.announcement(instance, tools);
        self.give(Input::Described(announce));
    }

    pub(crate) fn announcement(&self, instance: &str, tools: &[&str]) -> Announce {
        let fake = &self.workers[instance];
        Announce {
            instance: words::instance(instance),
            worker: WorkerName::new(fake.name.as_str()).unwrap(),
            pool: Pool::new("pool").unwrap(),
            version: "1".to_owned(),
            slots: fake.slots,
            catalogue: 1,
            payload_bytes_max: fake.payload_bytes_max,
            labels: fake
                .labels
                .iter()
                .map(|label| Label::new(*label).unwrap())
                .collect(),
            tools: tools
                .iter()
                .map(|tool| ToolDigest {
                    name: ToolName::new(*tool).unwrap(),
                    digest: words::digest(tool),
                })
                .collect(),
            down: Vec::new(),
        }
    }

    pub(crate) fn beat_of(&mut self, instance: &str) -> Beat {
        let load = self.load(instance);
        let fake = self.fake(instance);
        fake.beat_seq += 1;
        Beat {
            instance: words::instance(instance),
            worker: WorkerName::new(fake.name.as_str()).unwrap(),
            pool: Pool::new("pool").unwrap(),
            seq: fake.beat_seq,
            load,
            draining: fake.draining,
            catalogue: 1,
            unix_ms: None,
        }
    }

    pub(crate) fn beat(&mut self, instance: &str) {
        let beat = self.beat_of(instance);
        self.give(Input::Beat(beat));
    }

    pub(crate) fn silence(&mut self, instance: &str) {
        self.fake(instance).beats = false;
    }

    /// The token of the latest message of a kind (`call`, `grant`, `cancel`, `status`) to an instance.
    pub(crate) fn token(&mut self, kind: &str, instance: &str) -> Token {
        self.poll();
        let found = self.find_token(kind, instance);
        found.expect("such a message was sent")
    }

    fn find_token(&self, kind: &str, instance: &str) -> Option<Token> {
        let wanted = words::instance(instance);
        let mut latest = self.effects.iter().rev();
        latest.find_map(|effect| {
            let (to, token, name) = match effect {
                Effect::Call { to, token, .. } => (to, token, "call"),
                Effect::Grant { to, token, .. } => (to, token, "grant"),
                Effect::Cancel { to, token, .. } => (to, token, "cancel"),
                Effect::Status { to, token, .. } => (to, token, "status"),
                Effect::Echo { .. }
                | Effect::Describe { .. }
                | Effect::Report(_)
                | Effect::Event(_) => return None,
            };
            (name == kind && to.instance == wanted).then_some(*token)
        })
    }

    pub(crate) fn head(&mut self, instance: &str) -> ReplyHead {
        ReplyHead {
            instance: words::instance(instance),
            load: self.load(instance),
            bad: Vec::new(),
        }
    }

    /// An instance acknowledges its latest message of a kind: `"c1#1 running, c2#1 busy"`.
    pub(crate) fn ack(&mut self, kind: &str, instance: &str, words: &str) {
        let token = self.token(kind, instance);
        let items = words.split(", ").map(words::ack_item).collect();
        self.ack_under(token, instance, items);
    }

    pub(crate) fn ack_under(&mut self, token: Token, instance: &str, items: Vec<AckItem>) {
        let head = self.head(instance);
        let items = items.into_iter().map(Ok).collect();
        let batch = Batch { head, items };
        self.give(Input::Ack { token, batch });
    }

    /// An instance says which items of its latest message of a kind it could not read.
    pub(crate) fn ack_bad(&mut self, kind: &str, instance: &str, positions: &[u32], words: &str) {
        let token = self.token(kind, instance);
        let mut head = self.head(instance);
        head.bad = positions
            .iter()
            .map(|index| BadItem {
                index: *index,
                reason: "bad".to_owned(),
            })
            .collect();
        let items = words
            .split(", ")
            .filter(|word| !word.is_empty())
            .map(|word| Ok(words::ack_item(word)))
            .collect();
        let batch = Batch { head, items };
        self.give(Input::Ack { token, batch });
    }

    /// An instance answers its latest message of a kind with results: `"c1#1 ok, c2#1 crashed/yes"`.
    pub(crate) fn result(&mut self, kind: &str, instance: &str, words: &str) {
        let token = self.token(kind, instance);
        let items = words.split(", ").map(words::result_item).collect();
        self.result_under(token, instance, items);
    }

    pub(crate) fn result_under(&mut self, token: Token, instance: &str, items: Vec<ResultItem>) {
        let head = self.head(instance);
        let items = items.into_iter().map(Ok).collect();
        let batch = Batch { head, items };
        self.give(Input::Result { token, batch });
    }

    /// It says what is free: under its newest call message, or by a beat where it has had none.
    pub(crate) fn free(&mut self, instance: &str, free: u32) {
        self.fake(instance).free = free;
        match self.find_token("call", instance) {
            Some(token) => self.free_under(token, instance),
            None => self.beat(instance),
        }
    }

    pub(crate) fn free_under(&mut self, token: Token, instance: &str) {
        let load = self.load(instance);
        let instance = words::instance(instance);
        self.give(Input::Free {
            token,
            free: Free { instance, load },
        });
    }

    pub(crate) fn refuse(&mut self, kind: &str, instance: &str, code: RefusalCode) {
        let token = self.token(kind, instance);
        let refusal = Refusal {
            instance: words::instance(instance),
            code,
            message: "what is this".to_owned(),
        };
        self.give(Input::Refusal { token, refusal });
    }

    pub(crate) fn undelivered(&mut self, kind: &str, instance: &str, why: Undelivered) {
        let token = self.token(kind, instance);
        self.give(Input::Undelivered { token, why });
    }
}
