//! What the model asks for: runs, their turns and calls, and when somebody cancels.

use callboard_coordinator_core::CancelReason;

use crate::clock::{MS, Nanos, S};
use crate::plan::FaultClass;
use crate::rng::Rng;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPlan {
    /// Which tool.
    pub tool: usize,
    /// Whether its arguments were refused before it could be posted.
    pub invalid: bool,
    /// Whether its digest is one that nobody serves.
    pub unserved: bool,
    /// Time from the call before it to this one.
    pub after: Nanos,
}

/// What somebody cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelWhat {
    /// The whole turn.
    Turn(CancelReason),
    /// One call.
    Call(usize),
}

/// That somebody cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Time from the turn's opening.
    pub after: Nanos,
    /// What.
    pub what: CancelWhat,
}

/// One turn.
#[derive(Clone, Debug)]
pub struct TurnPlan {
    /// Its calls.
    pub calls: Vec<CallPlan>,
    /// Time from its opening to its deadline, on the coordinator's clock.
    pub deadline: Nanos,
    /// Longest time for a call.
    pub call_deadline: Option<Nanos>,
    /// Calls in flight at once.
    pub parallel_max: Option<u32>,
    /// What somebody cancels.
    pub cancels: Vec<Cancel>,
    /// Time from the report before it to its opening.
    pub after: Nanos,
}

/// One run.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// Its turns.
    pub turns: Vec<TurnPlan>,
}

/// Draws a run.
pub(crate) fn run(class: FaultClass, tools: usize, rng: &mut Rng) -> RunPlan {
    let turns = rng.range(2..5);
    RunPlan {
        turns: (0..turns).map(|_| turn(class, tools, rng)).collect(),
    }
}

fn turn(class: FaultClass, tools: usize, rng: &mut Rng) -> TurnPlan {
    let count = match rng.range(0..100) {
        0..55 => rng.range(1..6),
        55..85 => rng.range(4..16),
        85..97 => rng.range(16..33),
        _ => rng.range(32..65),
    };
    let streamed = rng.chance(300);
    let calls = (0..count)
        .map(|_| CallPlan {
            tool: rng.index(tools),
            invalid: rng.chance(15),
            unserved: rng.chance(8),
            after: if streamed { rng.range(0..8 * MS) } else { 0 },
        })
        .collect();
    // In a calm schedule a deadline leaves time for the way, or the way alone would make unknowns.
    let tight = if class == FaultClass::Calm { 150 } else { 40 };
    let deadline = match rng.range(0..100) {
        0..65 => rng.range(10 * S..40 * S),
        65..88 => rng.range(S..5 * S),
        _ => rng.range(tight * MS..600 * MS),
    };
    let call_deadline = rng.chance(200).then(|| rng.range(tight * MS..4 * S));
    let cancels = if rng.chance(120) {
        (0..rng.range(1..4))
            .map(|_| Cancel {
                after: rng.range(0..400) * MS / rng.pick(&[1, 10, 100]),
                what: match rng.range(0..10) {
                    0..3 => CancelWhat::Turn(CancelReason::Asked),
                    3..4 => CancelWhat::Turn(CancelReason::ShuttingDown),
                    _ => CancelWhat::Call(rng.index(usize::try_from(count).expect("few"))),
                },
            })
            .collect()
    } else {
        Vec::new()
    };
    TurnPlan {
        calls,
        deadline,
        call_deadline,
        parallel_max: rng.chance(150).then(|| rng.pick(&[1u32, 2, 5])),
        cancels,
        after: rng.range(0..30) * MS,
    }
}
