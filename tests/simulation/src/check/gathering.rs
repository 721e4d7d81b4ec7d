//! G1 and G3: one outcome per call, in order, in one report, in time.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each check reads the few facts that it is about"
)]

use callboard_proto::Executed;

use crate::check::index::Index;
use crate::check::{Invariant, Violation};
use crate::clock::{MS, Nanos};
use crate::history::{Ending, Fact, History};

/// How late a report may be: a core that is served at its timer reports at once, and only the
/// rounding of clocks lies between.
const LATE_MAX: Nanos = 2 * MS;

pub(super) fn check(history: &History, index: &Index) -> Result<(), Violation> {
    order(history, index)?;
    settled(history, index)?;
    reports(history, index)
}

/// The report names exactly the calls that were opened, in their order.
fn order(history: &History, index: &Index) -> Result<(), Violation> {
    for entry in &history.entries {
        let Fact::Reported { turn, calls } = &entry.fact else {
            continue;
        };
        let Some(known) = index.turns.iter().find(|known| known.turn == *turn) else {
            continue;
        };
        if calls.len() == known.calls.len() {
            if calls.iter().zip(&known.calls).any(|((a, _), b)| a != b) {
                return Err(Violation::new(
                    Invariant::CallOrder,
                    format!("{turn:?} was reported as {calls:?}"),
                ));
            }
            continue;
        }
        return Err(Violation::new(
            Invariant::OneOutcome,
            format!(
                "{turn:?} opened {} calls and reported {}",
                known.calls.len(),
                calls.len()
            ),
        ));
    }
    Ok(())
}

/// What was said when a call settled is what the report says.
fn settled(history: &History, index: &Index) -> Result<(), Violation> {
    for entry in &history.entries {
        let Fact::Settled {
            call,
            kind,
            executed,
        } = &entry.fact
        else {
            continue;
        };
        let Some(reported) = index
            .place(*call)
            .and_then(|place| index.calls[place].reported)
        else {
            continue;
        };
        let same = match reported {
            Ending::Completed { .. } => kind.is_none() && *executed == Executed::Yes,
            Ending::Failed {
                kind: other,
                executed: truth,
            } => *kind == Some(other) && *executed == truth,
        };
        if !same {
            return Err(Violation::new(
                Invariant::SettledOnce,
                format!("{call:?} settled as {kind:?}, {executed:?} and reported as {reported:?}"),
            ));
        }
    }
    Ok(())
}

fn reports(history: &History, index: &Index) -> Result<(), Violation> {
    for turn in &index.turns {
        let stalls = Stalls::of(history, turn.turn.coordinator);
        let Some(sealed) = turn.sealed else { continue };
        let due = stalls.next_awake(sealed.max(turn.due));
        match turn.reported {
            None if stalls.died.is_some() => {}
            None => {
                return Err(Violation::new(
                    Invariant::OneReport,
                    format!("{:?} was sealed and never reported", turn.turn),
                ));
            }
            Some(reported) if reported > due.saturating_add(LATE_MAX) => {
                return Err(Violation::new(
                    Invariant::InTime,
                    format!(
                        "{:?} was due at {due} ns and reported at {reported} ns",
                        turn.turn
                    ),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// When a coordinator was stopped.
struct Stalls {
    spans: Vec<(Nanos, Nanos)>,
    died: Option<Nanos>,
}

impl Stalls {
    fn of(history: &History, of: u8) -> Self {
        let mut stalls = Self {
            spans: Vec::new(),
            died: None,
        };
        for entry in &history.entries {
            match entry.fact {
                Fact::Stalled { coordinator } if coordinator == of => {
                    stalls.spans.push((entry.at, Nanos::MAX));
                }
                Fact::Woke { coordinator } if coordinator == of => {
                    if let Some(last) = stalls.spans.last_mut() {
                        last.1 = entry.at;
                    }
                }
                Fact::Died { coordinator } if coordinator == of => stalls.died = Some(entry.at),
                _ => {}
            }
        }
        stalls
    }

    /// The first moment from `at` on at which the coordinator isn't stopped.
    fn next_awake(&self, at: Nanos) -> Nanos {
        self.spans
            .iter()
            .find(|(from, until)| (*from..*until).contains(&at))
            .map_or(at, |(_, until)| *until)
    }
}
