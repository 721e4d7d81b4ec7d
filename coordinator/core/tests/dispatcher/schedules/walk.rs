//! One random schedule: what a program, its workers and the network might do, nonsense included.

use std::time::Duration;

use callboard_coordinator_core::{CancelReason, Input, TurnOptions, Undelivered};
use callboard_proto::codec::{Batch, DecodeError, UnreadableItem};
use callboard_proto::message::{AckItem, AckState, BadItem, Refusal, RefusalCode, ResultItem};
use callboard_proto::{AttemptKey, Epoch, Executed, FailureKind, Outcome, Token};
use uuid::Uuid;

use super::model::Model;
use crate::bench::{Bench, config};
use crate::words;

const TOOLS: [&str; 8] = [
    "read",
    "write",
    "idempotent",
    "once",
    "brief",
    "slices",
    "session",
    "gpu",
];
const WORKERS: [(&str, &str); 5] = [
    ("a1", "a"),
    ("a2", "a"),
    ("b1", "b"),
    ("b2", "b"),
    ("c1", "c"),
];

pub(crate) struct Walk {
    pub(crate) bench: Bench,
    model: Model,
    rng: fastrand::Rng,
    taken: usize,
    next_turn: u32,
    unsealed: Vec<(u32, u32)>,
}

impl Walk {
    pub(crate) fn new(seed: u64) -> Self {
        let mut config = config();
        let mut rng = fastrand::Rng::with_seed(seed);
        config.seed = std::array::from_fn(|_| rng.u8(..));
        config.events = rng.bool();
        config.limits.waiting_calls_max = if rng.bool() { 8 } else { 1000 };
        config.limits.batch_items_max = rng.usize(1..20);
        config.limits.late_attempts_max = rng.usize(0..20);
        config.limits.suspend_after = rng.u32(1..6);
        config.limits.retry_budget_min = rng.u32(0..4);
        Self {
            bench: Bench::with(config),
            model: Model::default(),
            rng,
            taken: 0,
            next_turn: 11,
            unsealed: Vec::new(),
        }
    }

    fn watch(&mut self) {
        self.bench.lines();
        for effect in &self.bench.effects[self.taken..] {
            self.model.take(effect);
        }
        self.taken = self.bench.effects.len();
        let now = self.bench.instant(self.bench.now);
        assert!(
            self.bench
                .core
                .poll_timeout()
                .is_some_and(|due| due + Duration::from_secs(1) > now)
        );
    }

    pub(crate) fn step(&mut self) {
        match self.rng.u32(..100) {
            0..8 => self.open(),
            8..20 => self.call(),
            20..28 => self.seal(),
            28..31 => self.cancel(),
            31..45 => {
                let ms = if self.rng.bool() { 5 } else { 900 };
                let ms = self.rng.u64(..ms);
                self.bench.wait(ms);
            }
            45..53 => self.worker_comes_or_goes(),
            53..58 => self.link(),
            58..62 => self.undelivered(),
            62..64 => self.refuse(),
            64..82 => self.ack(),
            _ => self.result(),
        }
        self.watch();
    }

    fn open(&mut self) {
        let options = TurnOptions {
            call_deadline: self
                .rng
                .bool()
                .then(|| Duration::from_millis(self.rng.u64(..5_000))),
            parallel_max: self.rng.bool().then(|| self.rng.u32(1..4)),
            is_watched: self.rng.bool(),
            ..self.bench.options(1 + self.rng.u64(..20_000))
        };
        // Three turns of each run, with the same ids in all of them.
        let number = self.next_turn;
        self.next_turn += if number % 10 == 3 { 8 } else { 1 };
        self.bench.open_with(number, options);
        self.unsealed.push((number, 0));
        self.model.open.insert(words::turn_key(number), Vec::new());
    }

    fn call(&mut self) {
        let Some((turn, calls)) = self.rng.choice(&mut self.unsealed) else {
            return;
        };
        for _ in 0..self.rng.u32(1..6) {
            let id = format!("c{calls}");
            *calls += 1;
            let key = words::turn_key(*turn);
            let call = words::call_key(&format!("{turn}/{id}"));
            self.model.open.get_mut(&key).unwrap().push(call);
            let tool = self.rng.choice(TOOLS).unwrap();
            self.bench.call(*turn, &id, tool);
        }
    }

    fn seal(&mut self) {
        if !self.unsealed.is_empty() {
            let at = self.rng.usize(..self.unsealed.len());
            let (turn, _) = self.unsealed.swap_remove(at);
            self.bench.seal(turn);
        }
    }

    fn cancel(&mut self) {
        let number = self.rng.u32(11..self.next_turn + 2);
        let turn = words::turn_key(number);
        match self.rng.u32(..4) {
            0 => self.bench.give(Input::CancelTurn {
                turn,
                reason: CancelReason::Asked,
            }),
            1 => self.bench.give(Input::CancelTurn {
                turn,
                reason: CancelReason::ShuttingDown,
            }),
            2 => self.bench.give(Input::EndRun { run: turn.run }),
            _ => {
                let call = words::call_key(&format!("{number}/c{}", self.rng.u32(..8)));
                self.bench.give(Input::CancelCall { call });
            }
        }
    }

    fn worker_comes_or_goes(&mut self) {
        let (instance, name) = self.rng.choice(WORKERS).unwrap();
        let known = self.bench.workers.contains_key(instance);
        match self.rng.u32(..6) {
            _ if !known => {
                let slots = self.rng.u32(..6);
                let labels: &[&'static str] = if self.rng.bool() { &["gpu=1"] } else { &[] };
                let mut tools = TOOLS.to_vec();
                tools.truncate(self.rng.usize(1..=TOOLS.len()));
                self.bench.join_as(instance, name, slots, &tools, labels);
            }
            0 => self.bench.silence(instance),
            1 => self.bench.fake(instance).beats = true,
            2 => {
                let draining = self.rng.u32(..4) == 0;
                self.bench.fake(instance).draining = draining;
                self.bench.beat(instance);
            }
            3 => {
                let mut tools = TOOLS.to_vec();
                self.rng.shuffle(&mut tools);
                tools.truncate(self.rng.usize(..=TOOLS.len()));
                self.bench.fake(instance).payload_bytes_max = self.rng.u64(..40_000);
                self.bench.announce(instance, &tools);
            }
            _ => {
                let free = self.rng.u32(..6);
                self.bench.free(instance, free);
            }
        }
    }

    fn link(&mut self) {
        match self.rng.u32(..5) {
            0 => self.bench.echoes = false,
            1 => self.bench.give(Input::LinkDown),
            _ => {
                self.bench.echoes = true;
                self.bench.give(Input::LinkUp);
            }
        }
    }

    /// A message, most often a late one, sometimes under a token that nobody sent.
    fn message(&mut self) -> Option<(Token, String, bool, Vec<AttemptKey>)> {
        let length = self.model.messages.len();
        let latest = length.saturating_sub(6);
        let at = if self.rng.u32(..4) > 0 && length > 0 {
            self.rng.usize(latest..length)
        } else {
            self.rng.usize(..length.max(1))
        };
        let message = self.model.messages.get(at)?;
        let mut token = message.token;
        let mut instance = message.instance.clone();
        let mut attempts = message.attempts.clone();
        match self.rng.u32(..60) {
            0 => token = Token::new(Uuid::from_u128(9)),
            1 => instance = "c1".to_owned(),
            2 => attempts.iter_mut().for_each(|of| of.attempt.0 += 1),
            3 => attempts.iter_mut().for_each(|of| of.turn.0 += 1),
            4 => attempts.iter_mut().for_each(|of| of.epoch = Epoch(3)),
            _ => {}
        }
        self.bench.workers.contains_key(&instance).then_some(())?;
        attempts.retain(|_| self.rng.u32(..8) > 0);
        Some((token, instance, message.is_call, attempts))
    }

    fn undelivered(&mut self) {
        // Binding by contract, so only for calls that nothing was heard of: those of the latest
        // message. Others are told under a token that is long forgotten.
        let why = [
            Undelivered::NoResponders,
            Undelivered::TooLarge,
            Undelivered::LinkDown,
        ];
        let why = why[self.rng.usize(..3)].clone();
        let Some(message) = self.model.messages.last().filter(|message| message.is_call) else {
            let token = Token::new(Uuid::from_u128(5));
            return self.bench.give(Input::Undelivered { token, why });
        };
        let token = message.token;
        self.bench.give(Input::Undelivered { token, why });
    }

    fn refuse(&mut self) {
        let Some((token, instance, is_call, _)) = self.message() else {
            return;
        };
        if is_call {
            let code = RefusalCode::ALL[self.rng.usize(..RefusalCode::ALL.len())];
            let refusal = Refusal {
                instance: words::instance(&instance),
                code,
                message: String::new(),
            };
            self.bench.give(Input::Refusal { token, refusal });
        }
    }

    fn ack(&mut self) {
        let Some((token, instance, _, attempts)) = self.message() else {
            return;
        };
        let mut head = self.bench.head(&instance);
        if self.rng.u32(..20) == 0 {
            head.bad.push(BadItem {
                index: self.rng.u32(..5),
                reason: String::new(),
            });
        }
        let items = attempts
            .into_iter()
            .map(|of| {
                let states = AckState::ALL;
                let state = match self.rng.u32(..3) {
                    0 => AckState::Running,
                    1 => AckState::Waiting,
                    _ => states[self.rng.usize(..states.len())],
                };
                if state.is_binding_no() {
                    self.model.binds(&of);
                }
                let grant = None;
                Ok(AckItem {
                    of,
                    state,
                    grant,
                    tool_full: state == AckState::Busy && self.rng.bool(),
                })
            })
            .collect();
        let batch = Batch { head, items };
        self.bench.give(Input::Ack { token, batch });
    }

    fn result(&mut self) {
        let Some((token, instance, _, attempts)) = self.message() else {
            return;
        };
        let head = self.bench.head(&instance);
        let items = attempts
            .into_iter()
            .map(|of| {
                if self.rng.u32(..20) == 0 {
                    let of = self.rng.bool().then_some(of);
                    let error = DecodeError::Trailing;
                    return Err(UnreadableItem { of, error });
                }
                let kinds = FailureKind::ALL;
                let outcome = if self.rng.bool() {
                    Outcome::text("ok")
                } else {
                    let executed = Executed::ALL[self.rng.usize(..3)];
                    if executed == Executed::No {
                        self.model.binds(&of);
                    }
                    let kind = kinds[self.rng.usize(..kinds.len())];
                    Outcome::failed(kind, "no", executed)
                };
                Ok(ResultItem {
                    of,
                    outcome,
                    queued: Duration::ZERO,
                    executed: Duration::ZERO,
                })
            })
            .collect();
        let batch = Batch { head, items };
        self.bench.give(Input::Result { token, batch });
    }

    /// Everything is sealed and everybody falls silent: all turns are reported by their deadlines, and
    /// nothing is held for them any more.
    pub(crate) fn end(&mut self) {
        for (turn, _) in std::mem::take(&mut self.unsealed) {
            self.bench.seal(turn);
        }
        self.bench.echoes = true;
        self.bench.give(Input::LinkUp);
        self.watch();
        self.bench.wait(20_001);
        self.watch();
        assert!(self.model.open.is_empty(), "{:?}", self.model.open);
        assert_eq!(self.bench.core.open_turns(), 0);
        assert_eq!(self.bench.core.waiting_calls(), 0);
        // What may still come back as undelivered is remembered for two leases.
        self.bench.wait(8_000);
        assert_eq!(self.bench.core.held_entries(), 0);
    }
}
