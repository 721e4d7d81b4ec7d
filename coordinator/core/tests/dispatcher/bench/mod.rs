//! The test bench: a dispatcher, its workers as data, and a clock that is moved by hand.
//!
//! Workers beat each second (at .5) while they live, and the own echo comes back at once while the
//! link is whole; both leave no line. Everything else that the dispatcher wants is a line of
//! [`Bench::lines`].

mod workers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard_coordinator_core::{
    Config, Counters, Dispatcher, Effect, Input, Limits, NewCall, Posting, TurnOptions,
};
use callboard_proto::{CoordinatorId, Failure, GrantId, Outcome, ToolName, ToolUseId};
use uuid::Uuid;

use self::workers::Fake;
use crate::words;

pub(crate) struct Bench {
    pub(crate) core: Dispatcher,
    base: Instant,
    /// Milliseconds since the beginning.
    pub(crate) now: u64,
    pub(crate) workers: BTreeMap<String, Fake>,
    /// Whether the own echo comes back (P14).
    pub(crate) echoes: bool,
    seen: Vec<String>,
    /// Every effect so far.
    pub(crate) effects: Vec<Effect>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test needs some instant to begin with"
)]
fn base() -> Instant {
    Instant::now()
}

pub(crate) fn config() -> Config {
    Config {
        coordinator: CoordinatorId::new(Uuid::from_u128(1)),
        seed: [7; 32],
        events: false,
        limits: Limits::default(),
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn limited(change: impl FnOnce(&mut Limits)) -> Self {
        let mut config = config();
        change(&mut config.limits);
        Self::with(config)
    }

    pub(crate) fn with(config: Config) -> Self {
        let base = base();
        let mut bench = Self {
            core: Dispatcher::new(config, base),
            base,
            now: 0,
            workers: BTreeMap::new(),
            echoes: true,
            seen: Vec::new(),
            effects: Vec::new(),
        };
        bench.wait(0);
        bench
    }

    pub(crate) fn instant(&self, ms: u64) -> Instant {
        self.base + Duration::from_millis(ms)
    }

    pub(crate) fn counters(&self) -> &Counters {
        self.core.counters()
    }

    pub(crate) fn give(&mut self, input: Input) {
        self.core.handle_input(input, self.instant(self.now));
    }

    // Time.

    /// Lets time pass: beats come and timers fire at their own moments.
    pub(crate) fn wait(&mut self, ms: u64) {
        let until = self.now + ms;
        loop {
            self.poll();
            let due = self.core.poll_timeout().unwrap();
            let timer = due.saturating_duration_since(self.base);
            let timer = u64::try_from(timer.as_nanos().div_ceil(1_000_000)).unwrap();
            let beat = self.now.saturating_sub(500) / 1000 * 1000 + 500;
            let beat = if beat > self.now { beat } else { beat + 1000 };
            let next = timer.max(self.now).min(beat);
            if next > until {
                self.now = until;
                return;
            }
            self.now = next;
            if next == beat {
                let living = self.workers.iter().filter(|(_, fake)| fake.beats);
                let living: Vec<String> = living.map(|(name, _)| name.clone()).collect();
                for name in &living {
                    self.beat(name);
                }
            }
            if timer <= next {
                self.core.handle_timeout(self.instant(next));
            }
        }
    }

    fn poll(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match &effect {
                Effect::Echo { seq } => {
                    if self.echoes {
                        self.give(Input::Echo { seq: *seq });
                    }
                }
                Effect::Call { .. }
                | Effect::Grant { .. }
                | Effect::Cancel { .. }
                | Effect::Status { .. }
                | Effect::Describe { .. }
                | Effect::Report(_)
                | Effect::Event(_) => self.seen.push(words::line(&effect)),
            }
            self.effects.push(effect);
        }
    }

    /// What the dispatcher wanted since this was asked last.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.poll();
        std::mem::take(&mut self.seen)
    }

    /// The number of the latest echo.
    pub(crate) fn latest_echo(&self) -> u64 {
        let found = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Echo { seq } => Some(*seq),
            Effect::Call { .. }
            | Effect::Grant { .. }
            | Effect::Cancel { .. }
            | Effect::Status { .. }
            | Effect::Describe { .. }
            | Effect::Report(_)
            | Effect::Event(_) => None,
        });
        found.expect("an echo is sent at the beginning")
    }

    /// The ids of all grants, in the order in which they left.
    pub(crate) fn granted(&self) -> Vec<GrantId> {
        let grants = self.effects.iter().filter_map(|effect| match effect {
            Effect::Grant { items, .. } => Some(items.iter().map(|item| item.grant)),
            Effect::Call { .. }
            | Effect::Echo { .. }
            | Effect::Cancel { .. }
            | Effect::Status { .. }
            | Effect::Describe { .. }
            | Effect::Report(_)
            | Effect::Event(_) => None,
        });
        grants.flatten().collect()
    }

    /// What the last report's first failure says.
    pub(crate) fn failure_text(&self) -> String {
        let said = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Report(report) => report.calls.iter().find_map(|call| match &call.outcome {
                Outcome::Failed(failure) => Some(failure.message.clone()),
                Outcome::Completed(_) => None,
            }),
            Effect::Call { .. }
            | Effect::Grant { .. }
            | Effect::Echo { .. }
            | Effect::Cancel { .. }
            | Effect::Status { .. }
            | Effect::Describe { .. }
            | Effect::Event(_) => None,
        });
        said.expect("a failure was reported")
    }

    /// The demand that the latest call message told its worker.
    pub(crate) fn waiting_said(&self) -> u32 {
        let said = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Call { head, .. } => Some(head.waiting),
            Effect::Grant { .. }
            | Effect::Echo { .. }
            | Effect::Cancel { .. }
            | Effect::Status { .. }
            | Effect::Describe { .. }
            | Effect::Report(_)
            | Effect::Event(_) => None,
        });
        said.expect("calls were posted")
    }

    // Turns.

    pub(crate) fn options(&self, deadline_in: u64) -> TurnOptions {
        TurnOptions::until(self.instant(self.now + deadline_in))
    }

    pub(crate) fn open(&mut self, turn: u32, deadline_in: u64) {
        let options = self.options(deadline_in);
        self.open_with(turn, options);
    }

    pub(crate) fn open_with(&mut self, turn: u32, options: TurnOptions) {
        let turn = words::turn_key(turn);
        self.give(Input::Open { turn, options });
    }

    pub(crate) fn posting(tool: &str, arguments: &str) -> Posting {
        Posting {
            tool: ToolName::new(tool).unwrap(),
            digest: words::digest(tool),
            manifest: Arc::new(words::manifest(tool)),
            arguments: Bytes::copy_from_slice(arguments.as_bytes()),
            key: None,
        }
    }

    pub(crate) fn call(&mut self, turn: u32, id: &str, tool: &str) {
        self.call_body(turn, id, Ok(Self::posting(tool, "{}")));
    }

    pub(crate) fn call_body(&mut self, turn: u32, id: &str, body: Result<Posting, Failure>) {
        self.give(Input::Call {
            turn: words::turn_key(turn),
            call: NewCall {
                id: ToolUseId::new(id).unwrap(),
                body,
            },
        });
    }

    pub(crate) fn seal(&mut self, turn: u32) {
        let turn = words::turn_key(turn);
        self.give(Input::Seal { turn });
    }

    /// Opens turn 11 with a deadline in 10 s, its calls `c1`, `c2`, … of these tools, and seals it.
    pub(crate) fn turn(&mut self, tools: &[&str]) {
        self.turn_within(11, 10_000, tools);
    }

    pub(crate) fn turn_within(&mut self, turn: u32, deadline_in: u64, tools: &[&str]) {
        self.open(turn, deadline_in);
        for (index, tool) in tools.iter().enumerate() {
            self.call(turn, &format!("c{}", index + 1), tool);
        }
        self.seal(turn);
    }
}
