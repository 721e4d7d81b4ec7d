//! The world: nodes with their clocks, tools, a network, and a referee that writes down what
//! happens. One thread, one queue, one seed.

mod caller;
mod coordinator;
mod forge;
mod queue;
mod referee;
mod tools;
mod trouble;
mod worker;

use std::fmt::Write as _;

use rustc_hash::FxHashMap;

use crate::arms::Arms;
use crate::clock::{Nanos, S};
use crate::history::{AttemptRef, Fact, History};
use crate::ident::{CallRef, InstanceRef, TurnRef};
use crate::letter::{Body, Letter, Node};
use crate::mutant::Mutant;
use crate::network::{Arrivals, Network};
use crate::plan::{Plan, Trouble};
use crate::rng::Rng;

use coordinator::CoordinatorNode;
use forge::Forger;
use queue::{Queue, What};
use tools::Execution;
use worker::WorkerNode;

/// More events than any schedule needs by far; one that has more never ends.
const EVENTS_MAX: u64 = 400_000;
/// Time after the last deadline and the last trouble in which all workers must have ended all.
const REST: Nanos = 25 * S;
/// Time in which a worker must have forgotten what it kept: results are kept for 60 s (P16).
const FORGET: Nanos = 90 * S;

/// What became of a schedule.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the referee wrote down.
    pub history: History,
    /// Rare things that happened.
    pub arms: Arms,
    /// Events that were handled.
    pub events: u64,
    /// Attempts that coordinators posted.
    pub attempts: u64,
    /// What the dispatchers counted, by name.
    pub dispatcher_counters: Vec<(&'static str, u64)>,
    /// What the workers counted, by name.
    pub worker_counters: Vec<(&'static str, u64)>,
    /// What happened, in words, if that was wanted.
    pub trace: String,
}

/// The state of a schedule.
pub(crate) struct World<'p> {
    plan: &'p Plan,
    now: Nanos,
    queue: Queue,
    network: Network,
    coordinators: Vec<CoordinatorNode>,
    workers: Vec<WorkerNode>,
    executions: Vec<Execution>,
    /// How often each call was started, over all instances.
    starts: FxHashMap<CallRef, u32>,
    forger: Forger,
    rng: Rng,
    history: History,
    arms: Arms,
    trace: Option<String>,
    /// Messages on their way that are no pulse.
    letters: usize,
    /// Turns that are planned and not over.
    turns_left: usize,
    /// Troubles to come or going on.
    troubles_left: usize,
    /// When the last turn is due.
    last_due: Nanos,
    /// When each turn is due.
    dues: FxHashMap<TurnRef, Nanos>,
    attempts: u64,
    worker_counters: Vec<(&'static str, u64)>,
    mutant: Option<Mutant>,
    arrivals: Arrivals,
}

/// Runs a schedule to its end. A mutant breaks one rule of a core on purpose, where the cores were
/// built with the `mutation` feature.
#[must_use]
pub fn run(plan: &Plan, mutant: Option<Mutant>, traced: bool) -> Outcome {
    let mut rng = Rng::new(plan.seed ^ 0x776f_726c_6400);
    let network = Network::new(plan, rng.fork());
    let mut world = World {
        plan,
        now: 0,
        queue: Queue::default(),
        network,
        coordinators: Vec::new(),
        workers: Vec::new(),
        executions: Vec::new(),
        starts: FxHashMap::default(),
        forger: Forger::new(rng.fork()),
        rng,
        history: History::new(plan.class),
        arms: Arms::default(),
        trace: traced.then(String::new),
        letters: 0,
        turns_left: 0,
        troubles_left: plan.troubles.len(),
        last_due: 0,
        dues: FxHashMap::default(),
        attempts: 0,
        worker_counters: Vec::new(),
        mutant,
        arrivals: Vec::new(),
    };
    world.begin();
    let events = world.turn_on();
    world.finish(events)
}

impl World<'_> {
    fn begin(&mut self) {
        for coordinator in 0..self.plan.coordinators.len() {
            let node = CoordinatorNode::new(self.plan, coordinator, self.mutant);
            self.coordinators.push(node);
        }
        for (worker, plan) in self.plan.workers.iter().enumerate() {
            self.workers.push(WorkerNode::new(plan));
            let worker = u8::try_from(worker).expect("few workers");
            self.queue.push(plan.starts, What::Birth(worker));
        }
        for (number, (at, _)) in self.plan.troubles.iter().enumerate() {
            self.queue.push(*at, What::Trouble(number));
        }
        for coordinator in 0..self.coordinators.len() {
            let coordinator = u8::try_from(coordinator).expect("few coordinators");
            self.start_runs(coordinator);
            self.pump_coordinator(coordinator);
        }
    }

    /// Handles events until everything is over; gives their number.
    fn turn_on(&mut self) -> u64 {
        let mut events = 0;
        let mut forget_until = None;
        while let Some((at, what)) = self.queue.pop() {
            self.now = at;
            events += 1;
            if events > EVENTS_MAX {
                self.record(Fact::Endless);
                break;
            }
            let is_pulse = matches!(what, What::CoordinatorTimer(_) | What::WorkerTimer(_));
            self.handle(what);
            if let Some(until) = forget_until {
                if self.now > until {
                    break;
                }
                continue;
            }
            if !is_pulse {
                continue;
            }
            if self.is_over() {
                if !self.plan.long {
                    break;
                }
                forget_until = Some(self.now + FORGET);
            } else if self.turns_left == 0
                && self.troubles_left == 0
                && self.now > self.last_due + REST
            {
                break;
            }
        }
        self.note_remains(forget_until.is_some());
        events
    }

    fn handle(&mut self, what: What) {
        match what {
            What::Letter(letter) => {
                if !letter.body.is_pulse() {
                    self.letters -= 1;
                }
                match letter.to {
                    Node::Coordinator(to) => self.reach_coordinator(to, letter),
                    Node::Instance(to) => self.reach_instance(to, letter),
                }
            }
            What::CoordinatorTimer(coordinator) => self.coordinator_timer(coordinator),
            What::WorkerTimer(worker) => self.worker_timer(worker),
            What::Caller {
                coordinator,
                run,
                turn,
                step,
            } => self.call_step(coordinator, run, turn, step),
            What::Tool { execution, act } => self.tool_step(execution, act),
            What::Birth(worker) => self.birth(worker),
            What::Trouble(number) => self.trouble(number),
            What::TroubleOver(number) => self.trouble_over(number),
        }
    }

    /// Whether nothing but the pulse is left.
    fn is_over(&self) -> bool {
        self.turns_left == 0
            && self.troubles_left == 0
            && self.letters == 0
            && !self.network.holds_letters()
            && self.now > self.plan.faults_until.min(self.last_due)
            && self.workers.iter().all(WorkerNode::is_idle)
            && self.coordinators.iter().all(CoordinatorNode::is_idle)
    }

    fn record(&mut self, fact: Fact) {
        if self.trace.is_some() {
            self.say(|_| format!("  {fact:?}"));
        }
        self.history.record(self.now, fact);
    }

    /// Adds a line to the trace, if there is one.
    fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let line = line(self);
            let now = self.now;
            if let Some(trace) = &mut self.trace {
                writeln!(trace, "{:>14} {line}", now).expect("a string takes all");
            }
        }
    }

    /// Hands a message to the network.
    fn post(&mut self, letter: Letter) {
        self.say(|_| {
            format!(
                "{:?} -> {:?} {} {:?}",
                letter.from,
                letter.to,
                letter.body.word(),
                letter.body
            )
        });
        let mut arrivals = std::mem::take(&mut self.arrivals);
        let now = self.now;
        self.network
            .send(Box::new(letter), now, &mut self.arms, &mut arrivals);
        self.arrive(arrivals);
    }

    fn arrive(&mut self, mut arrivals: Arrivals) {
        for (at, letter) in arrivals.drain(..) {
            if !letter.body.is_pulse() {
                self.letters += 1;
            }
            self.queue.push(at, What::Letter(letter));
        }
        self.arrivals = arrivals;
    }

    /// What the cores still hold at the end.
    fn note_remains(&mut self, forgotten: bool) {
        for number in 0..self.workers.len() {
            for (node, what, count, allowed) in self.workers[number].remains(number, forgotten) {
                self.record(Fact::Remains {
                    node,
                    what,
                    count,
                    allowed,
                });
            }
        }
        for number in 0..self.coordinators.len() {
            for (node, what, count, allowed) in self.coordinators[number].remains(number) {
                self.record(Fact::Remains {
                    node,
                    what,
                    count,
                    allowed,
                });
            }
        }
    }

    fn finish(mut self, events: u64) -> Outcome {
        for number in 0..self.workers.len() {
            self.gather_worker_counters(number);
        }
        let mut dispatcher_counters = Vec::new();
        for node in &self.coordinators {
            add_counters(&mut dispatcher_counters, node.counters());
        }
        Outcome {
            history: self.history,
            arms: self.arms,
            events,
            attempts: self.attempts,
            dispatcher_counters,
            worker_counters: self.worker_counters,
            trace: self.trace.unwrap_or_default(),
        }
    }

    /// The troubles of the plan that ask for a worker's or a coordinator's number.
    fn planned(&self, number: usize) -> Trouble {
        self.plan.troubles[number].1
    }
}

/// Adds counts by name; the names come in a fixed order.
pub(crate) fn add_counters(sum: &mut Vec<(&'static str, u64)>, more: Vec<(&'static str, u64)>) {
    if sum.is_empty() {
        *sum = more;
        return;
    }
    for (mine, (name, count)) in sum.iter_mut().zip(more) {
        assert_eq!(mine.0, name, "counters come in a fixed order");
        mine.1 += count;
    }
}

/// The attempt that a key names.
pub(crate) fn attempt_ref(of: &callboard_proto::AttemptKey) -> AttemptRef {
    AttemptRef {
        call: CallRef::of(of),
        attempt: of.attempt.0,
        epoch: of.epoch.0,
    }
}

/// The number that a message has in the history: half of its token, which is random.
pub(crate) fn message_number(token: callboard_proto::Token) -> u64 {
    u64::try_from(token.uuid().as_u128() & u128::from(u64::MAX)).expect("64 bits were kept")
}

/// A message that nobody forged.
pub(crate) fn honest(from: Node, to: Node, token: callboard_proto::Token, body: Body) -> Letter {
    Letter {
        from,
        to,
        token,
        body,
        forged: false,
        copy: false,
        corrupt: None,
    }
}

/// An instance as a node.
pub(crate) fn instance(worker: u8, life: u8) -> InstanceRef {
    InstanceRef { worker, life }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up_by_name() {
        let mut sum = Vec::new();
        add_counters(&mut sum, vec![("a", 1), ("b", 2)]);
        add_counters(&mut sum, vec![("a", 10), ("b", 20)]);
        assert_eq!(sum, [("a", 11), ("b", 22)]);
    }
}
