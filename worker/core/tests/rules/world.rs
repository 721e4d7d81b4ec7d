//! A worker under random steps, and what must hold after each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use callboard_proto::codec::Batch;
use callboard_proto::message::{
    AckState, CallHead, CallItem, CancelHead, CancelItem, GrantHead, GrantItem, Load, ResultItem,
    StatusHead, StatusItem,
};
use callboard_proto::{
    AttemptKey, Budget, Effect as ToolEffect, Executed, GrantId, Outcome, Token,
};
use callboard_worker_core::{Config, Counters, Effect, Finished, Input, ReplyTo, Worker};
use uuid::Uuid;

use crate::bench::{INSTANCE, call, call_head, identity, ms, of, reply, tools, within};

use super::schedules::{SLOTS, Step};

/// What was sent, heard and run.
pub(crate) struct World {
    worker: Worker,
    now: Instant,
    tokens: u128,
    last_beat: Option<u64>,
    last_report: u64,
    calls: Vec<(ReplyTo, CallHead, Vec<CallItem>)>,
    grants: Vec<(ReplyTo, GrantHead, GrantItem)>,
    granted: BTreeSet<AttemptKey>,
    /// What each message asked for and what came back under its token.
    asked: BTreeMap<ReplyTo, BTreeSet<AttemptKey>>,
    answered: BTreeMap<ReplyTo, BTreeSet<AttemptKey>>,
    running: Vec<AttemptKey>,
    started: BTreeMap<AttemptKey, ToolEffect>,
    refused: BTreeSet<AttemptKey>,
    stopped: BTreeSet<AttemptKey>,
    is_drained: bool,
    /// Whether memory is so short that each attempt is posted in one message only, and nobody speaks
    /// of it before: what a coordinator does, and what the horizons count on.
    is_forgetful: bool,
    called: Vec<AttemptKey>,
}

fn attempt((id, attempt): (u8, u8)) -> AttemptKey {
    of(&format!("c{id}#{attempt}"))
}

fn item(of: (u8, u8), budget: u64) -> CallItem {
    let tool = ["look", "set", "pay", "pay"][usize::from(of.0 % 4)];
    within(
        CallItem {
            of: attempt(of),
            ..call(tool, "x")
        },
        budget,
    )
}

impl World {
    pub(crate) fn new(config: Config, is_forgetful: bool) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a moment to count from")]
        let now = Instant::now();
        let mut world = Self {
            worker: Worker::new(identity(), config, tools(), now),
            now,
            tokens: 0,
            last_beat: None,
            last_report: 0,
            calls: Vec::new(),
            grants: Vec::new(),
            granted: BTreeSet::new(),
            asked: BTreeMap::new(),
            answered: BTreeMap::new(),
            running: Vec::new(),
            started: BTreeMap::new(),
            refused: BTreeSet::new(),
            stopped: BTreeSet::new(),
            is_drained: false,
            is_forgetful,
            called: Vec::new(),
        };
        world.poll();
        world
    }

    fn token(&mut self, from: u8) -> ReplyTo {
        self.tokens += 1;
        ReplyTo {
            token: Token::new(Uuid::from_u128(self.tokens)),
            ..reply(["A0", "B0", "C0"][usize::from(from)])
        }
    }

    fn ask(&mut self, to: ReplyTo, attempts: impl IntoIterator<Item = AttemptKey>) {
        self.asked.entry(to).or_default().extend(attempts);
    }

    fn input(&mut self, input: Input) {
        self.worker.handle_input(input, self.now);
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Call {
                from,
                calls,
                waiting,
                budget,
            } => {
                let to = self.token(*from);
                let items: Vec<_> = calls
                    .iter()
                    .map(|of| item(self.posted(*of), *budget))
                    .collect();
                self.called.extend(items.iter().map(|item| item.of.clone()));
                let head = CallHead {
                    seen: self.last_beat,
                    waiting: *waiting,
                    ..call_head(to)
                };
                self.calls.push((to, head, items));
                self.deliver(self.calls.len() - 1);
            }
            Step::Copy(at) if !self.calls.is_empty() => self.deliver(at % self.calls.len()),
            Step::Grant {
                from,
                attempt: of,
                grant,
                budget,
                lag,
            } => {
                let Some(of) = self.spoken_of(*of).filter(|of| self.may_grant(of)) else {
                    return;
                };
                let to = self.token(*from);
                let head = GrantHead {
                    coordinator: to.coordinator,
                    instance: INSTANCE,
                    seen: self.last_beat.map(|beat| beat.saturating_sub(*lag)),
                };
                let item = GrantItem {
                    of,
                    grant: GrantId::new(Uuid::from_u128(u128::from(*grant))),
                    budget_ms: Budget::new(ms(*budget)),
                };
                self.grants.push((to, head, item));
                self.deliver_grant(self.grants.len() - 1);
            }
            Step::CopyGrant(at) if !self.grants.is_empty() => {
                self.deliver_grant(at % self.grants.len());
            }
            Step::Copy(_) | Step::CopyGrant(_) => {}
            Step::Cancel { from, attempt: of } => {
                let Some(of) = self.spoken_of(*of) else {
                    return;
                };
                let reply = self.token(*from);
                self.ask(reply, [of.clone()]);
                let head = CancelHead {
                    coordinator: reply.coordinator,
                    instance: INSTANCE,
                };
                let items = vec![Ok(CancelItem {
                    seen: self.seen(&of),
                    of,
                })];
                let batch = Batch { head, items };
                self.input(Input::Cancel { reply, batch });
            }
            Step::Status { from, attempt: of } => {
                let Some(of) = self.spoken_of(*of) else {
                    return;
                };
                let reply = self.token(*from);
                self.ask(reply, [of.clone()]);
                let head = StatusHead {
                    coordinator: reply.coordinator,
                    instance: INSTANCE,
                };
                let items = vec![Ok(StatusItem {
                    seen: self.seen(&of),
                    of,
                })];
                let batch = Batch { head, items };
                self.input(Input::Status { reply, batch });
            }
            Step::Finish(at, ran) if !self.running.is_empty() => {
                let at = at % self.running.len();
                self.finish(at, *ran);
            }
            Step::Finish(..) => {}
            Step::Wait(time) => {
                self.poll();
                let then = self.now + ms(*time);
                while let Some(due) = self.worker.poll_timeout().filter(|due| *due <= then) {
                    self.now = due.max(self.now);
                    self.worker.handle_timeout(self.now);
                    self.poll();
                    let next = self.worker.poll_timeout().unwrap();
                    assert!(next > self.now, "a timer that never ends");
                }
                self.now = then;
            }
            Step::Poll => self.poll(),
            Step::Drain(grace) => self.input(Input::Drain { grace: ms(*grace) }),
        }
    }

    /// The attempt that a call message posts.
    fn posted(&self, (id, number): (u8, u8)) -> (u8, u8) {
        if !self.is_forgetful {
            return (id, number);
        }
        let name = attempt((id, 1)).id;
        let before = self.called.iter().filter(|of| of.id == name).count();
        (id, u8::try_from(before + 1).unwrap_or(u8::MAX))
    }

    /// The attempt that another message speaks of.
    fn spoken_of(&self, (id, number): (u8, u8)) -> Option<AttemptKey> {
        if !self.is_forgetful {
            return Some(attempt((id, number)));
        }
        let back = usize::from(id) + usize::from(number);
        self.called.iter().rev().nth(back).cloned()
    }

    /// Whether a coordinator would grant the attempt: with enough memory, even nonsense is harmless.
    fn may_grant(&self, of: &AttemptKey) -> bool {
        let posted = |(_, _, items): &(_, _, Vec<CallItem>)| {
            items
                .iter()
                .any(|item| item.of == *of && item.tool.as_str() == "pay")
        };
        !self.is_forgetful || self.calls.iter().any(posted)
    }

    /// The first beat that a call of the attempt named: the bound that a status gives.
    fn seen(&self, of: &AttemptKey) -> Option<u64> {
        self.calls
            .iter()
            .filter(|(_, _, items)| items.iter().any(|item| item.of == *of))
            .filter_map(|(_, head, _)| head.seen)
            .min()
    }

    fn deliver(&mut self, at: usize) {
        let (reply, head, items) = self.calls[at].clone();
        self.ask(reply, items.iter().map(|item| item.of.clone()));
        let items = items.into_iter().map(Ok).collect();
        let batch = Batch { head, items };
        self.input(Input::Call { reply, batch });
    }

    fn deliver_grant(&mut self, at: usize) {
        let (reply, head, item) = self.grants[at].clone();
        self.ask(reply, [item.of.clone()]);
        self.granted.insert(item.of.clone());
        let items = vec![Ok(item)];
        let batch = Batch { head, items };
        self.input(Input::Grant { reply, batch });
    }

    fn finish(&mut self, at: usize, ran: bool) {
        let of = self.running.remove(at);
        let outcome = if ran {
            Outcome::text("ok")
        } else {
            Outcome::failed(callboard_proto::FailureKind::Crashed, "", Executed::Unknown)
        };
        self.input(Input::Finished(Finished {
            of,
            place: None,
            outcome,
            executed: ms(1),
        }));
    }

    fn load(&mut self, load: Load) {
        assert!(load.seq > self.last_report, "reports are in order");
        self.last_report = load.seq;
        assert!(load.free <= self.worker.slots_free());
    }

    fn poll(&mut self) {
        while let Some(effect) = self.worker.poll_effect() {
            assert!(!self.is_drained || !matches!(effect, Effect::Start(_)));
            self.perform(effect);
            assert!(self.running.len() <= SLOTS as usize, "slots are exceeded");
            assert_eq!(self.running.len(), self.worker.running() as usize);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Start(start) => {
                let of = start.of;
                assert!(!self.running.contains(&of), "{of:?} runs twice at once");
                assert!(!self.refused.contains(&of), "{of:?} was refused for ever");
                let before = self.started.insert(of.clone(), start.effect);
                match start.effect {
                    ToolEffect::Write => {
                        assert!(before.is_none(), "{of:?} ran twice");
                        assert!(self.granted.contains(&of), "{of:?} has no grant");
                    }
                    ToolEffect::Read | ToolEffect::Idempotent => {
                        assert!(before.is_none() || self.is_forgetful, "{of:?} ran twice");
                        // It may be stopped again when it runs again.
                        self.stopped.remove(&of);
                    }
                }
                self.running.push(of);
            }
            Effect::Stop { of, .. } => {
                assert!(self.running.contains(&of));
                assert!(self.stopped.insert(of), "stopped twice");
            }
            Effect::Ack { to, head, items } => {
                self.load(head.load);
                for item in items {
                    if item.state.is_binding_no() {
                        assert!(
                            !self.started.contains_key(&item.of),
                            "{} about {:?}, which ran",
                            item.state,
                            item.of
                        );
                        self.refused.insert(item.of.clone());
                    }
                    if item.state == AckState::Waiting {
                        assert!(!self.started.contains_key(&item.of));
                    }
                    self.answered.entry(to).or_default().insert(item.of);
                }
            }
            Effect::Result { to, head, items } => {
                self.load(head.load);
                for item in items.decode::<ResultItem>() {
                    let item = item.unwrap();
                    match &item.outcome {
                        Outcome::Failed(failure) if failure.executed == Executed::No => {
                            assert!(!self.started.contains_key(&item.of));
                            self.refused.insert(item.of.clone());
                        }
                        // With little memory it may not know better.
                        Outcome::Failed(_) if self.is_forgetful => {}
                        Outcome::Failed(_) | Outcome::Completed(_) => {
                            assert!(self.started.contains_key(&item.of));
                        }
                    }
                    self.answered.entry(to).or_default().insert(item.of.clone());
                }
            }
            Effect::Free { free, .. } => {
                assert!(free.load.free > 0);
                self.load(free.load);
            }
            Effect::Beat(beat) => {
                self.load(beat.load);
                self.last_beat = Some(beat.seq);
            }
            Effect::Drained => {
                assert!(!std::mem::replace(&mut self.is_drained, true));
                assert_eq!(self.running, []);
            }
        }
    }

    /// Ends everything, and checks that everything was said.
    pub(crate) fn end(mut self) -> Counters {
        self.step(&Step::Wait(10));
        for (to, asked) in &self.asked {
            let none = BTreeSet::new();
            let answered = self.answered.get(to).unwrap_or(&none);
            assert!(
                asked.is_subset(answered),
                "{to:?}: {asked:?} but {answered:?}"
            );
        }
        self.step(&Step::Drain(0));
        self.step(&Step::Wait(1));
        while !self.running.is_empty() {
            self.finish(0, true);
        }
        self.poll();
        assert!(self.is_drained && self.worker.is_drained());
        assert_eq!(self.worker.slots_free(), SLOTS);
        self.worker.counters().clone()
    }
}
