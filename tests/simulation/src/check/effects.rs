//! G4: what the coordinator says of side effects is what the referee saw.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each check reads the few facts that it is about"
)]

use callboard_proto::{Effect, Executed};
use rustc_hash::FxHashSet;

use crate::check::index::Index;
use crate::check::{Invariant, Violation};
use crate::history::{Asked, AttemptRef, Ending, Fact, History};
use crate::ident::InstanceRef;

/// What the referee saw of one call.
#[derive(Clone, Default)]
struct Seen {
    /// Entries into the tool, over the whole history.
    entries: u32,
    /// Entries before the call settled.
    entries_before: u32,
    effects: u32,
    /// Answers that executions gave before the call settled.
    answers: Vec<(u64, bool)>,
}

pub(super) fn check(history: &History, index: &Index) -> Result<(), Violation> {
    let mut seen = vec![Seen::default(); index.calls.len()];
    let mut posted: FxHashSet<(AttemptRef, InstanceRef)> = FxHashSet::default();
    for (position, entry) in history.entries.iter().enumerate() {
        match &entry.fact {
            Fact::Posted {
                asked: Asked::Call,
                of,
                to,
                ..
            } => {
                posted.insert((*of, *to));
            }
            Fact::Entered { of, at } => {
                let place = index.place(of.call);
                if place.is_none() || !posted.contains(&(*of, *at)) {
                    return Err(Violation::new(
                        Invariant::EnteredWasPosted,
                        format!("{at:?} entered {of:?}, which was not posted to it"),
                    ));
                }
                let place = place.expect("it was looked at above");
                let seen = &mut seen[place];
                seen.entries += 1;
                let settled = index.calls[place].settled_at;
                if settled.is_none_or(|settled| position < settled) {
                    seen.entries_before += 1;
                }
            }
            Fact::Effected { of, at } => {
                let Some(place) = index.place(of.call) else {
                    continue;
                };
                seen[place].effects += 1;
                if index.calls[place].effect == Some(Effect::Write) && seen[place].effects > 1 {
                    return Err(Violation::new(
                        Invariant::WriteOnce,
                        format!("{:?} was executed again by {of:?} at {at:?}", of.call),
                    ));
                }
            }
            Fact::Left {
                of,
                ending: Ending::Completed { nonce, is_error },
                ..
            } => {
                let Some(place) = index.place(of.call) else {
                    continue;
                };
                let settled = index.calls[place].settled_at;
                if settled.is_none_or(|settled| position < settled) {
                    seen[place].answers.push((*nonce, *is_error));
                }
            }
            _ => {}
        }
    }
    for (call, seen) in index.calls.iter().zip(&seen) {
        let Some(reported) = call.reported else {
            continue;
        };
        let broken = match reported {
            Ending::Completed { nonce, is_error } => {
                (!seen.answers.contains(&(nonce, is_error))).then_some(Invariant::ResultIsReal)
            }
            Ending::Failed { executed, .. } => match executed {
                Executed::No => {
                    (seen.entries > 0 || seen.effects > 0).then_some(Invariant::NoIsTrue)
                }
                Executed::Yes => (seen.entries_before == 0).then_some(Invariant::YesIsTrue),
                Executed::Unknown => None,
            },
        };
        if let Some(invariant) = broken {
            return Err(Violation::new(
                invariant,
                format!(
                    "{:?} was reported as {reported:?}; it was entered {} times, {} of them before \
                     it settled, and had {} effects",
                    call.call, seen.entries, seen.entries_before, seen.effects
                ),
            ));
        }
    }
    Ok(())
}
