//! `callboard keys`: a folder with the keys of a NATS server's users, and the configuration that knows
//! them by their public halves.

mod certificate;
mod folder;
mod server;
mod signing;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use callboard_proto::{Pool, Role, Tenant};
use clap::Args;
use serde::Serialize;

use self::folder::{Folder, Key, State};
use crate::config::Config;
use crate::exit::{Exit, bad_input};
use crate::output;

/// What `callboard keys --help` ends with.
pub(crate) const HELP: &str = "\
Example:
  callboard keys --dir keys --tenant acme --pool reads --pool writes --tls nats.example
  nats-server -c keys/nats.conf
  CALLBOARD_NATS__NKEY_FILE=keys/acme/worker-reads.nk \\
    callboard worker --nats tls://nats.example:4222 --tenant acme --pool reads --tools basic

What stands in the folder is kept: run it again to add tenants, pools or a server's names. Each tenant is
an account of its own. Each *.nk file is the secret of one role (coordinator, worker of a pool, viewer,
operator); the server's files hold public keys alone, but for the key of its certificate. Beside the secrets
stand signing-coordinator.toml and signing-worker.toml: the [signing] section of each side, off until it is used.

To rotate a tenant's keys without a gap: --rotate (the server then takes the old ones, too), reload the
server, hand out the new files, then --forget-previous and reload again.";

/// `callboard keys`.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// Folder for the keys; made if it isn't there.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Pool of workers to make a key for; repeatable [default: the configured one, for a new tenant].
    #[arg(long = "pool", value_name = "NAME")]
    pools: Vec<String>,
    /// Name or address of the server: makes a certificate for it, and an authority that signs it; repeatable.
    #[arg(long = "tls", value_name = "HOST")]
    hosts: Vec<String>,
    /// Make new keys for all roles of the tenant; the server takes the old ones, too.
    #[arg(long, conflicts_with = "forget_previous")]
    rotate: bool,
    /// Take the tenant's keys from before its last rotation no longer.
    #[arg(long)]
    forget_previous: bool,
    /// Print what there is as JSON: files and public keys, no secret.
    #[arg(long)]
    json: bool,
}

/// What there is after the command.
#[derive(Debug, Serialize)]
struct View {
    server_file: PathBuf,
    /// What it doesn't say because somebody changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_file_lacks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authority_file: Option<PathBuf>,
    users: Vec<User>,
    /// `[signing]` for each side, by tenant.
    signing: Vec<signing::Files>,
}

#[derive(Debug, Serialize)]
struct User {
    tenant: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    public_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_public_key: Option<String>,
    nkey_file: PathBuf,
    state: State,
}

pub(crate) fn run(flags: &Keys, config: &Config) -> anyhow::Result<Exit> {
    let tenant = config.tenant()?;
    let mut pools = Vec::new();
    for name in &flags.pools {
        let pool = Pool::new(name.as_str());
        pools.push(pool.map_err(|error| bad_input(anyhow::anyhow!("--pool {name:?}: {error}")))?);
    }
    if tenant.as_str() == certificate::FOLDER {
        return Err(bad_input(anyhow::anyhow!(
            "a tenant can't be called {tenant}: the folder of that name is for certificates"
        )));
    }
    // What the system refuses of the folder is about what was given.
    let view = make(flags, config, &tenant, &pools).map_err(|error| {
        let is_systems = |cause: &(dyn std::error::Error + 'static)| cause.is::<std::io::Error>();
        if error.chain().any(is_systems) {
            bad_input(error)
        } else {
            error
        }
    })?;
    if flags.json {
        output::json(&view)?;
    } else {
        output::line(&table(&view))?;
        output::note(&format!(
            "callboard: start the server with: nats-server -c {}",
            view.server_file.display()
        ));
    }
    if let Some(missing) = &view.server_file_lacks {
        output::note(&format!(
            "callboard: {} was changed and is not written again; until this is added, the server speaks in the clear:\n{missing}",
            view.server_file.display()
        ));
    }
    Ok(Exit::Done)
}

/// Makes what is asked for; gives what there is then.
fn make(flags: &Keys, config: &Config, tenant: &Tenant, pools: &[Pool]) -> anyhow::Result<View> {
    let mut pools = pools.to_vec();
    let folder = Folder::open(&flags.dir)?;
    if pools.is_empty() && !folder.knows(tenant) {
        pools.push(config.pool()?);
    }
    let keys = folder.make(tenant, &pools, flags.rotate, flags.forget_previous)?;
    let authority_file = certificate::make(&folder, &flags.hosts)?;
    let server = server::write(&folder, &keys)?;
    let signing = signing::write(&folder, &keys)?;
    let users = keys.iter().map(user).collect();
    Ok(View {
        server_file: server.file,
        server_file_lacks: server.missing,
        authority_file,
        users,
        signing,
    })
}

fn user(key: &Key) -> User {
    let (role, pool) = match &key.role {
        Role::Coordinator => ("coordinator", None),
        Role::Worker(pool) => ("worker", Some(pool.to_string())),
        Role::Viewer => ("viewer", None),
        Role::Operator => ("operator", None),
    };
    User {
        tenant: key.tenant.to_string(),
        role,
        pool,
        public_key: key.public.clone(),
        previous_public_key: key.previous.clone(),
        nkey_file: key.file.clone(),
        state: key.state,
    }
}

fn table(view: &View) -> String {
    let heading = ["TENANT", "ROLE", "POOL", "STATE", "FILE", "PUBLIC KEY"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(view.users.iter().map(|user| {
        vec![
            user.tenant.clone(),
            user.role.to_owned(),
            user.pool.clone().unwrap_or_default(),
            user.state.as_str().to_owned(),
            user.nkey_file.display().to_string(),
            user.public_key.clone(),
        ]
    }));
    output::table(&rows)
}
