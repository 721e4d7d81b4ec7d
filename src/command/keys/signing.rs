//! What each side has to know of the other to sign and to ask for signatures: public keys alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use callboard_proto::Role;
use serde::Serialize;

use super::folder::{self, Folder, Key};

/// The name of the file for a tenant's coordinators, and for those who look at its workers.
const COORDINATOR_FILE: &str = "signing-coordinator.toml";
/// The name of the file for a tenant's workers.
const WORKER_FILE: &str = "signing-worker.toml";

/// The files of one tenant.
#[derive(Debug, Serialize)]
pub(super) struct Files {
    tenant: String,
    pub(super) coordinator_file: PathBuf,
    pub(super) worker_file: PathBuf,
}

/// Writes both files of each tenant; they list the keys from before the last rotation while those are taken.
pub(super) fn write(folder: &Folder, keys: &[Key]) -> anyhow::Result<Vec<Files>> {
    let mut files = Vec::new();
    for of_tenant in keys.chunk_by(|a, b| a.tenant == b.tenant) {
        let tenant = &of_tenant[0].tenant;
        let path = |name: &str| folder.path(tenant.as_str()).join(name);
        let of = Files {
            tenant: tenant.to_string(),
            coordinator_file: path(COORDINATOR_FILE),
            worker_file: path(WORKER_FILE),
        };
        folder::write(&of.coordinator_file, &coordinator(of_tenant))?;
        folder::write(&of.worker_file, &worker(of_tenant))?;
        files.push(of);
    }
    Ok(files)
}

/// `[signing]` of a tenant's coordinators.
pub(super) fn coordinator(keys: &[Key]) -> String {
    let mut pools: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in keys {
        if let Role::Worker(pool) = &key.role {
            pools.entry(pool.as_str()).or_default().extend(both(key));
        }
    }
    let mut text = head(keys, "coordinators");
    text.push_str("\n[signing.workers]\n");
    for (pool, keys) in pools {
        text.push_str(&format!("{} = {}\n", format_args!("{pool:?}"), list(&keys)));
    }
    text
}

/// `[signing]` of a tenant's workers.
pub(super) fn worker(keys: &[Key]) -> String {
    let coordinators: Vec<&str> = keys
        .iter()
        .filter(|key| key.role == Role::Coordinator)
        .flat_map(both)
        .collect();
    let mut text = head(keys, "workers");
    text.push_str(&format!("coordinators = {}\n", list(&coordinators)));
    text
}

fn head(keys: &[Key], whose: &str) -> String {
    let tenant = &keys[0].tenant;
    format!(
        "# Written by `callboard keys` each time anew: for the configuration of the {whose} of {tenant}.\n\
         # Roll out with require = false first: who doesn't sign yet isn't heard otherwise.\n\
         [signing]\nsign = true\nrequire = true\n"
    )
}

fn both(key: &Key) -> impl Iterator<Item = &str> {
    [Some(key.public.as_str()), key.previous.as_deref()]
        .into_iter()
        .flatten()
}

fn list(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
    format!("[{}]", quoted.join(", "))
}
