//! When `executed: unknown` may be said.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each check reads the few facts that it is about"
)]

use callboard_proto::{Effect, Executed};
use rustc_hash::FxHashSet;

use crate::check::index::Index;
use crate::check::{Invariant, Violation};
use crate::clock::{MS, Nanos};
use crate::history::{Asked, AttemptRef, Ending, Fact, History};
use crate::ident::InstanceRef;
use crate::plan::FaultClass;

/// Classes in which every message arrives, every node lives and nobody is late: nothing can be
/// unknown there.
const CERTAIN: &[FaultClass] = &[
    FaultClass::Calm,
    FaultClass::Duplicate,
    FaultClass::Hostile,
    FaultClass::TooLarge,
];

/// A call that was given less than two reply margins (P12) keeps less than one for the way, and
/// nothing is certain then.
const GIVEN_MIN: Nanos = 45 * MS;

pub(super) fn check(history: &History, index: &Index) -> Result<(), Violation> {
    for (place, call) in index.calls.iter().enumerate() {
        let Some(Ending::Failed {
            executed: Executed::Unknown,
            kind,
        }) = call.reported
        else {
            continue;
        };
        if CERTAIN.contains(&history.class) && call.given >= GIVEN_MIN {
            return Err(Violation::new(
                Invariant::CalmIsCertain,
                format!("{:?} ended as {kind}, executed: unknown", call.call),
            ));
        }
        if !is_justified(history, index, place) {
            return Err(Violation::new(
                Invariant::UnknownIsJustified,
                format!(
                    "{:?} ended as {kind}, executed: unknown, though every message that left was \
                     answered",
                    call.call
                ),
            ));
        }
    }
    Ok(())
}

/// Whether a message that could make the call run left and nothing certain came back before the
/// call settled.
fn is_justified(history: &History, index: &Index, place: usize) -> bool {
    let call = &index.calls[place];
    let until = call.settled_at.unwrap_or(history.entries.len());
    // What came at the very moment at which the call settled may have come just after.
    let moment = history
        .entries
        .get(until)
        .map_or(Nanos::MAX, |entry| entry.at);
    let dangerous = match call.effect {
        Some(Effect::Write) => Asked::Grant,
        Some(Effect::Read | Effect::Idempotent) | None => Asked::Call,
    };
    let mut left: Vec<(u64, AttemptRef, InstanceRef)> = Vec::new();
    let mut refused: FxHashSet<u64> = FxHashSet::default();
    let mut answered: FxHashSet<(AttemptRef, InstanceRef)> = FxHashSet::default();
    for entry in &history.entries[..until] {
        match &entry.fact {
            Fact::Posted {
                message,
                asked,
                of,
                to,
                ..
            } if of.call == call.call && *asked == dangerous => left.push((*message, *of, *to)),
            Fact::Refused { message } if entry.at < moment => {
                refused.insert(*message);
            }
            Fact::Answered { of, from, word } if of.call == call.call && entry.at < moment => {
                let certain = match word {
                    crate::history::Word::Result { certain } => *certain,
                    crate::history::Word::BindingNo => true,
                };
                if certain {
                    answered.insert((*of, *from));
                }
            }
            _ => {}
        }
    }
    left.iter()
        .any(|(message, of, to)| !refused.contains(message) && !answered.contains(&(*of, *to)))
}
