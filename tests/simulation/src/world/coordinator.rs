//! A coordinator of the world: the real dispatcher, its clock, and the shell's part of its life.

use callboard_coordinator_core::{Config, Dispatcher, Effect, Input, Limits, Undelivered};
use callboard_proto::Token;

use crate::arms::Arm;
use crate::clock::{Clock, Nanos};
use crate::history::{Asked, AttemptRef, Fact};
use crate::ident::{CallRef, InstanceRef, coordinator_id};
use crate::letter::{Body, Letter, Node};
use crate::mutant::Mutant;
use crate::plan::Plan;
use crate::probe;
use crate::rng::{Rng, mix};
use crate::world::queue::{Step, What};
use crate::world::worker::spins;
use crate::world::{World, attempt_ref, honest};

/// What waits for a stalled coordinator.
enum Waiting {
    Letter(Box<Letter>),
    Step { run: u8, turn: u8, step: Step },
    Link(bool),
}

/// A coordinator, and what the world knows about it.
pub(super) struct CoordinatorNode {
    pub(super) clock: Clock,
    core: Option<Dispatcher>,
    armed: Option<Nanos>,
    stalled: bool,
    link_is_up: bool,
    backlog: Vec<Waiting>,
    /// Attempts of each call message, where items may be torn on the way.
    pub(super) sent: Vec<(Token, Vec<AttemptRef>)>,
}

impl CoordinatorNode {
    pub(super) fn new(plan: &Plan, number: usize, mutant: Option<Mutant>) -> Self {
        let planned = &plan.coordinators[number];
        let number = u8::try_from(number).expect("few coordinators");
        let mut rng = Rng::new(mix(plan.seed ^ u64::from(number) << 32));
        let mut seed = [0; 32];
        for chunk in seed.chunks_exact_mut(8) {
            chunk.copy_from_slice(&rng.next().to_le_bytes());
        }
        let config = Config {
            coordinator: coordinator_id(number),
            seed,
            events: true,
            limits: Limits {
                waiting_calls_max: planned.waiting_calls_max,
                batch_items_max: planned.batch_items_max,
                ..Limits::default()
            },
        };
        let mut core = Dispatcher::new(config, planned.clock.at(0));
        if let Some(mutant) = mutant {
            mutant.break_dispatcher(&mut core);
        }
        Self {
            clock: planned.clock,
            core: Some(core),
            armed: None,
            stalled: false,
            link_is_up: true,
            backlog: Vec::new(),
            sent: Vec::new(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.core.as_ref().is_none_or(|core| {
            // What a dispatcher remembers of its messages it forgets after a while.
            !self.stalled && self.backlog.is_empty() && core.held_entries() == 0
        })
    }

    pub(super) fn counters(&self) -> Vec<(&'static str, u64)> {
        self.core
            .as_ref()
            .map(probe::dispatcher_counters)
            .unwrap_or_default()
    }

    pub(super) fn remains(&self, number: usize) -> Vec<(String, &'static str, u64, u64)> {
        let Some(core) = &self.core else {
            return Vec::new();
        };
        probe::dispatcher(core)
            .map(|(what, count, allowed)| (format!("coordinator {number}"), what, count, allowed))
            .collect()
    }
}

impl World<'_> {
    /// Tells a dispatcher what happened, and does what it wants done.
    pub(super) fn tell(&mut self, coordinator: u8, input: Input) {
        self.feed(coordinator, input);
        self.pump_coordinator(coordinator);
    }

    /// Tells a dispatcher what happened; what it wants done is done later.
    pub(super) fn feed(&mut self, coordinator: u8, input: Input) {
        let node = &mut self.coordinators[usize::from(coordinator)];
        let now = node.clock.at(self.now);
        if let Some(core) = &mut node.core {
            core.handle_input(input, now);
        }
    }

    pub(super) fn is_dead(&self, coordinator: u8) -> bool {
        self.coordinators[usize::from(coordinator)].core.is_none()
    }

    /// Keeps a step of a run's caller for a stalled coordinator; it is the same process.
    pub(super) fn postpones(&mut self, coordinator: u8, run: u8, turn: u8, step: Step) -> bool {
        let node = &mut self.coordinators[usize::from(coordinator)];
        if node.stalled {
            node.backlog.push(Waiting::Step { run, turn, step });
        }
        node.stalled
    }

    pub(super) fn reach_coordinator(&mut self, to: u8, letter: Box<Letter>) {
        let node = &mut self.coordinators[usize::from(to)];
        if node.core.is_none() {
            return;
        }
        // What the link itself says is heard even while it is down.
        let by_link = match &letter.body {
            Body::Undelivered(why) => match why {
                Undelivered::TooLarge | Undelivered::LinkDown => true,
                Undelivered::NoResponders => false,
            },
            Body::Call(..)
            | Body::Grant(..)
            | Body::Cancel(..)
            | Body::Status(..)
            | Body::Describe
            | Body::Ack(..)
            | Body::Result(..)
            | Body::Progress(..)
            | Body::Free(_)
            | Body::Refusal(_)
            | Body::Beat(_)
            | Body::Announce(_)
            | Body::Described(_)
            | Body::Echo(_) => false,
        };
        if !node.link_is_up && !by_link {
            return;
        }
        if node.stalled {
            node.backlog.push(Waiting::Letter(letter));
            return;
        }
        self.open_letter(to, letter);
        self.pump_coordinator(to);
    }

    fn open_letter(&mut self, to: u8, letter: Box<Letter>) {
        self.say(|_| {
            let forged = if letter.forged { "forged " } else { "" };
            format!(
                "c{to} takes {forged}{} of {:?}",
                letter.body.word(),
                letter.token
            )
        });
        if !letter.forged {
            self.note_answers(to, &letter);
        }
        let encoded = self.plan.encoded;
        if let Some(input) = letter.into_coordinator_input(encoded) {
            self.feed(to, input);
        }
    }

    pub(super) fn coordinator_timer(&mut self, coordinator: u8) {
        let node = &mut self.coordinators[usize::from(coordinator)];
        if node.armed != Some(self.now) || node.stalled {
            return;
        }
        node.armed = None;
        self.serve_coordinator_timer(coordinator);
    }

    fn serve_coordinator_timer(&mut self, coordinator: u8) {
        let node = &mut self.coordinators[usize::from(coordinator)];
        let now = node.clock.at(self.now);
        let Some(core) = &mut node.core else { return };
        core.handle_timeout(now);
        self.pump_coordinator(coordinator);
        let node = &self.coordinators[usize::from(coordinator)];
        if spins(node.core.as_ref().and_then(Dispatcher::poll_timeout), now) {
            self.record(Fact::Spun {
                node: format!("coordinator {coordinator}"),
            });
        }
    }

    pub(super) fn stall_coordinator(&mut self, coordinator: u8) -> bool {
        let node = &mut self.coordinators[usize::from(coordinator)];
        if node.stalled || node.core.is_none() {
            return false;
        }
        node.stalled = true;
        self.arms.hit(Arm::Stalled);
        self.record(Fact::Stalled { coordinator });
        true
    }

    /// A stopped coordinator goes on: what came meanwhile is heard before any timer (P14).
    pub(super) fn wake_coordinator(&mut self, coordinator: u8) {
        let node = &mut self.coordinators[usize::from(coordinator)];
        node.stalled = false;
        node.armed = None;
        let backlog = std::mem::take(&mut node.backlog);
        if node.core.is_none() {
            return;
        }
        self.record(Fact::Woke { coordinator });
        if !backlog.is_empty() {
            self.arms.hit(Arm::WokeWithInputs);
        }
        for waiting in backlog {
            match waiting {
                Waiting::Letter(letter) => self.open_letter(coordinator, letter),
                Waiting::Step { run, turn, step } => {
                    self.call_step(coordinator, run, turn, step);
                }
                Waiting::Link(is_up) => self.change_link(coordinator, is_up),
            }
        }
        self.serve_coordinator_timer(coordinator);
    }

    pub(super) fn link_changes(&mut self, coordinator: u8, is_up: bool) {
        let node = &mut self.coordinators[usize::from(coordinator)];
        node.link_is_up = is_up;
        if node.stalled {
            node.backlog.push(Waiting::Link(is_up));
            return;
        }
        self.change_link(coordinator, is_up);
        self.pump_coordinator(coordinator);
    }

    fn change_link(&mut self, coordinator: u8, is_up: bool) {
        self.feed(
            coordinator,
            if is_up {
                Input::LinkUp
            } else {
                Input::LinkDown
            },
        );
    }

    pub(super) fn end_coordinator(&mut self, coordinator: u8) -> bool {
        let node = &mut self.coordinators[usize::from(coordinator)];
        node.backlog.clear();
        if node.core.take().is_none() {
            return false;
        }
        self.forsake_turns(coordinator);
        true
    }

    pub(super) fn pump_coordinator(&mut self, coordinator: u8) {
        loop {
            let node = &mut self.coordinators[usize::from(coordinator)];
            let Some(effect) = node.core.as_mut().and_then(Dispatcher::poll_effect) else {
                break;
            };
            self.obey(coordinator, effect);
        }
        let node = &mut self.coordinators[usize::from(coordinator)];
        let Some(core) = &node.core else { return };
        let next = core.poll_timeout().map(|due| node.clock.when(due));
        if let Some(next) = next
            && node.armed != Some(next)
        {
            let next = next.max(self.now);
            node.armed = Some(next);
            self.queue.push(next, What::CoordinatorTimer(coordinator));
        }
    }

    fn obey(&mut self, coordinator: u8, effect: Effect) {
        let from = Node::Coordinator(coordinator);
        match effect {
            Effect::Call {
                to,
                token,
                head,
                items,
            } => {
                let to = InstanceRef::of(to.instance);
                self.attempts += items.len() as u64;
                let asked = items.iter().map(|item| (&item.of, item.budget_ms));
                self.note_posted(token, Asked::Call, to, head.seen, asked);
                if self.plan.rates.corrupt > 0 {
                    let all = items.iter().map(|item| attempt_ref(&item.of)).collect();
                    let sent = &mut self.coordinators[usize::from(coordinator)].sent;
                    sent.push((token, all));
                }
                self.forger.posted(coordinator, to, &items);
                self.hand_over(
                    coordinator,
                    honest(from, Node::Instance(to), token, Body::Call(head, items)),
                );
            }
            Effect::Grant {
                to,
                token,
                head,
                items,
            } => {
                let to = InstanceRef::of(to.instance);
                let asked = items.iter().map(|item| (&item.of, item.budget_ms));
                self.note_posted(token, Asked::Grant, to, head.seen, asked);
                self.hand_over(
                    coordinator,
                    honest(from, Node::Instance(to), token, Body::Grant(head, items)),
                );
            }
            Effect::Cancel {
                to,
                token,
                head,
                items,
            } => {
                let to = Node::Instance(InstanceRef::of(to.instance));
                self.hand_over(
                    coordinator,
                    honest(from, to, token, Body::Cancel(head, items)),
                );
            }
            Effect::Status {
                to,
                token,
                head,
                items,
            } => {
                let to = Node::Instance(InstanceRef::of(to.instance));
                self.hand_over(
                    coordinator,
                    honest(from, to, token, Body::Status(head, items)),
                );
            }
            Effect::Echo { seq } => {
                let token = Token::new(uuid::Uuid::nil());
                if self.coordinators[usize::from(coordinator)].link_is_up {
                    self.post(honest(from, from, token, Body::Echo(seq)));
                }
            }
            Effect::Describe { to } => {
                let to = Node::Instance(InstanceRef::of(to.instance));
                let token = Token::new(uuid::Uuid::nil());
                if self.coordinators[usize::from(coordinator)].link_is_up {
                    self.post(honest(from, to, token, Body::Describe));
                }
            }
            Effect::Report(report) => self.note_report(report),
            Effect::Event(event) => self.note_event(CallRef::of_key(&event.call), event.kind),
        }
    }

    /// Hands a message to the coordinator's link, which may refuse it.
    fn hand_over(&mut self, coordinator: u8, letter: Letter) {
        let is_up = self.coordinators[usize::from(coordinator)].link_is_up;
        let is_call = matches!(letter.body, Body::Call(..));
        let too_large = self.plan.rates.too_large;
        let why = if !is_up {
            self.arms.hit(Arm::RefusedByLink);
            Undelivered::LinkDown
        } else if is_call && self.rng.chance(too_large) {
            self.arms.hit(Arm::TooLarge);
            Undelivered::TooLarge
        } else {
            self.post(letter);
            return;
        };
        let answer = honest(letter.to, letter.from, letter.token, Body::Undelivered(why));
        self.letters += 1;
        self.queue.push(self.now, What::Letter(Box::new(answer)));
    }
}
