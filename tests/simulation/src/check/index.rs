//! A history by call and by turn.

use rustc_hash::FxHashMap;

use callboard_proto::Effect;

use crate::check::{Invariant, Violation};
use crate::clock::Nanos;
use crate::history::{Ending, Fact, History};
use crate::ident::{CallRef, TurnRef};

/// What a history says of one call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) call: CallRef,
    /// What its tool does; `None` where it couldn't be posted.
    pub(super) effect: Option<Effect>,
    /// Time from its opening to its deadline.
    pub(super) given: Nanos,
    /// Its outcome in the report.
    pub(super) reported: Option<Ending>,
    /// Position in the history of the moment at which its outcome was decided.
    pub(super) settled_at: Option<usize>,
}

/// What a history says of one turn.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) turn: TurnRef,
    pub(super) due: u64,
    pub(super) sealed: Option<u64>,
    pub(super) reported: Option<u64>,
    /// Its calls, as they were opened.
    pub(super) calls: Vec<CallRef>,
}

/// A history by call and by turn.
pub(super) struct Index {
    places: FxHashMap<CallRef, usize>,
    /// In the order of opening.
    pub(super) calls: Vec<Call>,
    /// In the order of opening.
    pub(super) turns: Vec<Turn>,
}

impl Index {
    pub(super) fn place(&self, call: CallRef) -> Option<usize> {
        self.places.get(&call).copied()
    }

    pub(super) fn of(history: &History) -> Result<Self, Violation> {
        let mut index = Self {
            places: FxHashMap::default(),
            calls: Vec::new(),
            turns: Vec::new(),
        };
        for (position, entry) in history.entries.iter().enumerate() {
            match &entry.fact {
                Fact::TurnOpened { turn, due } => index.turns.push(Turn {
                    turn: *turn,
                    due: *due,
                    sealed: None,
                    reported: None,
                    calls: Vec::new(),
                }),
                Fact::CallOpened { call, effect, due } => {
                    index.places.insert(*call, index.calls.len());
                    index.calls.push(Call {
                        call: *call,
                        effect: *effect,
                        given: due.saturating_sub(entry.at),
                        reported: None,
                        settled_at: None,
                    });
                    if let Some(turn) = index.turn(call.turn) {
                        turn.calls.push(*call);
                    }
                }
                Fact::Sealed { turn } => {
                    if let Some(turn) = index.turn(*turn) {
                        turn.sealed = Some(entry.at);
                    }
                }
                Fact::Settled { call, .. } => {
                    let place = index.place(*call).ok_or_else(|| {
                        Violation::new(
                            Invariant::OneOutcome,
                            format!("{call:?} was settled and never opened"),
                        )
                    })?;
                    let settled = &mut index.calls[place].settled_at;
                    if settled.is_some() {
                        return Err(Violation::new(
                            Invariant::SettledOnce,
                            format!("{call:?} was settled twice"),
                        ));
                    }
                    *settled = Some(position);
                }
                Fact::Reported { turn, calls } => {
                    index.report(position, entry.at, *turn, calls)?;
                }
                Fact::CancelAsked { .. }
                | Fact::Posted { .. }
                | Fact::Refused { .. }
                | Fact::Answered { .. }
                | Fact::Entered { .. }
                | Fact::Effected { .. }
                | Fact::Left { .. }
                | Fact::Started { .. }
                | Fact::InstanceEnded { .. }
                | Fact::Stalled { .. }
                | Fact::Woke { .. }
                | Fact::Died { .. }
                | Fact::Spun { .. }
                | Fact::Endless
                | Fact::Remains { .. } => {}
            }
        }
        Ok(index)
    }

    fn turn(&mut self, turn: TurnRef) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|known| known.turn == turn)
    }

    fn report(
        &mut self,
        position: usize,
        at: u64,
        turn: TurnRef,
        calls: &[(CallRef, Ending)],
    ) -> Result<(), Violation> {
        let Some(known) = self.turn(turn) else {
            return Err(Violation::new(
                Invariant::OneReport,
                format!("{turn:?} was reported and never opened"),
            ));
        };
        if known.reported.is_some() {
            return Err(Violation::new(
                Invariant::OneReport,
                format!("{turn:?} was reported twice"),
            ));
        }
        known.reported = Some(at);
        for (call, ending) in calls {
            let place = self.place(*call).ok_or_else(|| {
                Violation::new(
                    Invariant::OneOutcome,
                    format!("{call:?} was reported and never opened"),
                )
            })?;
            let known = &mut self.calls[place];
            if known.reported.replace(*ending).is_some() {
                return Err(Violation::new(
                    Invariant::OneOutcome,
                    format!("{call:?} has two outcomes"),
                ));
            }
            known.settled_at.get_or_insert(position);
        }
        Ok(())
    }
}
