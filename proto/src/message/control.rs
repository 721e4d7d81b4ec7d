//! `grant`, `cancel`, `status`, `drain`: what the coordinator says about calls that it posted.

use serde::{Deserialize, Serialize};

use crate::codec::{Canonical, Reader, Writer};
use crate::{AttemptKey, Budget, CoordinatorId, GrantId, InstanceId};

/// Most bytes of a grant beyond the call's id (counted: 115, with the largest numbers).
const GRANT_BYTES: usize = 128;

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

impl Canonical for GrantItem {
    fn read_canonical(from: &mut Reader<'_>, _before: Option<&Self>) -> Option<Self> {
        from.expect(b"\x83\xa2of")?;
        let of = AttemptKey::read_canonical(from)?;
        from.expect(b"\xa5grant")?;
        let grant = GrantId::new(from.uuid()?);
        from.expect(b"\xa9budget_ms")?;
        let budget_ms = Budget::from_wire(from.uint()?);
        Some(Self {
            of,
            grant,
            budget_ms,
        })
    }

    fn room(&self) -> usize {
        GRANT_BYTES + self.of.id.as_str().len()
    }

    fn write_canonical(&self, to: &mut Writer<'_>) -> bool {
        to.raw(b"\x83\xa2of");
        self.of.write_canonical(to);
        to.raw(b"\xa5grant");
        to.uuid(self.grant.uuid());
        to.raw(b"\xa9budget_ms");
        to.uint(self.budget_ms.wire());
        true
    }
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
