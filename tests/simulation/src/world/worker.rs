//! A worker of the world: the real core, its clock, its lives.

use std::sync::Arc;
use std::time::Instant;

use callboard_proto::message::{AckState, Announce, Refusal, RefusalCode, ToolDigest};
use callboard_proto::{Digest, Pool, Token, WorkerName};
use callboard_worker_core::{self as core, Config, Effect, Identity, Input, OfferedTool, Worker};
use uuid::Uuid;

use crate::arms::Arm;
use crate::clock::{Clock, Nanos};
use crate::history::Fact;
use crate::ident::InstanceRef;
use crate::letter::{Body, Letter, Node};
use crate::plan::{Plan, WorkerPlan};
use crate::probe;
use crate::world::queue::What;
use crate::world::{World, add_counters, honest, instance};

/// What waits for a stalled worker.
enum Waiting {
    Letter(Box<Letter>),
    Finished(core::Finished),
}

/// A worker: its present life, and what the world knows about it.
pub(super) struct WorkerNode {
    clock: Clock,
    slots: u32,
    core: Option<Worker>,
    pub(super) life: u8,
    born: bool,
    armed: Option<Nanos>,
    pub(super) stalled: bool,
    backlog: Vec<Waiting>,
    /// Attempts that its core started and whose end it hasn't heard.
    pub(super) running: u32,
    /// Until when the server still takes messages for an instance that ended.
    pub(super) interest_until: Nanos,
    /// What its last beat said of its free slots.
    free: u32,
    drained: bool,
    draining: bool,
}

impl WorkerNode {
    pub(super) fn new(plan: &WorkerPlan) -> Self {
        Self {
            clock: plan.clock,
            slots: plan.slots,
            core: None,
            life: 0,
            born: false,
            armed: None,
            stalled: false,
            backlog: Vec::new(),
            running: 0,
            interest_until: 0,
            free: 0,
            drained: false,
            draining: false,
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.core.is_some()
    }

    /// Whether it has said that it holds nothing, or is gone.
    pub(super) fn is_idle(&self) -> bool {
        match &self.core {
            None => self.born,
            Some(_) => {
                !self.stalled && self.running == 0 && (self.free == self.slots || self.drained)
            }
        }
    }

    pub(super) fn remains(
        &self,
        number: usize,
        forgotten: bool,
    ) -> Vec<(String, &'static str, u64, u64)> {
        let Some(core) = &self.core else {
            return Vec::new();
        };
        let node = || format!("worker {number}");
        let mut all = vec![(node(), "running tools", u64::from(self.running), 0)];
        if !self.drained && !self.draining {
            all.push((
                node(),
                "slots",
                u64::from(self.slots.saturating_sub(self.free)),
                0,
            ));
        }
        all.extend(
            probe::worker(core, forgotten)
                .map(|(what, count, allowed)| (node(), what, count, allowed)),
        );
        all
    }
}

impl World<'_> {
    /// A life of a worker begins.
    pub(super) fn birth(&mut self, worker: u8) {
        let plan = &self.plan.workers[usize::from(worker)];
        let node = &mut self.workers[usize::from(worker)];
        if node.core.is_some() {
            return;
        }
        if node.born {
            node.life += 1;
            self.arms.hit(Arm::Restarted);
        }
        node.born = true;
        node.draining = false;
        node.drained = false;
        node.armed = None;
        node.free = 0;
        let id = instance(worker, node.life);
        let identity = Identity {
            instance: id.id(),
            worker: worker_name(worker),
            pool: pool(),
        };
        let config = Config {
            slots: plan.slots,
            tombstones_max: plan.tombstones_max,
            results_bytes_max: plan.results_bytes_max,
            ..Config::default()
        };
        let tools = self
            .plan
            .tools
            .iter()
            .filter(|tool| tool.offered_by[usize::from(worker)])
            .map(|tool| OfferedTool {
                name: tool.name.clone(),
                digest: if plan.rolled {
                    rolled(tool.digest)
                } else {
                    tool.digest
                },
                effect: tool.manifest.effect,
                slots: tool.slots,
            })
            .collect();
        let now = node.clock.at(self.now);
        let mut core = Worker::new(identity, config, tools, now);
        if let Some(mutant) = self.mutant {
            mutant.break_worker(&mut core);
        }
        node.core = Some(core);
        self.say(|_| format!("{id:?} begins"));
        for coordinator in 0..self.coordinators.len() {
            let to = Node::Coordinator(u8::try_from(coordinator).expect("few coordinators"));
            // What was announced before an upgrade may still be about.
            let announce = announce(self.plan, worker, id, false);
            self.post(honest(
                Node::Instance(id),
                to,
                nobody(),
                Body::Announce(announce),
            ));
        }
        self.pump_worker(worker);
    }

    /// A message reaches where an instance listens, or should.
    pub(super) fn reach_instance(&mut self, to: InstanceRef, letter: Box<Letter>) {
        let misroute = self.plan.rates.misroute;
        let node = &self.workers[usize::from(to.worker)];
        let here = node.is_alive() && node.life == to.life;
        if !here {
            if node.is_alive() && self.rng.chance(misroute) {
                self.arms.hit(Arm::Misrouted);
            } else if node.life == to.life && self.now < node.interest_until {
                self.say(|_| format!("{to:?} is gone: swallowed"));
                self.arms.hit(Arm::Swallowed);
                return;
            } else {
                self.say(|_| format!("{to:?} is gone: 503"));
                let mut arrivals = std::mem::take(&mut self.arrivals);
                let now = self.now;
                if self.network.refuse(&letter, now, &mut arrivals) {
                    self.arms.hit(Arm::NobodyThere);
                }
                self.arrive(arrivals);
                return;
            }
        }
        let node = &mut self.workers[usize::from(to.worker)];
        if node.stalled {
            node.backlog.push(Waiting::Letter(letter));
            return;
        }
        self.take_letter(to.worker, letter);
        self.pump_worker(to.worker);
    }

    fn take_letter(&mut self, worker: u8, letter: Box<Letter>) {
        let node = &mut self.workers[usize::from(worker)];
        let id = instance(worker, node.life);
        self.forger.hear(worker, &letter);
        if matches!(letter.body, Body::Describe) {
            let announce = announce(self.plan, worker, id, true);
            let to = letter.from;
            self.post(honest(
                Node::Instance(id),
                to,
                nobody(),
                Body::Described(announce),
            ));
            return;
        }
        self.say(|_| format!("{id:?} takes {} of {:?}", letter.body.word(), letter.token));
        let encoded = self.plan.encoded;
        let node = &mut self.workers[usize::from(worker)];
        let now = node.clock.at(self.now);
        let Some(core) = &mut node.core else { return };
        if !core.names_us(letter.body.instance()) {
            // What a shell does with a message for another life (P2).
            let refusal = Refusal {
                instance: id.id(),
                code: RefusalCode::Instance,
                message: "the message names another instance".to_owned(),
            };
            self.arms.hit(Arm::Refused);
            let (to, token) = (letter.from, letter.token);
            self.post(honest(
                Node::Instance(id),
                to,
                token,
                Body::Refusal(refusal),
            ));
        } else if let Some(input) = letter.into_worker_input(encoded) {
            core.handle_input(input, now);
        }
    }

    /// Tells a core that a tool ended; a stalled one hears it later.
    pub(super) fn tell_finished(&mut self, at: InstanceRef, finished: core::Finished) {
        let node = &mut self.workers[usize::from(at.worker)];
        if node.life != at.life {
            return;
        }
        if node.stalled {
            node.backlog.push(Waiting::Finished(finished));
            return;
        }
        node.running -= 1;
        let now = node.clock.at(self.now);
        if let Some(core) = &mut node.core {
            core.handle_input(Input::Finished(finished), now);
        }
    }

    pub(super) fn tell_drain(&mut self, worker: u8, grace: Nanos) {
        let node = &mut self.workers[usize::from(worker)];
        let now = node.clock.at(self.now);
        if let Some(core) = &mut node.core {
            node.draining = true;
            self.arms.hit(Arm::Drained);
            let grace = std::time::Duration::from_nanos(grace);
            core.handle_input(Input::Drain { grace }, now);
        }
        self.pump_worker(worker);
    }

    pub(super) fn worker_timer(&mut self, worker: u8) {
        let node = &mut self.workers[usize::from(worker)];
        if node.armed != Some(self.now) || node.stalled {
            return;
        }
        node.armed = None;
        self.serve_worker_timer(worker);
    }

    fn serve_worker_timer(&mut self, worker: u8) {
        let node = &mut self.workers[usize::from(worker)];
        let now = node.clock.at(self.now);
        let Some(core) = &mut node.core else { return };
        core.handle_timeout(now);
        self.pump_worker(worker);
        let node = &self.workers[usize::from(worker)];
        if spins(node.core.as_ref().and_then(Worker::poll_timeout), now) {
            self.record(Fact::Spun {
                node: format!("worker {worker}"),
            });
        }
    }

    /// A stopped worker goes on: what came meanwhile is heard before any timer.
    pub(super) fn wake_worker(&mut self, worker: u8) {
        let node = &mut self.workers[usize::from(worker)];
        node.stalled = false;
        let id = instance(worker, node.life);
        for waiting in std::mem::take(&mut node.backlog) {
            match waiting {
                Waiting::Letter(letter) => self.take_letter(worker, letter),
                Waiting::Finished(finished) => self.tell_finished(id, finished),
            }
        }
        self.workers[usize::from(worker)].armed = None;
        self.serve_worker_timer(worker);
    }

    /// The present life of a worker ends; gives whether there was one.
    pub(super) fn end_life(&mut self, worker: u8) -> Option<InstanceRef> {
        self.gather_worker_counters(usize::from(worker));
        let node = &mut self.workers[usize::from(worker)];
        node.core.take()?;
        node.backlog.clear();
        node.stalled = false;
        node.running = 0;
        let id = instance(worker, node.life);
        self.record(Fact::InstanceEnded { instance: id });
        Some(id)
    }

    /// Performs what a core wants done, until it wants nothing.
    pub(super) fn pump_worker(&mut self, worker: u8) {
        loop {
            let node = &mut self.workers[usize::from(worker)];
            let id = instance(worker, node.life);
            let Some(effect) = node.core.as_mut().and_then(Worker::poll_effect) else {
                break;
            };
            self.perform(worker, id, effect);
        }
        let node = &mut self.workers[usize::from(worker)];
        let Some(core) = &node.core else { return };
        let next = core.poll_timeout().map(|due| node.clock.when(due));
        if let Some(next) = next
            && node.armed != Some(next)
        {
            let next = next.max(self.now);
            node.armed = Some(next);
            self.queue.push(next, What::WorkerTimer(worker));
        }
    }

    fn perform(&mut self, worker: u8, id: InstanceRef, effect: Effect) {
        let from = Node::Instance(id);
        match effect {
            Effect::Start(start) => {
                let node = &mut self.workers[usize::from(worker)];
                node.running += 1;
                let (running, slots) = (node.running, node.slots);
                self.start_tool(id, start, running, slots);
            }
            Effect::Stop { of, reason, .. } => self.stop_tool(id, &of, reason),
            Effect::Ack { to, head, items } => {
                for item in &items {
                    self.note_ack(item.state);
                    if item.tool_full {
                        self.arms.hit(Arm::AckToolFull);
                    }
                }
                if !head.bad.is_empty() {
                    self.arms.hit(Arm::BadItem);
                }
                let body = Body::Ack(head, items);
                self.answer(from, to, body);
            }
            Effect::Result { to, head, items } => {
                let items = items.decode().into_iter();
                let items = items.map(|item| Arc::new(item.expect("the core wrote it")));
                self.answer(from, to, Body::Result(head, items.collect()));
            }
            Effect::Free { to, free } => {
                self.arms.hit(Arm::Freed);
                self.answer(from, to, Body::Free(free));
            }
            Effect::Beat(beat) => {
                let node = &mut self.workers[usize::from(worker)];
                node.free = beat.load.free;
                for coordinator in 0..self.coordinators.len() {
                    let to =
                        Node::Coordinator(u8::try_from(coordinator).expect("few coordinators"));
                    self.post(honest(from, to, nobody(), Body::Beat(beat.clone())));
                }
            }
            Effect::Drained => {
                self.arms.hit(Arm::DrainCompleted);
                self.workers[usize::from(worker)].drained = true;
            }
        }
    }

    fn answer(&mut self, from: Node, to: core::ReplyTo, body: Body) {
        let coordinator = crate::ident::coordinator_of(to.coordinator);
        self.post(honest(from, Node::Coordinator(coordinator), to.token, body));
    }

    fn note_ack(&mut self, state: AckState) {
        let arm = match state {
            AckState::Busy => Arm::AckBusy,
            AckState::Stale => Arm::AckStale,
            AckState::WrongDigest => Arm::AckWrongDigest,
            AckState::Draining => Arm::AckDraining,
            AckState::NotHeld => Arm::AckNotHeld,
            AckState::Forgotten => Arm::AckForgotten,
            AckState::Waiting => Arm::AckWaiting,
            AckState::Running => Arm::AckRunning,
            AckState::Done | AckState::Unknown => return,
        };
        self.arms.hit(arm);
    }

    /// Keeps the counts of a life that ends.
    pub(super) fn gather_worker_counters(&mut self, number: usize) {
        if let Some(core) = &self.workers[number].core {
            let counters = probe::worker_counters(core);
            add_counters(&mut self.worker_counters, counters);
        }
    }
}

/// Whether a timer is already over for a core that was just served.
pub(super) fn spins(next: Option<Instant>, now: Instant) -> bool {
    next.is_some_and(|next| next <= now)
}

fn announce(plan: &Plan, worker: u8, id: InstanceRef, is_true: bool) -> Announce {
    let planned = &plan.workers[usize::from(worker)];
    Announce {
        instance: id.id(),
        worker: worker_name(worker),
        pool: pool(),
        version: "0.1.0".to_owned(),
        slots: planned.slots,
        catalogue: 1,
        payload_bytes_max: 1024 * 1024,
        labels: planned.labels.clone(),
        tools: plan
            .tools
            .iter()
            .filter(|tool| tool.offered_by[usize::from(worker)])
            .map(|tool| ToolDigest {
                name: tool.name.clone(),
                digest: if planned.rolled && is_true {
                    rolled(tool.digest)
                } else {
                    tool.digest
                },
            })
            .collect(),
        down: Vec::new(),
    }
}

fn rolled(digest: Digest) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[31] = 1;
    Digest::new(bytes)
}

fn worker_name(worker: u8) -> WorkerName {
    WorkerName::new(format!("w{worker}")).expect("a short plain text is a name")
}

fn pool() -> Pool {
    Pool::new("pool").expect("a short plain text is a name")
}

/// The token of what nobody answers.
fn nobody() -> Token {
    Token::new(Uuid::nil())
}
