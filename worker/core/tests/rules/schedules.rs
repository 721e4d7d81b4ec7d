//! Random schedules against what must always hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use callboard_proto::codec::Batch;
use callboard_proto::message::{
    AckState, CallHead, CallItem, CancelHead, CancelItem, GrantHead, GrantItem, Load, StatusHead,
    StatusItem,
};
use callboard_proto::{
    AttemptKey, Budget, Effect as ToolEffect, Executed, GrantId, Outcome, Token,
};
use callboard_worker_core::{Config, Counters, Effect, Finished, Input, ReplyTo, Worker};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use uuid::Uuid;

use crate::bench::{INSTANCE, call, call_head, config, identity, ms, of, reply, tools, within};

const SLOTS: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Call {
        from: u8,
        calls: Vec<(u8, u8)>,
        waiting: u32,
        budget: u64,
    },
    /// An earlier call message again, word for word.
    Copy(usize),
    Grant {
        from: u8,
        attempt: (u8, u8),
        grant: u8,
        budget: u64,
        /// Beats that its sender has not seen.
        lag: u64,
    },
    /// An earlier grant message again.
    CopyGrant(usize),
    Cancel {
        from: u8,
        attempt: (u8, u8),
    },
    Status {
        from: u8,
        attempt: (u8, u8),
    },
    Finish(usize, bool),
    Wait(u64),
    Poll,
    Drain(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let attempt = || (0..12_u8, 1..3_u8);
    let budget = || prop_oneof![Just(0), 1..50_u64, Just(5_000), Just(60_000)];
    let step = prop_oneof![
        8 => (0..3_u8, prop::collection::vec(attempt(), 0..5), 0..3_u32, budget())
            .prop_map(|(from, calls, waiting, budget)| Step::Call { from, calls, waiting, budget }),
        3 => any::<usize>().prop_map(Step::Copy),
        6 => (0..3_u8, attempt(), 0..2_u8, budget(), prop_oneof![4 => Just(0), 1 => 1..8_u64])
            .prop_map(|(from, attempt, grant, budget, lag)| Step::Grant { from, attempt, grant, budget, lag }),
        2 => any::<usize>().prop_map(Step::CopyGrant),
        2 => (0..3_u8, attempt()).prop_map(|(from, attempt)| Step::Cancel { from, attempt }),
        2 => (0..3_u8, attempt()).prop_map(|(from, attempt)| Step::Status { from, attempt }),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(at, ran)| Step::Finish(at, ran)),
        4 => prop_oneof![0..5_u64, 0..3_000_u64, Just(11_000), Just(61_000)].prop_map(Step::Wait),
        10 => Just(Step::Poll),
    ];
    (
        prop::collection::vec(step, 1..120),
        prop::option::of((0..120_usize, 0..1_000_u64)),
    )
        .prop_map(|(mut steps, drain)| {
            if let Some((at, grace)) = drain {
                steps.insert(at.min(steps.len()), Step::Drain(grace));
            }
            steps
        })
}

/// What was sent, heard and run.
struct World {
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
    fn new(config: Config, is_forgetful: bool) -> Self {
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

    fn step(&mut self, step: &Step) {
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
                for item in items {
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
    fn end(mut self) -> Counters {
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

fn run(steps: &[Step], config: Config, is_forgetful: bool) -> Counters {
    let mut world = World::new(config, is_forgetful);
    for step in steps {
        world.step(step);
    }
    world.end()
}

fn long() -> Config {
    Config {
        results_kept_for: ms(3_600_000),
        // So that ages and silent coordinators are met by writes that still wait.
        grant_window: ms(30_000),
        ..config(SLOTS)
    }
}

/// So little memory that forgetting happens all the time.
fn short() -> Config {
    Config {
        results_bytes_max: 600,
        tombstones_max: 3,
        ..config(SLOTS)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 4_000, failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/rules/schedules.regressions"))), ..ProptestConfig::default() })]

    #[test]
    fn every_schedule_keeps_the_rules(steps in steps()) {
        run(&steps, long(), false);
    }

    #[test]
    fn every_schedule_keeps_the_rules_with_little_memory(steps in steps()) {
        run(&steps, short(), true);
    }
}

#[test]
fn the_schedules_reach_the_rare_arms() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config as RunnerConfig, RngAlgorithm, TestRng, TestRunner};

    let mut runner = TestRunner::new_with_rng(
        RunnerConfig::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for _ in 0..200 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        for (config, is_forgetful) in [(long(), false), (short(), true)] {
            let counters = run(&steps, config, is_forgetful);
            for (arm, count) in [
                ("busy", counters.busy),
                ("cancelled", counters.cancelled),
                ("cancelled_unstarted", counters.cancelled_unstarted),
                ("drained", counters.drained),
                ("draining", counters.draining),
                ("duplicates", counters.duplicates),
                ("forgotten", counters.forgotten),
                ("frees", counters.frees),
                ("grants", counters.grants),
                ("grants_ignored", counters.grants_ignored),
                ("grants_repeated", counters.grants_repeated),
                ("grants_stale", counters.grants_stale),
                ("grants_void", counters.grants_void),
                ("not_held", counters.not_held),
                ("offers_expired", counters.offers_expired),
                ("orphans_dropped", counters.orphans_dropped),
                ("orphans_stopped", counters.orphans_stopped),
                ("results_evicted", counters.results_evicted),
                ("results_expired", counters.results_expired),
                ("stale", counters.stale),
                ("timed_out", counters.timed_out),
                ("timed_out_unstarted", counters.timed_out_unstarted),
                ("tombstones_dropped", counters.tombstones_dropped),
            ] {
                *seen.entry(arm).or_default() += count;
            }
        }
    }
    let unreached: Vec<_> = seen.iter().filter(|(_, count)| **count == 0).collect();
    assert!(unreached.is_empty(), "{unreached:?}");
}
