//! The checker: a pure function from a history to the first promise that it breaks.

mod effects;
mod gathering;
mod index;
mod time;
mod unknown;
mod workers;

use std::fmt;

use crate::history::History;

macro_rules! invariants {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A promise that every history must keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant { $($(#[$doc])* $variant,)* }

        impl Invariant {
            /// Every invariant.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

invariants! {
    /// Every call of a reported turn has exactly one outcome, and no other call has one (G1).
    OneOutcome = "one outcome per call",
    /// The outcomes are in call order (G1).
    CallOrder = "outcomes in call order",
    /// A sealed turn is reported exactly once, unless its coordinator died (G1).
    OneReport = "one report per turn",
    /// A report comes within its turn's deadline (G3).
    InTime = "report within the deadline",
    /// What the coordinator said of a call when it settled is what it reported.
    SettledOnce = "a settled call stays settled",
    /// A `write` has its effect at most once (G4).
    WriteOnce = "a write is executed at most once",
    /// A call that was reported as not executed never was and never is (G4).
    NoIsTrue = "executed: no is true",
    /// A call that was reported as executed was entered (G4).
    YesIsTrue = "executed: yes is true",
    /// A completed call carries what an execution of it answered.
    ResultIsReal = "a result is one that a tool gave",
    /// A tool is entered only for an attempt that was posted to that instance.
    EnteredWasPosted = "only posted attempts are executed",
    /// A tool isn't entered for a message that is older than its budget and two beats (P13).
    NoGhosts = "old messages are not acted on",
    /// A worker isn't called lost because its coordinator was away (P14).
    LostIsLost = "only silent workers are lost",
    /// `executed: unknown` only where something left and nothing certain came back.
    UnknownIsJustified = "executed: unknown is justified",
    /// Without loss or crash there is no `executed: unknown`.
    CalmIsCertain = "no unknown without loss or crash",
    /// Poison needs two instances that ended while they ran the call (P8).
    PoisonKilledTwo = "poison ended two instances",
    /// An instance never runs more than its slots.
    SlotsKept = "slots are never exceeded",
    /// Nothing is held when everything is over (G7).
    NothingRemains = "memory is bounded",
    /// No core asks for a timer that is already over, and events end.
    Settles = "everything settles",
    /// A fault-free call ends as the reference model says.
    AsModelled = "the reference model agrees",
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A promise that a history breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub invariant: Invariant,
    /// What broke it.
    pub detail: String,
}

impl Violation {
    pub(crate) fn new(invariant: Invariant, detail: impl Into<String>) -> Self {
        Self {
            invariant,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}

/// Checks every promise that needs no reference model.
///
/// # Errors
/// The first promise that the history breaks.
pub fn check(history: &History) -> Result<(), Violation> {
    let index = index::Index::of(history)?;
    gathering::check(history, &index)?;
    effects::check(history, &index)?;
    unknown::check(history, &index)?;
    workers::check(history, &index)?;
    time::check(history, &index)
}
