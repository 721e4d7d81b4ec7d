//! Which instance a call goes to, among those that may take it: the freer of two, or for a call with a key the one
//! that the same call went to before.

use std::time::Instant;

use callboard_proto::{Digest, InstanceId, Manifest, RunId, ToolUseId};

use crate::registry::{Registry, WorkerIndex};
use crate::worker::Worker;

/// What a call asks of the instance that it is placed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) digest: Digest,
    pub(crate) manifest: &'a Manifest,
    /// The instance that its run is bound to (P11).
    pub(crate) bound_to: Option<InstanceId>,
    /// Whether it has a strike: then only an instance without another struck call will do (P8).
    pub(crate) struck: bool,
    /// An instance that is better not tried again next.
    pub(crate) avoid: Option<WorkerIndex>,
    /// The call's identity, where its caller may repeat it: it goes where it went, as long as the same
    /// instances are there and that one has a slot, because only it remembers the call.
    pub(crate) repeats: Option<u64>,
}

/// Chooses an instance with a free slot, or one to knock at; `None` where the call must wait.
pub(crate) fn choose(
    registry: &Registry,
    wish: Wish<'_>,
    rng: &mut fastrand::Rng,
    now: Instant,
) -> Option<WorkerIndex> {
    let preferred = |worker: &Worker| {
        wish.manifest
            .prefer
            .iter()
            .all(|label| worker.has_label(label))
    };
    let fits = |index: WorkerIndex, worker: &Worker, pass: Pass| {
        worker.available() > 0
            && may_take(worker, wish, now)
            && (!pass.preferred || preferred(worker))
            && (!pass.fresh || wish.avoid != Some(index))
    };
    for pass in passes(wish) {
        let fits = |index: WorkerIndex, worker: &Worker| fits(index, worker, pass);
        let chosen = match wish.repeats {
            Some(call) => same_as_before(registry, wish.digest, call, fits),
            None => freer_of_two(registry, wish.digest, rng, fits),
        };
        if chosen.is_some() {
            return chosen;
        }
    }
    registry.pool(wish.digest).iter().copied().find(|index| {
        registry
            .worker(*index)
            .is_some_and(|worker| worker.may_knock(now) && may_take(worker, wish, now))
    })
}

/// Whether an instance takes such a call now, its own slots aside.
pub(crate) fn may_take(worker: &Worker, wish: Wish<'_>, now: Instant) -> bool {
    wish.bound_to
        .is_none_or(|instance| instance == worker.instance())
        && (!wish.struck || worker.struck == 0)
        && worker.health.allows(wish.digest, now)
        && worker.shares.left(wish.digest, now) > 0
        && wish
            .manifest
            .require
            .iter()
            .all(|label| worker.has_label(label))
}

#[derive(Clone, Copy)]
struct Pass {
    preferred: bool,
    fresh: bool,
}

/// The strictest wish first; most calls have only one.
fn passes(wish: Wish<'_>) -> impl Iterator<Item = Pass> {
    let prefers = !wish.manifest.prefer.is_empty();
    let avoids = wish.avoid.is_some();
    [(true, true), (false, true), (true, false), (false, false)]
        .into_iter()
        .filter(move |(preferred, fresh)| (prefers || !preferred) && (avoids || !fresh))
        .map(|(preferred, fresh)| Pass { preferred, fresh })
}

/// Rendezvous hashing: the one whose identity and the call's make the largest number together. Whoever comes
/// or goes moves only its own calls.
fn same_as_before(
    registry: &Registry,
    digest: Digest,
    call: u64,
    fits: impl Fn(WorkerIndex, &Worker) -> bool,
) -> Option<WorkerIndex> {
    let pool = registry.pool(digest).iter();
    let workers = pool.filter_map(|index| Some((*index, registry.worker(*index)?)));
    workers
        .filter(|(index, worker)| fits(*index, worker))
        .max_by_key(|(_, worker)| weight(call, worker.instance()))
        .map(|(index, _)| index)
}

/// The same in every process: splitmix64's mixing of both identities.
fn weight(call: u64, instance: InstanceId) -> u64 {
    let (high, low) = instance.uuid().as_u64_pair();
    mix(mix(call ^ high) ^ low)
}

fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The number of a call whose caller may repeat it, from what stays the same then.
pub(crate) fn repeated_call(run: RunId, id: &ToolUseId) -> u64 {
    let (high, low) = run.uuid().as_u64_pair();
    let bytes = id.as_str().bytes();
    bytes.fold(mix(high ^ mix(low)), |bits, byte| {
        mix(bits ^ u64::from(byte))
    })
}

fn freer_of_two(
    registry: &Registry,
    digest: Digest,
    rng: &mut fastrand::Rng,
    fits: impl Fn(WorkerIndex, &Worker) -> bool,
) -> Option<WorkerIndex> {
    let pool = registry.pool(digest);
    let available = |at: usize| {
        let index = pool[at];
        registry
            .worker(index)
            .filter(|worker| fits(index, worker))
            .map(|worker| (worker.available(), index))
    };
    match pool.len() {
        0 => return None,
        1 => return available(0).map(|(_, index)| index),
        _ => {}
    }
    let one = rng.usize(..pool.len());
    let other = (one + 1 + rng.usize(..pool.len() - 1)) % pool.len();
    match (available(one), available(other)) {
        (Some(one), Some(other)) => Some(if other.0 > one.0 { other.1 } else { one.1 }),
        (Some(only), None) | (None, Some(only)) => Some(only.1),
        // Two bad draws say nothing about the rest.
        (None, None) => (0..pool.len())
            .map(|offset| (one + offset) % pool.len())
            .find_map(|at| available(at).map(|(_, index)| index)),
    }
}
