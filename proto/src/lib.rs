//! What crosses the wire between Callboard coordinators and workers.
//!
//! The contract for other languages is `docs/wire.md`; the rules behind it are cited as P1 to P25.
//! Nothing here is async and nothing reads a clock: [`message`] holds one struct per [`Kind`],
//! [`codec`] turns them into bytes and back, [`subject`] is the only place that builds or parses a
//! NATS subject.

pub mod codec;
mod content;
mod digest;
mod effect;
mod id;
mod kind;
pub mod limit;
pub mod message;
mod name;
mod outcome;
mod permission;
pub mod server;
pub mod signature;
pub mod subject;
mod tool;
mod trace;

pub use content::Part;
pub use digest::digest;
pub use effect::{Effect, Executed};
pub use id::{
    Attempt, AttemptKey, CallKey, CoordinatorId, Digest, Epoch, GrantId, IdError, InstanceId,
    RunId, Token, ToolUseId, Turn, TurnKey,
};
pub use kind::{HEADER_KIND, HEADER_VERSION, Kind, UnknownKind, VERSION, version_is_supported};
pub use name::{Label, NameError, Pool, Tenant, ToolName, WorkerName};
pub use outcome::{Completed, Failure, FailureKind, Outcome};
pub use permission::{Permissions, Role};
pub use tool::{Affinity, Manifest, Retry, ToolSpec};
pub use trace::{TraceContext, TraceContextError};

/// Time left for a piece of work, in whole milliseconds; never a wall-clock time (P12).
///
/// It is what is left when the message is handed to the link, less the sender's reply margin.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Budget(u64);

impl Budget {
    /// Takes `left`, rounded down to a millisecond and capped at [`limit::BUDGET_MAX`].
    #[must_use]
    pub fn new(left: std::time::Duration) -> Self {
        let capped = left.min(limit::BUDGET_MAX);
        Self(u64::try_from(capped.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) const fn from_wire(ms: u64) -> Self {
        Self(ms)
    }

    pub(crate) const fn wire(self) -> u64 {
        self.0
    }

    /// The budget as a duration, at most [`limit::BUDGET_MAX`] whatever the wire said.
    #[must_use]
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0).min(limit::BUDGET_MAX)
    }
}
