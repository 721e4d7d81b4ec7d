//! What is measured, how often, and what is aimed at.

use std::time::Duration;

use super::protocol::{Load, Tool};

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Interleaved rounds; each gives one pair per contender.
    pub rounds: usize,
    /// Rounds in which the four ways of the baseline are compared.
    pub trials: usize,
    /// Divides the repetitions in a round.
    pub divisor: u32,
    /// Time of one sustained measurement, in milliseconds.
    pub window_millis: u64,
    /// Before each measurement of a fan-out.
    pub settling: Settling,
}

/// What comes before a measurement that is short, so that it doesn't find the machine as another side left
/// it: a scheduler that has just seen busy cores wakes threads elsewhere than one that hasn't.
#[derive(Clone, Copy, Debug)]
pub struct Settling {
    /// First the machine rests.
    pub rest: Duration,
    /// Then the side runs unmeasured, for so long at least.
    pub run_in: Duration,
}

impl Effort {
    /// Enough for a verdict, with `pairs` pairs.
    #[must_use]
    pub const fn full(pairs: usize) -> Self {
        Self {
            rounds: pairs,
            trials: 10,
            divisor: 1,
            window_millis: 500,
            settling: Settling {
                rest: Duration::from_millis(300),
                run_in: Duration::from_millis(100),
            },
        }
    }

    /// Enough to see that everything works.
    #[must_use]
    pub const fn quick() -> Self {
        Self {
            rounds: 5,
            trials: 2,
            divisor: 4,
            window_millis: 200,
            settling: Settling {
                rest: Duration::from_millis(20),
                run_in: Duration::from_millis(10),
            },
        }
    }
}

/// Calls of one fan-out, repetitions in a round, and the ratio of time to raw that is aimed at.
#[derive(Clone, Copy, Debug)]
pub struct FanOut {
    /// Calls at once.
    pub calls: u32,
    /// Fan-outs one after the other, which make one measurement of a pair.
    pub repeats: u32,
    /// Time divided by the baseline's time, at most.
    pub target: f64,
}

/// The fan-outs, with the targets of the issue that built this.
pub const FAN_OUTS: [FanOut; 6] = [
    fan_out(1, 200, 1.25),
    fan_out(3, 200, 1.25),
    fan_out(10, 100, 1.25),
    fan_out(100, 40, 0.8),
    fan_out(1_000, 8, 0.4),
    fan_out(10_000, 2, 0.4),
];

const fn fan_out(calls: u32, repeats: u32, target: f64) -> FanOut {
    FanOut {
        calls,
        repeats,
        target,
    }
}

/// A sustained load.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    /// Calls in flight.
    pub in_flight: u32,
    /// Turns that hold them, on a side with turns.
    pub turns: u32,
    /// Processes that execute.
    pub workers: u32,
    /// Time per call divided by the baseline's, at most.
    pub target: Option<f64>,
}

impl Steady {
    /// The load as it is asked for.
    #[must_use]
    pub const fn load(&self, effort: &Effort, tool: Tool) -> Load {
        Load {
            in_flight: self.in_flight,
            turns: self.turns,
            millis: effort.window_millis,
            tool,
        }
    }
}

/// At least one and a half times the calls per second.
const AT_LEAST_HALF_AS_MANY_AGAIN: f64 = 1.0 / 1.5;

/// The sustained loads: 16 turns of 16 calls, 64 turns of 64 calls.
pub const STEADY: [Steady; 4] = [
    steady(256, 16, 1, None),
    steady(256, 16, 4, None),
    steady(4_096, 64, 1, Some(AT_LEAST_HALF_AS_MANY_AGAIN)),
    steady(4_096, 64, 4, Some(AT_LEAST_HALF_AS_MANY_AGAIN)),
];

const fn steady(in_flight: u32, turns: u32, workers: u32, target: Option<f64>) -> Steady {
    Steady {
        in_flight,
        turns,
        workers,
        target,
    }
}

/// A load that is measured with and without tracing.
#[derive(Clone, Copy, Debug)]
pub struct Traced {
    /// The load.
    pub load: Steady,
    /// What each call executes.
    pub tool: Tool,
    /// Whether the tool's time leaves processor time for exporting.
    pub is_paced: bool,
}

impl Traced {
    /// Time that each call takes in its tool, in milliseconds.
    #[must_use]
    pub const fn busy_ms(&self) -> u32 {
        match self.tool {
            Tool::Sleep5 => 5,
            Tool::Sleep300 => 300,
            Tool::Read | Tool::Write | Tool::Held => 0,
        }
    }
}

/// Tools that take 5 ms, which leave processor time, and tools that take none, which leave nothing.
pub const TRACED: [Traced; 2] = [
    Traced {
        load: steady(32, 8, 1, None),
        tool: Tool::Sleep5,
        is_paced: true,
    },
    Traced {
        load: steady(256, 16, 1, None),
        tool: Tool::Read,
        is_paced: false,
    },
];

/// A load that is measured with and without signatures.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    /// The load.
    pub load: Steady,
    /// What each call executes.
    pub tool: Tool,
}

/// A read costs a signed call and result for each message; a write a signed ack and grant on top.
pub const SIGNED: [Signed; 2] = [
    Signed {
        load: steady(256, 16, 1, None),
        tool: Tool::Read,
    },
    Signed {
        load: steady(256, 16, 1, None),
        tool: Tool::Write,
    },
];

/// Slots of a worker whose slots are not what is measured: more than calls are ever in flight.
pub const SLOTS_PLENTY: u32 = 16_384;
