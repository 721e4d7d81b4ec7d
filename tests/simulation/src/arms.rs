//! Counters of what must have happened somewhere in a suite, so that a quiet change of the plans
//! can't leave a rule untried.

macro_rules! arms {
    ($($(#[$doc:meta])* $variant:ident,)*) => {
        /// Something rare that schedules do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Arm { $($(#[$doc])* $variant,)* }

        impl Arm {
            /// Every arm.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

arms! {
    /// A message was lost.
    Dropped,
    /// A message came twice.
    Duplicated,
    /// A message came late, and all behind it.
    Delayed,
    /// A message was overtaken.
    Reordered,
    /// A message was lost in a cut.
    CutOff,
    /// A message waited for the end of a cut.
    HeldThroughCut,
    /// A message was answered by a 503 though its instance lives.
    NoResponders,
    /// A message was answered by a 503 because its instance is gone.
    NobodyThere,
    /// A message to a crashed instance vanished.
    Swallowed,
    /// A message was too large.
    TooLarge,
    /// A message was refused because the link was down.
    RefusedByLink,
    /// An item was made unreadable.
    Corrupted,
    /// A message reached the successor of its instance.
    Misrouted,
    /// A worker crashed.
    Crashed,
    /// A worker crashed while a tool ran there.
    CrashedRunning,
    /// A tool had its effect after its worker had crashed.
    EffectAfterCrash,
    /// A tool died with its worker before its effect.
    EffectLostInCrash,
    /// A worker came back under its name.
    Restarted,
    /// A tool killed its worker.
    Killed,
    /// A node stopped and went on.
    Stalled,
    /// A stalled coordinator woke with inputs waiting.
    WokeWithInputs,
    /// A coordinator died.
    CoordinatorDied,
    /// A coordinator's link went down.
    LinkDown,
    /// A worker was told to drain.
    Drained,
    /// A worker said that its drain is complete.
    DrainCompleted,
    /// A reply was forged for a sibling of a known call.
    ForgedSibling,
    /// A reply was forged under a made-up token.
    ForgedToken,
    /// A reply was forged in the name of another instance.
    ForgedInstance,
    /// A reply was forged for another attempt or epoch.
    ForgedAttempt,
    /// A grant was forged.
    ForgedGrant,
    /// A tool was stopped because its time was over.
    StoppedTimedOut,
    /// A tool was stopped because somebody cancelled.
    StoppedCancelled,
    /// A tool was stopped because its coordinator was silent.
    StoppedOrphaned,
    /// A tool was stopped by a drain.
    StoppedDrained,
    /// A worker said `busy`.
    AckBusy,
    /// A worker said that a tool has no slot left.
    AckToolFull,
    /// A worker said `stale`.
    AckStale,
    /// A worker said `wrong_digest`.
    AckWrongDigest,
    /// A worker said `draining`.
    AckDraining,
    /// A worker said `not_held`.
    AckNotHeld,
    /// A worker said `forgotten`.
    AckForgotten,
    /// A worker said `waiting`.
    AckWaiting,
    /// A worker said `running`.
    AckRunning,
    /// A worker sent a `free`.
    Freed,
    /// A worker named an item that it couldn't read.
    BadItem,
    /// A worker refused a whole message.
    Refused,
    /// A call was retried.
    Retried,
    /// A result came after its report.
    LateResult,
    /// Progress was heard.
    Progressed,
    /// A turn was reported at its deadline.
    ReportedAtDeadline,
    /// A turn was reported because it was cancelled.
    ReportedCancelled,
    /// A call ended as `no_worker`.
    EndedNoWorker,
    /// A call ended as `overloaded`.
    EndedOverloaded,
    /// A call ended as `worker_lost`.
    EndedWorkerLost,
    /// A call ended as `poison`.
    EndedPoison,
    /// A call ended as `timed_out`.
    EndedTimedOut,
    /// A call ended as `cancelled`.
    EndedCancelled,
    /// A call ended as `interrupted`.
    EndedInterrupted,
    /// A call ended as `protocol_error`.
    EndedProtocolError,
    /// A call ended as `crashed`.
    EndedCrashed,
    /// A call ended with `executed: unknown`.
    EndedUnknown,
}

/// How often each arm was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arms([u64; Arm::ALL.len()]);

impl Default for Arms {
    fn default() -> Self {
        Self([0; Arm::ALL.len()])
    }
}

impl Arms {
    /// Counts one.
    pub fn hit(&mut self, arm: Arm) {
        self.0[arm as usize] += 1;
    }

    /// How often an arm was hit.
    #[must_use]
    pub fn count(&self, arm: Arm) -> u64 {
        self.0[arm as usize]
    }

    /// Adds another schedule's counts.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
