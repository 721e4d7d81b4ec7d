//! Two coordinators want more than there is: the slots stay used, and neither starves (P6).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

use callboard_proto::AttemptKey;
use callboard_proto::codec::Batch;
use callboard_proto::message::{AckState, CallHead, Load};
use callboard_worker_core::{Effect, Finished, Input, ReplyTo, Worker};
use uuid::Uuid;

use crate::bench::{call_head, config, identity, look, of, reply, tools};

const WAY: Duration = Duration::from_micros(100);
const WORK: Duration = Duration::from_millis(5);
const SLOTS: u32 = 32;
const CALLS: u32 = 500;

/// What happens next somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Posted {
        from: usize,
        token: u128,
        ids: Vec<u32>,
        waiting: u32,
    },
    Finished {
        from: usize,
        id: u32,
    },
    Heard {
        at: usize,
        load: (u64, u32),
        busy: Vec<u32>,
        done: u32,
    },
}

/// A coordinator that posts what it hears to be free, and what it was refused again.
#[derive(Default)]
struct Poster {
    waiting: Vec<u32>,
    attempts: BTreeMap<u32, u32>,
    load_seq: u64,
    done: u32,
    last_done: Duration,
    done_while_both: u32,
}

struct World {
    worker: Worker,
    start: Instant,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    order: u64,
    tokens: u128,
    posters: [Poster; 2],
    busy: Duration,
}

fn name(from: usize, id: u32, attempt: u32) -> String {
    format!("{from}_{id}#{attempt}")
}

fn parse(of: &AttemptKey) -> (usize, u32) {
    let (from, id) = of.id.as_str().split_once('_').unwrap();
    (from.parse().unwrap(), id.parse().unwrap())
}

impl World {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a moment to count from")]
        let start = Instant::now();
        let posters = [0, 1].map(|_| Poster {
            waiting: (0..CALLS).rev().collect(),
            ..Poster::default()
        });
        Self {
            worker: Worker::new(identity(), config(SLOTS), tools(), start),
            start,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            order: 0,
            tokens: 0,
            posters,
            busy: Duration::ZERO,
        }
    }

    fn later(&mut self, after: Duration, event: Event) {
        self.order += 1;
        self.events
            .push(Reverse((self.now + after, self.order, event)));
    }

    fn post(&mut self, from: usize, free: u32) {
        let poster = &mut self.posters[from];
        let rest = poster.waiting.len().saturating_sub(free as usize);
        let mut ids = poster.waiting.split_off(rest);
        ids.reverse();
        if ids.is_empty() {
            return;
        }
        for id in &ids {
            *poster.attempts.entry(*id).or_default() += 1;
        }
        let waiting = u32::try_from(rest).unwrap();
        self.tokens += 1;
        let token = self.tokens;
        self.later(
            WAY,
            Event::Posted {
                from,
                token,
                ids,
                waiting,
            },
        );
    }

    fn run(&mut self) {
        // Both know from the first beat that all is free.
        self.post(0, SLOTS);
        self.post(1, SLOTS);
        while self.posters.iter().any(|poster| poster.done < CALLS) {
            let timer = self.worker.poll_timeout().unwrap() - self.start;
            let next = self.events.peek().map(|Reverse((at, _, _))| *at);
            if next.is_none_or(|next| timer < next) {
                self.now = timer;
                self.worker.handle_timeout(self.start + timer);
            } else if let Some(Reverse((at, _, event))) = self.events.pop() {
                self.now = at;
                self.happen(event);
            }
            while let Some(effect) = self.worker.poll_effect() {
                self.perform(effect);
            }
            assert!(self.now < Duration::from_secs(10), "they starve");
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.start + self.now;
        match event {
            Event::Posted {
                from,
                token,
                ids,
                waiting,
            } => {
                let to = ReplyTo {
                    token: callboard_proto::Token::new(Uuid::from_u128(token)),
                    ..reply(["A0", "B0"][from])
                };
                let items = ids
                    .iter()
                    .map(|id| Ok(look(&name(from, *id, self.posters[from].attempts[id]))))
                    .collect();
                let head = CallHead {
                    waiting,
                    ..call_head(to)
                };
                let batch = Batch { head, items };
                self.worker
                    .handle_input(Input::Call { reply: to, batch }, now);
            }
            Event::Finished { from, id } => {
                let attempt = self.posters[from].attempts[&id];
                let finished = Finished {
                    of: of(&name(from, id, attempt)),
                    place: None,
                    outcome: callboard_proto::Outcome::text("ok"),
                    executed: WORK,
                };
                self.worker.handle_input(Input::Finished(finished), now);
            }
            Event::Heard {
                at,
                load: (seq, free),
                busy,
                done,
            } => {
                let both = self.posters.iter().all(|poster| poster.done < CALLS);
                let poster = &mut self.posters[at];
                poster.done += done;
                poster.done_while_both += if both { done } else { 0 };
                if done > 0 {
                    poster.last_done = self.now;
                }
                poster.waiting.extend(busy);
                if seq > poster.load_seq {
                    poster.load_seq = seq;
                    self.post(at, free);
                }
            }
        }
    }

    fn hear(&mut self, to: ReplyTo, load: Load, busy: Vec<u32>, done: u32) {
        let at = usize::from(to.coordinator != reply("A0").coordinator);
        let load = (load.seq, load.free);
        self.later(
            WAY,
            Event::Heard {
                at,
                load,
                busy,
                done,
            },
        );
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Start(start) => {
                let (from, id) = parse(&start.of);
                self.busy += WORK;
                self.later(WORK, Event::Finished { from, id });
            }
            Effect::Result { to, head, items } => {
                let done = u32::try_from(items.len()).unwrap();
                self.hear(to, head.load, Vec::new(), done);
            }
            Effect::Ack { to, head, items } => {
                let busy = items
                    .iter()
                    .filter(|item| item.state == AckState::Busy)
                    .map(|item| parse(&item.of).1)
                    .collect();
                self.hear(to, head.load, busy, 0);
            }
            Effect::Free { to, free } => self.hear(to, free.load, Vec::new(), 0),
            Effect::Beat(_) => {}
            Effect::Stop { .. } | Effect::Drained => panic!("nothing ends early here"),
        }
    }
}

#[test]
fn two_coordinators_share_the_slots_and_leave_none_unused() {
    let mut world = World::new();
    world.run();
    let total = world
        .posters
        .iter()
        .map(|poster| poster.last_done)
        .max()
        .unwrap();
    let used = world.busy.as_secs_f64() / (total.as_secs_f64() * f64::from(SLOTS));
    assert!(used >= 0.9, "{used:.3} of the slots were used");
    let [a, b] = world
        .posters
        .each_ref()
        .map(|poster| poster.done_while_both);
    let least = f64::from(a.min(b)) / f64::from(a + b);
    assert!(least >= 0.4, "{a} and {b} while both had calls");
}
