//! The network: who hears what, when, how often, and whether at all.

use callboard_coordinator_core::Undelivered;

use crate::arms::{Arm, Arms};
use crate::clock::{MS, Nanos, S, US};
use crate::letter::{Body, Corrupt, Letter, Node};
use crate::plan::{Plan, Rates, Way};
use crate::rng::Rng;

/// A cut that holds now.
#[derive(Clone, Copy, Debug)]
struct Cut {
    number: usize,
    coordinator: Option<u8>,
    worker: Option<u8>,
    way: Way,
    held: bool,
}

/// The network of a schedule.
pub(crate) struct Network {
    rng: Rng,
    rates: Rates,
    faults_until: Nanos,
    latency_max: Nanos,
    workers: usize,
    /// When the last message of each pair and direction arrives: the next one doesn't overtake it.
    last: Vec<Nanos>,
    cuts: Vec<Cut>,
    #[expect(clippy::vec_box, reason = "letters are boxed wherever they go")]
    held: Vec<Box<Letter>>,
}

/// Messages with the times at which they arrive.
pub(crate) type Arrivals = Vec<(Nanos, Box<Letter>)>;

impl Network {
    pub(crate) fn new(plan: &Plan, rng: Rng) -> Self {
        let workers = plan.workers.len();
        Self {
            rng,
            rates: plan.rates,
            faults_until: plan.faults_until,
            latency_max: plan.latency_max,
            workers,
            last: vec![0; plan.coordinators.len() * (workers + 1) * 2],
            cuts: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Whether messages wait for a cut to heal.
    pub(crate) fn holds_letters(&self) -> bool {
        !self.held.is_empty()
    }

    /// A cut begins.
    pub(crate) fn cut(
        &mut self,
        number: usize,
        (coordinator, worker): (Option<u8>, Option<u8>),
        way: Way,
        held: bool,
    ) {
        self.cuts.push(Cut {
            number,
            coordinator,
            worker,
            way,
            held,
        });
    }

    /// A cut heals; what it held comes, in order.
    pub(crate) fn heal(&mut self, number: usize, now: Nanos, arms: &mut Arms, out: &mut Arrivals) {
        self.cuts.retain(|cut| cut.number != number);
        for letter in std::mem::take(&mut self.held) {
            arms.hit(Arm::HeldThroughCut);
            self.carry(letter, now, arms, out);
        }
    }

    /// Takes a message and says what arrives of it, and when.
    pub(crate) fn send(
        &mut self,
        mut letter: Box<Letter>,
        now: Nanos,
        arms: &mut Arms,
        out: &mut Arrivals,
    ) {
        if now >= self.faults_until {
            return self.carry(letter, now, arms, out);
        }
        let rates = self.rates;
        let (drop, double, late) = match letter.body {
            Body::Grant(..) => (rates.grant_drop, rates.grant_double, rates.grant_late),
            Body::Echo(_) => (rates.echo_drop, 0, 0),
            Body::Call(..)
            | Body::Cancel(..)
            | Body::Status(..)
            | Body::Describe
            | Body::Ack(..)
            | Body::Result(..)
            | Body::Progress(..)
            | Body::Free(_)
            | Body::Refusal(_)
            | Body::Undelivered(_)
            | Body::Beat(_)
            | Body::Announce(_)
            | Body::Described(_) => (0, 0, 0),
        };
        if self.rng.chance(drop.max(rates.drop)) {
            arms.hit(Arm::Dropped);
            return;
        }
        if self.rng.chance(rates.no_responders) && self.refuse(&letter, now, out) {
            arms.hit(Arm::NoResponders);
            return;
        }
        let items = letter.body.items();
        if items > 0 && self.rng.chance(rates.corrupt) {
            arms.hit(Arm::Corrupted);
            letter.corrupt = Some(Corrupt {
                index: self.rng.index(items),
                names_attempt: self.rng.chance(500),
            });
        }
        if !matches!(letter.body, Body::Undelivered(_))
            && self.rng.chance(double.max(rates.duplicate))
        {
            arms.hit(Arm::Duplicated);
            let after = self.rng.pick(&[MS, 50 * MS, S, 5 * S]);
            let after = self.rng.range(0..after);
            // A 503 for one of them would say nothing of the other.
            letter.copy = true;
            out.push((now + self.latency() + after, letter.clone()));
        }
        if self.rng.chance(late.max(rates.reorder)) {
            arms.hit(Arm::Reordered);
            let after = self.rng.pick(&[MS, 20 * MS, 500 * MS, 4 * S]);
            let after = self.rng.range(0..after);
            out.push((now + self.latency() + after, letter));
            return;
        }
        if self.rng.chance(rates.delay) {
            arms.hit(Arm::Delayed);
            let after = self.rng.pick(&[10 * MS, 200 * MS, 2 * S, 6 * S]);
            let after = self.rng.range(0..after);
            return self.carry(letter, now + after, arms, out);
        }
        self.carry(letter, now, arms, out);
    }

    /// Turns a message to an instance into the server's 503, if it is one that has answers.
    pub(crate) fn refuse(&mut self, letter: &Letter, now: Nanos, out: &mut Arrivals) -> bool {
        let asks = match letter.body {
            Body::Call(..) | Body::Grant(..) | Body::Cancel(..) | Body::Status(..) => true,
            Body::Describe
            | Body::Ack(..)
            | Body::Result(..)
            | Body::Progress(..)
            | Body::Free(_)
            | Body::Refusal(_)
            | Body::Undelivered(_)
            | Body::Beat(_)
            | Body::Announce(_)
            | Body::Described(_)
            | Body::Echo(_) => false,
        };
        if asks && !letter.forged && !letter.copy {
            let answer = Box::new(Letter {
                from: letter.to,
                to: letter.from,
                token: letter.token,
                body: Body::Undelivered(Undelivered::NoResponders),
                forged: false,
                copy: false,
                corrupt: None,
            });
            out.push((now + self.latency(), answer));
        }
        asks && !letter.copy
    }

    /// The ordinary way: cut or not, and behind what went before.
    fn carry(&mut self, letter: Box<Letter>, now: Nanos, arms: &mut Arms, out: &mut Arrivals) {
        let (coordinator, worker, way) = match (letter.from, letter.to) {
            (Node::Coordinator(from), Node::Instance(to)) => (from, Some(to.worker), Way::ToWorker),
            (Node::Instance(from), Node::Coordinator(to)) => {
                (to, Some(from.worker), Way::ToCoordinator)
            }
            (Node::Coordinator(from), Node::Coordinator(_)) => (from, None, Way::Both),
            (Node::Instance(_), Node::Instance(_)) => return,
        };
        match self.cut_of(coordinator, worker, way) {
            Some(true) => return self.held.push(letter),
            Some(false) => return arms.hit(Arm::CutOff),
            None => {}
        }
        let pair = usize::from(coordinator) * (self.workers + 1)
            + worker.map_or(self.workers, usize::from);
        let at = now + self.latency();
        let last = &mut self.last[pair * 2 + usize::from(way == Way::ToCoordinator)];
        *last = at.max(*last + 1);
        out.push((*last, letter));
    }

    /// Whether a cut lies on the way, and whether it holds what it stops.
    fn cut_of(&self, coordinator: u8, worker: Option<u8>, way: Way) -> Option<bool> {
        self.cuts
            .iter()
            .find(|cut| {
                let same_coordinator = cut.coordinator.is_none_or(|cut| cut == coordinator);
                match worker {
                    // An echo is stopped where the coordinator's own link is.
                    None => same_coordinator && cut.worker.is_none(),
                    Some(worker) => {
                        same_coordinator
                            && cut.worker.is_none_or(|cut| cut == worker)
                            && (cut.way == Way::Both || cut.way == way)
                    }
                }
            })
            .map(|cut| cut.held)
    }

    fn latency(&mut self) -> Nanos {
        let spread = self.rng.range(0..self.latency_max);
        20 * US + spread
    }
}
