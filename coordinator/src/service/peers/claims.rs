//! Which run an idempotency key stands for, as far as this replica decides. Pure.
//!
//! Of the replicas that live, the one that ranks highest for a key decides about it (rendezvous
//! hashing): when one comes or goes, only its own keys find another.

use std::collections::{HashMap, VecDeque};

use callboard_proto::RunId;
use sha2::{Digest as _, Sha256};

use super::message::Claim;
use crate::service::runs::{Kind, Replica};

/// Keys that are remembered, at most; beyond it the oldest go. Chosen, not measured: a hundred times
/// the ended runs that a replica keeps.
const CLAIMS_MAX: usize = 100_000;

type Name = (Kind, String, String);

/// The keys that this replica decided about.
#[derive(Debug, Default)]
pub(super) struct Claims {
    by_name: HashMap<Name, (String, RunId)>,
    order: VecDeque<Name>,
}

impl Claims {
    /// What a key stands for.
    pub(super) fn find(&self, claim: &Claim) -> Option<Claim> {
        let (fingerprint, run) = self.by_name.get(&name(claim))?;
        Some(Claim {
            fingerprint: fingerprint.clone(),
            run: *run,
            ..claim.clone()
        })
    }

    /// Lets a key stand for a run.
    pub(super) fn set(&mut self, claim: &Claim) {
        let name = name(claim);
        let value = (claim.fingerprint.clone(), claim.run);
        if self.by_name.insert(name.clone(), value).is_none() {
            self.order.push_back(name);
        }
        if self.order.len() > CLAIMS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_name.remove(&oldest);
        }
    }

    /// Frees a key, if it stands for this run.
    pub(super) fn release(&mut self, claim: &Claim) {
        let name = name(claim);
        if self
            .by_name
            .get(&name)
            .is_some_and(|(_, run)| *run == claim.run)
        {
            self.by_name.remove(&name);
            self.order.retain(|other| *other != name);
        }
    }
}

fn name(claim: &Claim) -> Name {
    (claim.kind, claim.caller.clone(), claim.key.clone())
}

/// The replicas in the order in which they decide about a key.
pub(super) fn ranked(claim: &Claim, mut replicas: Vec<Replica>) -> Vec<Replica> {
    let rank = |replica: &Replica| {
        let hash = Sha256::new()
            .chain_update(replica.bits().to_be_bytes())
            .chain_update(claim.caller.as_bytes())
            .chain_update([0])
            .chain_update(claim.key.as_bytes());
        <[u8; 32]>::from(hash.finalize())
    };
    replicas.sort_by_cached_key(rank);
    replicas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(key: usize) -> Claim {
        Claim {
            kind: Kind::Run,
            caller: "a".to_owned(),
            key: key.to_string(),
            fingerprint: "f".to_owned(),
            run: Replica::new(1).run_at(1, 1),
        }
    }

    #[test]
    fn only_the_keys_of_who_goes_find_another() {
        let all: Vec<Replica> = (0..5).map(Replica::new).collect();
        let mut moved = 0;
        for key in 0..500 {
            let before = ranked(&claim(key), all.clone())[0];
            let fewer = all.iter().copied().filter(|one| one.bits() != 3).collect();
            let after = ranked(&claim(key), fewer)[0];
            assert!(before == after || before.bits() == 3);
            moved += usize::from(before != after);
        }
        assert!(
            (50..150).contains(&moved),
            "{moved} of 500 keys were of one in five"
        );
    }

    #[test]
    fn a_key_is_released_by_its_run_alone_and_the_oldest_go() {
        let mut claims = Claims::default();
        claims.set(&claim(0));
        let other = Claim {
            run: Replica::new(2).run_at(2, 2),
            ..claim(0)
        };
        claims.release(&other);
        assert_eq!(claims.find(&other), Some(claim(0)));
        claims.release(&claim(0));
        assert_eq!(claims.find(&claim(0)), None);
        for key in 0..=CLAIMS_MAX {
            claims.set(&claim(key));
        }
        assert_eq!(claims.find(&claim(0)), None);
        assert_eq!(claims.by_name.len(), CLAIMS_MAX);
    }
}
