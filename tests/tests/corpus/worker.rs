//! Plays recorded words to workers against today's worker core, at the pace at which they were recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use callboard_proto::codec::UnreadableItem;
use callboard_proto::message::{AckState, Announce, CallItem, ReplyHead, ResultItem};
use callboard_proto::{AttemptKey, Executed, FailureKind, InstanceId, Outcome, Tenant, subject};
use callboard_tests::corpus::{Body, Message};
use callboard_worker_core::{
    Config, Effect, Finished, Identity, Input, OfferedTool, ReplyTo, Worker,
};

/// How much longer the replayed worker has lived than the recorded one. A call that names a beat not yet sent is
/// refused, and the recorder may have heard the first beat later than the others: half a beat covers it.
const LEAD: Duration = Duration::from_millis(500);

/// What a call came to: its result, or the word that it wasn't taken.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Completed(callboard_proto::Completed),
    /// The text may be another in another version.
    Failed(FailureKind, Executed),
    NotTaken(AckState),
}

/// Plays them all, to each recorded instance its own.
///
/// # Panics
/// When a call gets no answer, or ends in another way than it did when it was recorded.
pub(crate) fn replay(messages: &[Message]) {
    let mut answered = BTreeSet::new();
    for (announce, tools) in instances(messages).into_values() {
        answered.extend(Replay::new(&announce, tools, messages).play());
    }
    let taken = messages.iter().filter(|message| message.refused.is_none());
    let calls: BTreeSet<AttemptKey> = taken.flat_map(attempts).collect();
    assert!(!calls.is_empty());
    assert_eq!(answered, calls);
}

/// The attempts that a message calls, as far as it names them.
fn attempts(message: &Message) -> Vec<AttemptKey> {
    let Some(Body::Call(batch)) = message.decoded() else {
        return Vec::new();
    };
    batch.items.iter().filter_map(named).collect()
}

fn named(item: &Result<CallItem, UnreadableItem>) -> Option<AttemptKey> {
    match item {
        Ok(item) => Some(item.of.clone()),
        Err(bad) => bad.of.clone(),
    }
}

/// Who was there, and what each offered.
fn instances(messages: &[Message]) -> BTreeMap<InstanceId, (Announce, Vec<OfferedTool>)> {
    let mut pages = BTreeMap::new();
    for message in messages {
        if let Some(Body::Tools(page)) = message.decoded() {
            let specs = page.items.into_iter().map(Result::unwrap);
            let tools = specs
                .zip(page.head.digests)
                .map(|(spec, digest)| OfferedTool {
                    name: spec.name,
                    digest,
                    effect: spec.manifest.effect,
                    slots: None,
                });
            let announce = page.head.announce;
            pages.insert(announce.instance, (announce, tools.collect()));
        }
    }
    pages
}

struct Replay<'a> {
    messages: &'a [Message],
    began: Instant,
    instance: InstanceId,
    core: Worker,
    offered: BTreeSet<callboard_proto::ToolName>,
    /// Entered tools that haven't ended.
    running: BTreeSet<AttemptKey>,
    /// The reply subjects of calls, with the attempts that each named.
    asked: BTreeMap<AttemptKey, ReplyTo>,
    /// Attempts that were answered under their own call's token.
    answered: BTreeSet<AttemptKey>,
    /// Reply subjects on which items without an attempt were answered.
    bad: BTreeMap<ReplyTo, usize>,
    ends: BTreeMap<AttemptKey, End>,
}

impl<'a> Replay<'a> {
    fn new(announce: &Announce, tools: Vec<OfferedTool>, messages: &'a [Message]) -> Self {
        let now = Instant::now();
        let identity = Identity {
            instance: announce.instance,
            worker: announce.worker.clone(),
            pool: announce.pool.clone(),
        };
        let config = Config {
            slots: announce.slots,
            ..Config::default()
        };
        let is_its_beat = |message: &&Message| {
            let Some(Body::Beat(beat)) = message.decoded() else {
                return false;
            };
            beat.instance == announce.instance
        };
        let born = messages.iter().find(is_its_beat).unwrap().at();
        let offered = tools.iter().map(|tool| tool.name.clone()).collect();
        Self {
            messages,
            began: now + LEAD,
            instance: announce.instance,
            core: Worker::new(identity, config, tools, now + born),
            offered,
            running: BTreeSet::new(),
            asked: BTreeMap::new(),
            answered: BTreeSet::new(),
            bad: BTreeMap::new(),
            ends: BTreeMap::new(),
        }
    }

    /// Plays all; the attempts that were answered.
    fn play(mut self) -> BTreeSet<AttemptKey> {
        let mut recorded = BTreeMap::new();
        for message in self.messages {
            let now = self.began + message.at();
            self.wait_until(now);
            self.hear(message, now, &mut recorded);
            self.perform();
        }
        // Whatever is only due, such as an ack, is sent by then.
        let last = self.messages.last().unwrap().at() + Duration::from_secs(1);
        self.wait_until(self.began + last);
        for of in self.asked.keys() {
            assert!(self.answered.contains(of), "no answer to {of:?}");
        }
        let is_busy = |end: Option<&End>| end == Some(&End::NotTaken(AckState::Busy));
        for (of, end) in &recorded {
            // Who gets a slot at which microsecond is no part of the contract.
            let today = self.ends.get(of);
            if !is_busy(Some(end)) && !is_busy(today) {
                assert_eq!(today, Some(end), "of {of:?}");
            }
        }
        assert!(self.bad.is_empty(), "unread and unnamed: {:?}", self.bad);
        self.answered
    }

    fn wait_until(&mut self, now: Instant) {
        while let Some(due) = self.core.poll_timeout().filter(|due| *due <= now) {
            self.core.handle_timeout(due);
            self.perform();
        }
    }

    /// Hands over what this instance was sent, and lets its tools end as they did.
    fn hear(&mut self, message: &Message, now: Instant, recorded: &mut BTreeMap<AttemptKey, End>) {
        if message.refused.is_some() {
            return;
        }
        let Some(body) = message.decoded() else {
            return;
        };
        let own = format!(".{}.", self.instance);
        let is_ours = message.subject.contains(&own);
        let reply = || reply_to(&message.tenant().unwrap(), message.reply.as_ref().unwrap());
        let input = match body {
            Body::Call(batch) => {
                let first = batch.items.first().and_then(|item| item.as_ref().ok());
                let is_anyones = batch.head.instance.is_none()
                    && first.is_some_and(|item| self.offered.contains(&item.tool));
                if !is_ours && !is_anyones {
                    return;
                }
                let reply = reply();
                let mut unnamed = 0;
                for item in &batch.items {
                    match item
                        .as_ref()
                        .map_or_else(|bad| bad.of.clone(), |item| Some(item.of.clone()))
                    {
                        Some(of) => drop(self.asked.insert(of, reply)),
                        None => unnamed += 1,
                    }
                }
                if unnamed > 0 {
                    self.bad.insert(reply, unnamed);
                }
                Input::Call { reply, batch }
            }
            Body::Grant(batch) if is_ours => Input::Grant {
                reply: reply(),
                batch,
            },
            Body::Cancel(batch) if is_ours => Input::Cancel {
                reply: reply(),
                batch,
            },
            Body::Status(batch) if is_ours => Input::Status {
                reply: reply(),
                batch,
            },
            Body::Drain(drain) if is_ours => Input::Drain {
                grace: drain.grace_ms.duration(),
            },
            Body::Ack(batch) => {
                for item in batch.items.into_iter().flatten() {
                    if batch.head.instance == self.instance && item.state.is_binding_no() {
                        let end = End::NotTaken(item.state);
                        recorded.entry(item.of).or_insert(end);
                    }
                }
                return;
            }
            Body::Result(batch) => {
                for item in batch.items.into_iter().flatten() {
                    if batch.head.instance == self.instance {
                        recorded.insert(item.of.clone(), end(&item));
                        self.finish(item, now);
                    }
                }
                return;
            }
            Body::Grant(_)
            | Body::Cancel(_)
            | Body::Status(_)
            | Body::Drain(_)
            | Body::Describe(_)
            | Body::Progress(_)
            | Body::Free(_)
            | Body::Refusal(_)
            | Body::Tools(_)
            | Body::Beat(_)
            | Body::Announce(_) => return,
        };
        self.core.handle_input(input, now);
    }

    /// The tool ends as it did when it was recorded, if it was entered.
    fn finish(&mut self, item: ResultItem, now: Instant) {
        if self.running.remove(&item.of) {
            let finished = Finished {
                of: item.of,
                place: None,
                outcome: item.outcome,
                executed: item.executed,
            };
            self.core.handle_input(Input::Finished(finished), now);
        }
    }

    fn perform(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Start(start) => {
                    let is_first = self.running.insert(start.of);
                    assert!(is_first, "entered twice");
                }
                Effect::Ack { to, head, items } => {
                    self.note_bad(to, &head);
                    for item in items {
                        self.note(to, &item.of);
                        if item.state.is_binding_no() {
                            let end = End::NotTaken(item.state);
                            self.ends.entry(item.of).or_insert(end);
                        }
                    }
                }
                Effect::Result { to, head, items } => {
                    self.note_bad(to, &head);
                    for item in items.decode::<ResultItem>() {
                        let item = item.unwrap();
                        self.note(to, &item.of);
                        self.ends.insert(item.of.clone(), end(&item));
                    }
                }
                // A stopped tool ends when its recorded end comes.
                Effect::Stop { .. } | Effect::Free { .. } | Effect::Beat(_) | Effect::Drained => {}
            }
        }
    }

    fn note(&mut self, to: ReplyTo, of: &AttemptKey) {
        if self.asked.get(of) == Some(&to) {
            self.answered.insert(of.clone());
        }
    }

    fn note_bad(&mut self, to: ReplyTo, head: &ReplyHead) {
        if !head.bad.is_empty() {
            assert_eq!(self.bad.remove(&to), Some(head.bad.len()));
        }
    }
}

fn end(item: &ResultItem) -> End {
    match &item.outcome {
        Outcome::Completed(completed) => End::Completed(completed.clone()),
        Outcome::Failed(failure) => End::Failed(failure.kind, failure.executed),
    }
}

fn reply_to(tenant: &Tenant, reply: &str) -> ReplyTo {
    let (coordinator, token) = subject::reply_parts(tenant, reply).unwrap();
    ReplyTo { coordinator, token }
}
