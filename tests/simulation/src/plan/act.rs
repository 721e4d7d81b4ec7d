//! What a tool does when it is entered: a function of the schedule, the call and how often the call
//! was entered before, so that the world and the reference model agree without talking.

use callboard_proto::Effect;

use crate::clock::{MS, Nanos, S, US};
use crate::ident::CallRef;
use crate::plan::FaultClass;
use crate::rng::{Rng, mix};

/// How one execution of a tool ends, if it is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With an answer.
    Completes,
    /// With an answer that the tool calls an error.
    IsError,
    /// Without an answer.
    Crashes,
    /// Before it began: the executor can't start it.
    CannotStart,
    /// Never.
    Hangs,
    /// With the end of its worker.
    KillsWorker,
}

/// One execution of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// Time from entry to its own end.
    pub lasts: Nanos,
    /// How it ends.
    pub end: End,
    /// Time from entry to its effect on the world, at most `lasts`.
    pub effect_after: Nanos,
    /// Time from a stop to its end.
    pub stops_within: Nanos,
    /// Whether it says how far it is.
    pub progress: bool,
}

/// What the tool does on the `entry`-th entry of a call, from 0.
#[must_use]
pub fn act(seed: u64, class: FaultClass, effect: Effect, call: CallRef, entry: u32) -> Act {
    let mut rng = Rng::new(mix(
        seed ^ mix(call.number() << 4 | u64::from(entry.min(15)))
    ));
    let lasts = match rng.range(0..100) {
        0..35 => 0,
        35..75 => rng.range(100 * US..40 * MS),
        75..96 => rng.range(40 * MS..600 * MS),
        _ => rng.range(600 * MS..5 * S),
    };
    let mut of_call = Rng::new(mix(seed ^ mix(call.number() ^ 0x6b69_6c6c)));
    let kills = class == FaultClass::Killer && of_call.chance(60);
    let end = match rng.range(0..1000) {
        // A poisonous call stays poisonous, mostly.
        roll if kills && roll < 900 => End::KillsWorker,
        0..850 => End::Completes,
        850..910 => End::IsError,
        910..950 => End::Crashes,
        950..965 => End::CannotStart,
        965..985 => End::Hangs,
        _ => End::Completes,
    };
    let lasts = match end {
        End::KillsWorker => lasts.clamp(MS, 200 * MS),
        End::CannotStart => 0,
        End::Completes | End::IsError | End::Crashes | End::Hangs => lasts,
    };
    // A tool that only reads leaves its effect too: the referee wants to know that it ran.
    let effect_after = match effect {
        Effect::Read | Effect::Idempotent => 0,
        Effect::Write => rng.range(0..lasts + 1),
    };
    Act {
        lasts,
        end,
        effect_after,
        stops_within: rng.pick(&[0, MS, 5 * MS, 5 * MS, 400 * MS]),
        progress: rng.chance(50),
    }
}
