//! What each digest declares (P10): the word of whoever described it first, unless somebody proves another.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use callboard_proto::{self as proto, Digest, Pool, ToolSpec};

/// Declarations that are remembered, offered or not, so that a worker that comes back needs no new
/// description. Chosen, not measured.
const SPECS_MAX: usize = 10_000;

#[derive(Debug)]
struct Known {
    spec: Arc<ToolSpec>,
    /// Whether the digest is the customary one, which only this declaration has. Another can be claimed
    /// by everybody who describes tools.
    is_proven: bool,
    pool: Pool,
    order: u64,
}

/// The declarations that were described.
#[derive(Debug, Default)]
pub(super) struct Specs {
    known: BTreeMap<Digest, Known>,
    /// The digests of each pool, the oldest first.
    by_pool: BTreeMap<Pool, BTreeMap<u64, Digest>>,
    described: u64,
}

impl Specs {
    pub(super) fn get(&self, digest: Digest) -> Option<&Arc<ToolSpec>> {
        self.known.get(&digest).map(|known| &known.spec)
    }

    pub(super) fn has(&self, digest: Digest) -> bool {
        self.known.contains_key(&digest)
    }

    /// Remembers what a worker of a pool says that a digest declares. What is known of it stays, so that no
    /// pool changes another's tools; only who proves its word takes the place of who didn't. Where too many
    /// are remembered, the pool that has most loses its oldest.
    pub(super) fn remember(&mut self, digest: Digest, spec: ToolSpec, pool: &Pool) {
        let is_proven = proto::digest(&spec) == digest;
        if let Some(known) = self.known.get(&digest) {
            if *known.spec == spec {
                return;
            }
            if known.is_proven || !is_proven {
                tracing::warn!(%digest, tool = %spec.name, %pool, "another declaration of a known digest is ignored");
                return;
            }
            self.forget(digest);
        } else if self.known.len() >= SPECS_MAX {
            self.make_room();
        }
        self.described += 1;
        let order = self.described;
        let digests = self.by_pool.entry(pool.clone()).or_default();
        digests.insert(order, digest);
        let known = Known {
            spec: Arc::new(spec),
            is_proven,
            pool: pool.clone(),
            order,
        };
        self.known.insert(digest, known);
    }

    fn make_room(&mut self) {
        let largest = self.by_pool.values().max_by_key(|digests| digests.len());
        let oldest = largest.and_then(|digests| digests.values().next().copied());
        if let Some(oldest) = oldest {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, digest: Digest) {
        let Some(known) = self.known.remove(&digest) else {
            return;
        };
        if let Entry::Occupied(mut digests) = self.by_pool.entry(known.pool) {
            digests.get_mut().remove(&known.order);
            if digests.get().is_empty() {
                digests.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use callboard_proto::{Effect, Manifest, ToolName};

    use super::*;

    fn spec(name: &str, effect: Effect) -> ToolSpec {
        ToolSpec {
            name: ToolName::new(name).unwrap(),
            description: "Does it.".to_owned(),
            input_schema: "{}".to_owned(),
            manifest: Manifest::new(effect),
        }
    }

    fn pool(name: &str) -> Pool {
        Pool::new(name).unwrap()
    }

    fn digest(of: u32) -> Digest {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&of.to_be_bytes());
        Digest::new(bytes)
    }

    #[test]
    fn no_pool_changes_what_anothers_digest_declares() {
        let mut specs = Specs::default();
        let pay = spec("pay", Effect::Write);
        specs.remember(digest(1), pay.clone(), &pool("main"));
        specs.remember(digest(1), spec("harmless", Effect::Read), &pool("gpu"));
        assert_eq!(**specs.get(digest(1)).unwrap(), pay);
    }

    #[test]
    fn who_proves_its_word_takes_the_place_of_who_came_first() {
        let mut specs = Specs::default();
        let pay = spec("pay", Effect::Write);
        let own = proto::digest(&pay);
        specs.remember(own, spec("harmless", Effect::Read), &pool("gpu"));
        specs.remember(own, pay.clone(), &pool("main"));
        specs.remember(own, spec("harmless", Effect::Read), &pool("gpu"));
        assert_eq!(**specs.get(own).unwrap(), pay);
        assert!(!specs.by_pool.contains_key(&pool("gpu")));
    }

    #[test]
    fn a_flood_of_one_pools_tools_pushes_out_its_own() {
        let mut specs = Specs::default();
        let tool = spec("t", Effect::Read);
        specs.remember(digest(0), tool.clone(), &pool("small"));
        for of in 1..=20_000 {
            specs.remember(digest(of), tool.clone(), &pool("flood"));
        }
        specs.remember(digest(30_000), tool, &pool("small"));
        assert_eq!(specs.known.len(), SPECS_MAX);
        assert!(specs.has(digest(0)) && specs.has(digest(30_000)) && specs.has(digest(20_000)));
        assert!(!specs.has(digest(1)));
    }
}
