//! What workers must keep: their slots, and their word that a call is poison; and that everything
//! ends.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each check reads the few facts that it is about"
)]

use callboard_proto::FailureKind;
use rustc_hash::FxHashSet;

use crate::check::index::Index;
use crate::check::{Invariant, Violation};
use crate::history::{AttemptRef, Ending, Fact, History};
use crate::ident::InstanceRef;

pub(super) fn check(history: &History, index: &Index) -> Result<(), Violation> {
    let mut inside: FxHashSet<(InstanceRef, AttemptRef)> = FxHashSet::default();
    let mut killed = vec![0u32; index.calls.len()];
    for (position, entry) in history.entries.iter().enumerate() {
        match &entry.fact {
            Fact::Started {
                of,
                at,
                running,
                slots,
            } if running > slots => {
                return Err(Violation::new(
                    Invariant::SlotsKept,
                    format!("{at:?} started {of:?} as number {running} of {slots}"),
                ));
            }
            Fact::Entered { of, at } => {
                inside.insert((*at, *of));
            }
            Fact::Left { of, at, .. } => {
                inside.remove(&(*at, *of));
            }
            Fact::InstanceEnded { instance } => {
                let mut ended: Vec<AttemptRef> = Vec::new();
                inside.retain(|(at, of)| {
                    let here = at == instance;
                    if here {
                        ended.push(*of);
                    }
                    !here
                });
                for of in ended {
                    if let Some(place) = index.place(of.call)
                        && index.calls[place]
                            .settled_at
                            .is_none_or(|settled| position < settled)
                    {
                        killed[place] += 1;
                    }
                }
            }
            Fact::Spun { node } => {
                return Err(Violation::new(
                    Invariant::Settles,
                    format!("{node} asked for a timer that is already over"),
                ));
            }
            Fact::Endless => {
                return Err(Violation::new(
                    Invariant::Settles,
                    "the schedule's events never ended",
                ));
            }
            Fact::Remains {
                node,
                what,
                count,
                allowed,
            } if count > allowed => {
                return Err(Violation::new(
                    Invariant::NothingRemains,
                    format!("{node} still holds {count} {what}, {allowed} are allowed"),
                ));
            }
            _ => {}
        }
    }
    for (call, killed) in index.calls.iter().zip(killed) {
        let is_poison = matches!(
            call.reported,
            Some(Ending::Failed {
                kind: FailureKind::Poison,
                ..
            })
        );
        if is_poison && killed < 2 {
            return Err(Violation::new(
                Invariant::PoisonKilledTwo,
                format!(
                    "{:?} was called poison; {killed} instances ended while they ran it",
                    call.call
                ),
            ));
        }
    }
    Ok(())
}
