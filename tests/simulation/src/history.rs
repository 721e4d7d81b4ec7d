//! What the referee wrote down: facts in the order in which they came to be, and nothing that a
//! core said about itself. A checker reads this and nothing else.

use callboard_proto::{Effect, Executed, FailureKind};

use crate::clock::Nanos;
use crate::ident::{CallRef, InstanceRef, TurnRef};
use crate::plan::FaultClass;

/// The name of an attempt: the call, the delivery, and the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptRef {
    /// The call.
    pub call: CallRef,
    /// The delivery within the call, from 1.
    pub attempt: u32,
    /// The epoch of the run's owner.
    pub epoch: u64,
}

/// How a call or an execution ended, without its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an answer; `nonce` is what the world wrote into the content, 0 where nobody did.
    Completed {
        /// What the world wrote into it.
        nonce: u64,
        /// Whether the tool called it an error.
        is_error: bool,
    },
    /// Without an answer.
    Failed {
        /// Why.
        kind: FailureKind,
        /// Whether the tool may have run.
        executed: Executed,
    },
}

/// What an honest answer that reached the coordinator settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The attempt's result; whether it says for certain what was executed.
    Result {
        /// False for a result that itself says `unknown`.
        certain: bool,
    },
    /// A word that binds the worker to executed: no.
    BindingNo,
}

/// What a posted message asks of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asked {
    /// To be taken.
    Call,
    /// To run, a `write`.
    Grant,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A turn was opened.
    TurnOpened {
        /// Which.
        turn: TurnRef,
        /// When it is to be reported at the latest.
        due: Nanos,
    },
    /// A call was opened.
    CallOpened {
        /// Which.
        call: CallRef,
        /// What its tool does to the world; `None` where it can't be posted.
        effect: Option<Effect>,
        /// When it is to be settled at the latest.
        due: Nanos,
    },
    /// A turn was sealed.
    Sealed {
        /// Which.
        turn: TurnRef,
    },
    /// Somebody cancelled a turn, or a call of it.
    CancelAsked {
        /// Which turn.
        turn: TurnRef,
        /// Which call; `None` for all.
        call: Option<CallRef>,
    },
    /// A message left the coordinator.
    Posted {
        /// Number of the message.
        message: u64,
        /// What it asks.
        asked: Asked,
        /// Of which attempt.
        of: AttemptRef,
        /// Which instance.
        to: InstanceRef,
        /// How long it may be acted on (P13); `None` where no beat had been seen yet.
        valid_for: Option<Nanos>,
    },
    /// A message came back undelivered, or was refused as a whole, and its coordinator heard it.
    Refused {
        /// Number of the message.
        message: u64,
    },
    /// An honest answer reached the coordinator.
    Answered {
        /// About which attempt.
        of: AttemptRef,
        /// From whom.
        from: InstanceRef,
        /// What it settles.
        word: Word,
    },
    /// A tool was entered.
    Entered {
        /// For which attempt.
        of: AttemptRef,
        /// Where.
        at: InstanceRef,
    },
    /// A tool had its effect on the world.
    Effected {
        /// For which attempt.
        of: AttemptRef,
        /// Where.
        at: InstanceRef,
    },
    /// An execution ended.
    Left {
        /// For which attempt.
        of: AttemptRef,
        /// Where.
        at: InstanceRef,
        /// How.
        ending: Ending,
    },
    /// An instance was told to enter a tool (which may fail to start).
    Started {
        /// For which attempt.
        of: AttemptRef,
        /// Where.
        at: InstanceRef,
        /// How many it holds now.
        running: u32,
        /// Its slots.
        slots: u32,
    },
    /// An instance ended.
    InstanceEnded {
        /// Which.
        instance: InstanceRef,
    },
    /// The coordinator said that a call has its outcome.
    Settled {
        /// Which.
        call: CallRef,
        /// The kind of failure; `None` where the tool completed.
        kind: Option<FailureKind>,
        /// Whether the tool may have run.
        executed: Executed,
    },
    /// A turn was reported.
    Reported {
        /// Which.
        turn: TurnRef,
        /// Each call with its outcome, in the report's order.
        calls: Vec<(CallRef, Ending)>,
    },
    /// A coordinator stopped.
    Stalled {
        /// Which.
        coordinator: u8,
    },
    /// A stopped coordinator goes on.
    Woke {
        /// Which.
        coordinator: u8,
    },
    /// A coordinator's process ended.
    Died {
        /// Which.
        coordinator: u8,
    },
    /// A core asked for a timer at or before the time at which it was just served.
    Spun {
        /// Which node, in words.
        node: String,
    },
    /// The world gave up: events never ended.
    Endless,
    /// What a core still holds when everything is over.
    Remains {
        /// Which node, in words.
        node: String,
        /// Of what.
        what: &'static str,
        /// How much.
        count: u64,
        /// How much may be there.
        allowed: u64,
    },
}

/// A fact and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Virtual time.
    pub at: Nanos,
    /// The fact.
    pub fact: Fact,
}

/// All facts of one schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// What kind of trouble there was.
    pub class: FaultClass,
    /// The facts, in order.
    pub entries: Vec<Entry>,
}

impl History {
    /// An empty history.
    #[must_use]
    pub fn new(class: FaultClass) -> Self {
        Self {
            class,
            entries: Vec::new(),
        }
    }

    /// Writes a fact down.
    pub fn record(&mut self, at: Nanos, fact: Fact) {
        self.entries.push(Entry { at, fact });
    }
}
