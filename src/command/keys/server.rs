//! The server's configuration: an account for each tenant, a user for each role.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use callboard_proto::{Permissions, Role};

use super::folder::{self, Folder, Key};

/// The file with the accounts, rewritten each time.
const ACCOUNTS_FILE: &str = "accounts.conf";
/// The file that the server is started with, written once and the operator's from then on.
const SERVER_FILE: &str = "nats.conf";

/// The server's own file, as it stands.
pub(super) struct Server {
    pub(super) file: PathBuf,
    /// What somebody who changed it has to add, because it isn't written again.
    pub(super) missing: Option<String>,
}

/// Writes the accounts, and the server's own file where nobody has changed it.
pub(super) fn write(folder: &Folder, keys: &[Key]) -> anyhow::Result<Server> {
    folder::write(&folder.path(ACCOUNTS_FILE), &accounts(keys))?;
    let file = folder.path(SERVER_FILE);
    let certificates = folder.path(super::certificate::FOLDER);
    // The server looks for a certificate below the folder that it is started in, wherever its own file stands.
    let certificates = std::path::absolute(&certificates)
        .with_context(|| format!("{} has no absolute path", certificates.display()))?;
    let certificates = certificates.is_dir().then_some(certificates);
    let wanted = server(certificates.as_deref());
    let there = std::fs::read_to_string(&file).ok();
    let is_ours = there
        .as_ref()
        .is_none_or(|there| *there == server(None) || *there == wanted);
    if is_ours {
        folder::write(&file, &wanted)?;
        return Ok(Server {
            file,
            missing: None,
        });
    }
    let names_it = |folder: &Path| {
        let there = there.as_deref().unwrap_or_default();
        there.contains(&*folder.join(super::certificate::SERVER).to_string_lossy())
    };
    let missing = certificates.filter(|folder| !names_it(folder));
    Ok(Server {
        file,
        missing: missing.map(|folder| tls(&folder)),
    })
}

/// The block with the certificate in this folder.
fn tls(certificates: &Path) -> String {
    // A path is quoted as JSON is: what the server reads is the same.
    let path = |name| serde_json::Value::from(certificates.join(name).to_string_lossy());
    format!(
        "tls {{\n  cert_file: {}\n  key_file: {}\n}}\n",
        path(super::certificate::SERVER),
        path(super::certificate::SERVER_KEY)
    )
}

/// The server's own file, with the certificate in this folder.
pub(super) fn server(certificates: Option<&Path>) -> String {
    let tls = certificates.map_or_else(String::new, |folder| format!("\n{}", tls(folder)));
    format!(
        r#"# Made by `callboard keys`. Yours to change: what was changed is not written again.
port: 4222

# A half-open connection is noticed within 15 s, and not within minutes.
ping_interval: "5s"
ping_max: 2
{tls}
include "{ACCOUNTS_FILE}"
"#
    )
}

/// The accounts: public keys and permissions alone.
pub(super) fn accounts(keys: &[Key]) -> String {
    let mut text =
        "# Written by `callboard keys`, each time anew; don't edit.\naccounts {\n".to_owned();
    for of_tenant in keys.chunk_by(|a, b| a.tenant == b.tenant) {
        let tenant = &of_tenant[0].tenant;
        let _ = writeln!(text, "  \"{tenant}\" {{\n    users: [");
        for key in of_tenant {
            let permissions = block(&key.role.permissions(tenant));
            let name = match &key.role {
                Role::Coordinator => "coordinator".to_owned(),
                Role::Worker(pool) => format!("worker of the pool {pool}"),
                Role::Viewer => "viewer".to_owned(),
                Role::Operator => "operator".to_owned(),
            };
            for (public, which) in [
                (Some(&key.public), ""),
                (key.previous.as_ref(), ", before the last rotation"),
            ] {
                if let Some(public) = public {
                    let _ = writeln!(
                        text,
                        "      # {name}{which}\n      {{ nkey: {public}, permissions: {{{permissions}\n      }} }}"
                    );
                }
            }
        }
        text.push_str("    ]\n  }\n");
    }
    text.push_str("}\n");
    text
}

fn block(permissions: &Permissions) -> String {
    let list = |subjects: &[String]| {
        let lines: Vec<String> = subjects
            .iter()
            .map(|subject| format!("\n          \"{subject}\""))
            .collect();
        lines.concat()
    };
    let mut text = format!(
        "\n        publish: [{}\n        ]\n        subscribe: [{}\n        ]",
        list(&permissions.publish),
        list(&permissions.subscribe)
    );
    if permissions.answers_requests {
        text.push_str("\n        allow_responses: { max: 1, expires: \"10s\" }");
    }
    text
}
