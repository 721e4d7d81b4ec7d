//! `grant`, `cancel`, `status`, `drain`: what the coordinator says about calls that it posted.

use serde::{Deserialize, Serialize};

use crate::{AttemptKey, Budget, CoordinatorId, GrantId, InstanceId};

/// What all grants of a message share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantHead {
    /// Who grants.
    pub coordinator: CoordinatorId,
    /// The one instance that may act on it (P2).
    pub instance: InstanceId,
    /// The last beat of that instance that the sender saw (P13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// The permission to execute one `write` once (P17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantItem {
    /// The waiting attempt.
    pub of: AttemptKey,
    /// The permission; the same when it is sent again.
    pub grant: GrantId,
    /// Time for the attempt, from arrival of the grant.
    pub budget_ms: Budget,
}

/// What all cancels of a message share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelHead {
    /// Who cancels.
    pub coordinator: CoordinatorId,
    /// The one instance that is meant (P2).
    pub instance: InstanceId,
}

/// The wish to end one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelItem {
    /// The attempt.
    pub of: AttemptKey,
    /// The last beat that the attempt's call named; decides between `not_held` and `forgotten`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// What all questions of a message share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusHead {
    /// Who asks.
    pub coordinator: CoordinatorId,
    /// The one instance that is meant (P2).
    pub instance: InstanceId,
}

/// The question what an instance holds of one attempt (P16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusItem {
    /// The attempt.
    pub of: AttemptKey,
    /// The last beat that the attempt's call named; decides between `not_held` and `forgotten`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// An operator's wish that a worker takes no more calls, finishes what runs, and goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// The one instance that is meant.
    pub instance: InstanceId,
    /// Time until what still runs is cancelled.
    pub grace_ms: Budget,
}
