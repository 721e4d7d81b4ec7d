//! Rules that can be taken out of the cores, to see the suite notice.

use callboard_coordinator_core::Dispatcher;
use callboard_worker_core::Worker;

use crate::plan::FaultClass;

/// A rule that is taken out of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// A worker acts on messages that name another instance (P2).
    WorkerInstanceCheck,
    /// A coordinator believes replies of other instances (P2).
    ReplyInstanceCheck,
    /// A coordinator believes replies under any token (P3).
    TokenBinding,
    /// A worker takes attempts of different turns for one (P1).
    TurnIdentity,
    /// A worker acts on old messages (P13).
    AgeCheck,
    /// A coordinator counts lease time while its own link is away (P14).
    LinkEcho,
    /// A worker forgets what it refused (P16).
    Tombstone,
    /// A worker acts on each copy of a grant (P17).
    GrantId,
    /// A coordinator moves a granted write without a binding word (P18).
    BindingWord,
}

impl Mutant {
    /// Every mutant.
    pub const ALL: &'static [Self] = &[
        Self::WorkerInstanceCheck,
        Self::ReplyInstanceCheck,
        Self::TokenBinding,
        Self::TurnIdentity,
        Self::AgeCheck,
        Self::LinkEcho,
        Self::Tombstone,
        Self::GrantId,
        Self::BindingWord,
    ];

    /// The trouble in which the rule's story is likely.
    #[must_use]
    pub const fn story(self) -> FaultClass {
        match self {
            Self::WorkerInstanceCheck => FaultClass::Successor,
            Self::ReplyInstanceCheck | Self::TokenBinding => FaultClass::Hostile,
            Self::TurnIdentity => FaultClass::Calm,
            Self::AgeCheck => FaultClass::HeldCut,
            Self::LinkEcho => FaultClass::OwnCut,
            Self::Tombstone => FaultClass::Reorder,
            Self::GrantId => FaultClass::Grants,
            Self::BindingWord => FaultClass::Cut,
        }
    }

    #[cfg(feature = "mutation")]
    pub(crate) fn break_worker(self, core: &mut Worker) {
        use callboard_worker_core::mutation::Mutation;
        core.set_mutation(match self {
            Self::WorkerInstanceCheck => Mutation::InstanceCheck,
            Self::TurnIdentity => Mutation::TurnIdentity,
            Self::AgeCheck => Mutation::AgeCheck,
            Self::Tombstone => Mutation::Tombstone,
            Self::GrantId => Mutation::GrantId,
            Self::ReplyInstanceCheck | Self::TokenBinding | Self::LinkEcho | Self::BindingWord => {
                return;
            }
        });
    }

    #[cfg(feature = "mutation")]
    pub(crate) fn break_dispatcher(self, core: &mut Dispatcher) {
        use callboard_coordinator_core::mutation::Mutation;
        core.set_mutation(match self {
            Self::ReplyInstanceCheck => Mutation::InstanceCheck,
            Self::TokenBinding => Mutation::TokenBinding,
            Self::LinkEcho => Mutation::LinkEcho,
            Self::BindingWord => Mutation::BindingWord,
            Self::WorkerInstanceCheck
            | Self::TurnIdentity
            | Self::AgeCheck
            | Self::Tombstone
            | Self::GrantId => return,
        });
    }

    /// Without the feature nothing can be broken.
    #[cfg(not(feature = "mutation"))]
    pub(crate) fn break_worker(self, _core: &mut Worker) {}

    /// Without the feature nothing can be broken.
    #[cfg(not(feature = "mutation"))]
    pub(crate) fn break_dispatcher(self, _core: &mut Dispatcher) {}
}
