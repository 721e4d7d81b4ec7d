//! `[signing]`: whether what is asked for can be kept, by whom, and of whom.

use std::collections::BTreeSet;

use callboard_nats::signatures::Signer;
use callboard_proto::Pool;
use callboard_proto::server::ServerOptions;

use super::Part;
use super::check::Check;
use crate::config::Config;

const WHAT: &str = "signing";

/// What the configuration says of signatures; nothing where it says nothing.
pub(super) fn checks(config: &Config, part: Option<Part>) -> Vec<Check> {
    let signing = &config.signing;
    let is_listing = !signing.coordinators.is_empty() || !signing.workers.is_empty();
    if !signing.sign && !signing.require && !is_listing {
        return Vec::new();
    }
    let server = match config.server() {
        Ok(Some(server)) => server,
        Ok(None) => {
            return vec![Check::warning(
                WHAT,
                "no server is configured, and within one process nothing is signed",
                "name the server: nats.url, or --nats URL",
            )];
        }
        Err(error) => {
            return vec![Check::failed(
                WHAT,
                error.to_string(),
                "`callboard keys` writes both sides' [signing]: signing-coordinator.toml, signing-worker.toml",
            )];
        }
    };
    let mut checks = vec![own(&server)];
    checks.extend(mix_up(config, &server));
    checks.extend(others(config, part));
    checks
}

/// The key that signs.
fn own(server: &ServerOptions) -> Check {
    match Signer::open(server) {
        Ok(Some(signer)) => Check::ok(
            WHAT,
            format!("what is sent is signed by {}", signer.public()),
        ),
        Ok(None) => Check::warning(
            WHAT,
            "what is sent isn't signed: who requires signatures doesn't take it",
            "set signing.sign = true",
        ),
        Err(error) => Check::failed(
            WHAT,
            error.to_string(),
            "set nats.nkey_file to the *.nk file of this role that `callboard keys` wrote",
        ),
    }
}

/// Whether the two sides' keys were taken for each other: a key of one's own that is to be trusted as the
/// other side's.
fn mix_up(config: &Config, server: &ServerOptions) -> Option<Check> {
    let own = Signer::open(server).ok()??;
    let is_coordinator = config.signing.coordinators.contains(own.public());
    let is_worker = config
        .signing
        .workers
        .values()
        .any(|keys| keys.contains(own.public()));
    if !(is_coordinator && is_worker) {
        return None;
    }
    Some(Check::failed(
        WHAT,
        "the key of nats.nkey_file is listed as a coordinator's and as a worker's",
        "give each role its own key, as `callboard keys` makes them",
    ))
}

/// Of whom signatures are asked for.
fn others(config: &Config, part: Option<Part>) -> Vec<Check> {
    let signing = &config.signing;
    if !signing.require {
        return vec![Check::warning(
            WHAT,
            "no signature is asked for: what others say counts without one",
            "set signing.require = true once everybody signs",
        )];
    }
    let pools: Vec<&str> = signing
        .workers
        .iter()
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(pool, _)| pool.as_str())
        .collect();
    let none = |whose: &str, cure: &str| {
        Check::failed(
            WHAT,
            format!("signatures are asked for, and no key of {whose} is listed"),
            cure,
        )
    };
    let mut checks = Vec::new();
    if part == Some(Part::Worker) && signing.coordinators.is_empty() {
        checks.push(none(
            "a coordinator",
            "take signing.coordinators from signing-worker.toml, which `callboard keys` writes",
        ));
    }
    if matches!(part, Some(Part::Coordinator | Part::Viewer)) && pools.is_empty() {
        checks.push(none(
            "a worker",
            "take signing.workers from signing-coordinator.toml, which `callboard keys` writes",
        ));
    }
    if checks.is_empty() {
        let of = match (signing.coordinators.len(), pools.as_slice()) {
            (0, pools) => format!("workers of {}", pools.join(", ")),
            (keys, []) => format!("coordinators, by {keys} keys"),
            (keys, pools) => format!(
                "coordinators, by {keys} keys, and workers of {}",
                pools.join(", ")
            ),
        };
        checks.push(Check::ok(WHAT, format!("signatures are asked of {of}")));
    }
    checks
}

/// Whether any worker's answer would count: the configuration of a worker lists none.
pub(super) fn can_hear(config: &Config) -> bool {
    let signing = &config.signing;
    !signing.require || signing.workers.values().any(|keys| !keys.is_empty())
}

/// Workers that are there, and whose answers won't count, because no key of their pool is listed.
pub(super) fn unlisted<'a>(
    config: &Config,
    there: impl Iterator<Item = &'a Pool>,
) -> Option<Check> {
    let signing = &config.signing;
    if !signing.require || signing.workers.is_empty() {
        return None;
    }
    let is_listed = |pool: &Pool| {
        let keys = signing.workers.get(pool.as_str());
        keys.is_some_and(|keys| !keys.is_empty())
    };
    let missing: BTreeSet<&str> = there
        .filter(|pool| !is_listed(pool))
        .map(Pool::as_str)
        .collect();
    if missing.is_empty() {
        return None;
    }
    let pools: Vec<&str> = missing.into_iter().collect();
    Some(Check::warning(
        WHAT,
        format!(
            "workers of {} are there, and no key of theirs is listed: their answers don't count",
            pools.join(", ")
        ),
        "list them under [signing.workers], as signing-coordinator.toml does, or leave them to coordinators that don't require",
    ))
}
