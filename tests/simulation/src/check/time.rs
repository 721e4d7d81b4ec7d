//! What the passing of time may do: age messages (P13), and end leases (P14).

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each check reads the few facts that it is about"
)]

use callboard_proto::{Effect, FailureKind};
use rustc_hash::FxHashMap;

use crate::check::index::Index;
use crate::check::{Invariant, Violation};
use crate::clock::{MS, Nanos};
use crate::history::{Asked, AttemptRef, Ending, Fact, History};
use crate::ident::InstanceRef;
use crate::plan::FaultClass;

/// Classes in which only coordinators are away: all workers live and run on.
const WORKERS_ARE_WELL: &[FaultClass] = &[
    FaultClass::Calm,
    FaultClass::Duplicate,
    FaultClass::Hostile,
    FaultClass::TooLarge,
    FaultClass::LinkDown,
    FaultClass::OwnCut,
    FaultClass::Pause,
];

pub(super) fn check(history: &History, index: &Index) -> Result<(), Violation> {
    ghosts(history, index)?;
    lost(history, index)
}

/// Entering follows the message that allowed it soon enough: the call, or for a `write` the grant.
fn ghosts(history: &History, index: &Index) -> Result<(), Violation> {
    let mut until: FxHashMap<(AttemptRef, InstanceRef, Asked), Nanos> = FxHashMap::default();
    for entry in &history.entries {
        match &entry.fact {
            Fact::Posted {
                asked,
                of,
                to,
                valid_for,
                ..
            } => {
                // A worker's clock may run slow, by five percent; one message more is on its way.
                let ends = valid_for.map_or(Nanos::MAX, |valid_for| {
                    entry.at + valid_for / 100 * 106 + 100 * MS
                });
                let known = until.entry((*of, *to, *asked)).or_insert(ends);
                *known = ends.max(*known);
            }
            Fact::Entered { of, at } => {
                let asked = match index
                    .place(of.call)
                    .and_then(|place| index.calls[place].effect)
                {
                    Some(Effect::Write) => Asked::Grant,
                    Some(Effect::Read | Effect::Idempotent) | None => Asked::Call,
                };
                let ends = until.get(&(*of, *at, asked)).copied().unwrap_or(0);
                if entry.at > ends {
                    return Err(Violation::new(
                        Invariant::NoGhosts,
                        format!(
                            "{at:?} entered {of:?} at {} ns; its {asked:?} was good until {ends} ns",
                            entry.at
                        ),
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where every worker is well, none is lost.
fn lost(history: &History, index: &Index) -> Result<(), Violation> {
    if !WORKERS_ARE_WELL.contains(&history.class) {
        return Ok(());
    }
    for call in &index.calls {
        if let Some(Ending::Failed {
            kind: FailureKind::WorkerLost,
            ..
        }) = call.reported
        {
            return Err(Violation::new(
                Invariant::LostIsLost,
                format!(
                    "{:?} ended as worker_lost, and all workers are well",
                    call.call
                ),
            ));
        }
    }
    Ok(())
}
