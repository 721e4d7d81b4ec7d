//! Ids of runs: each names the replica that holds the run, and ids sort by when their runs began.

use std::fmt;
use std::str::FromStr;

use callboard_proto::RunId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One life of a service process among its replicas: 32 bits, drawn when it starts. Two of ten
/// replicas draw the same once in a hundred million starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Replica(u32);

impl Replica {
    /// Takes 32 bits that the caller drew.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The id of a run that begins at this replica, as a UUID of version 8: milliseconds since 1970
    /// (48 bits), the replica (12 and 20 bits), and 42 bits of `random`.
    #[must_use]
    pub fn run_at(self, unix_ms: u64, random: u64) -> RunId {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&unix_ms.to_be_bytes()[2..]);
        let high = self.0 >> 20;
        let low = u64::from(self.0 & 0xF_FFFF);
        let [.., b6, b7] = high.to_be_bytes();
        (bytes[6], bytes[7]) = (b6, b7);
        let rest = (low << 42) | (random & ((1 << 42) - 1));
        bytes[8..].copy_from_slice(&rest.to_be_bytes());
        RunId::new(Uuid::new_v8(bytes))
    }

    /// The replica that a run's id names; `None` for an id that no replica made.
    #[must_use]
    pub fn of(run: RunId) -> Option<Self> {
        let id = run.uuid();
        if id.get_version_num() != 8 {
            return None;
        }
        let bytes = id.as_bytes();
        let high = u32::from(bytes[6] & 0x0F) << 8 | u32::from(bytes[7]);
        let mut rest = [0; 8];
        rest.copy_from_slice(&bytes[8..]);
        let low = (u64::from_be_bytes(rest) & ((1 << 62) - 1)) >> 42;
        Some(Self(high << 20 | u32::try_from(low).ok()?))
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl From<Replica> for String {
    fn from(replica: Replica) -> Self {
        replica.to_string()
    }
}

/// A text names no replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a replica is 8 hexadecimal digits")]
pub struct ReplicaError;

impl FromStr for Replica {
    type Err = ReplicaError;

    fn from_str(text: &str) -> Result<Self, ReplicaError> {
        let bits = u32::from_str_radix(text, 16).map_err(|_| ReplicaError)?;
        let replica = Self(bits);
        // One spelling each: it stands in a subject.
        (replica.to_string() == text)
            .then_some(replica)
            .ok_or(ReplicaError)
    }
}

impl TryFrom<String> for Replica {
    type Error = ReplicaError;

    fn try_from(text: String) -> Result<Self, ReplicaError> {
        text.parse()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_replica_and_sorts_by_time() {
        for bits in [0, 1, 0xF_FFFF, 0x10_0000, 0xDEAD_BEEF, u32::MAX] {
            let replica = Replica::new(bits);
            let early = replica.run_at(1_700_000_000_000, u64::MAX);
            let late = replica.run_at(1_700_000_000_001, 0);
            assert_eq!(Replica::of(early), Some(replica));
            assert_eq!(Replica::of(late), Some(replica));
            assert!(early < late);
            assert_eq!(early.uuid().get_version_num(), 8);
            assert_eq!(replica.to_string().parse::<Replica>().unwrap(), replica);
        }
    }

    #[test]
    fn other_ids_and_texts_name_none() {
        assert_eq!(Replica::of(RunId::new(Uuid::new_v4())), None);
        assert_eq!(Replica::of(RunId::new(Uuid::nil())), None);
        for text in ["", "1", "+0000001", "DEADBEEF", "deadbeef0", "."] {
            assert!(text.parse::<Replica>().is_err(), "{text}");
        }
    }
}
