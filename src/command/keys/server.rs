//! The server's configuration: an account for each tenant, a user for each role.

use std::fmt::Write as _;
use std::path::PathBuf;

use callboard_proto::{Permissions, Role};

use super::folder::{self, Folder, Key};

/// The file with the accounts, rewritten each time.
const ACCOUNTS_FILE: &str = "accounts.conf";
/// The file that the server is started with, written once and the operator's from then on.
const SERVER_FILE: &str = "nats.conf";

/// Writes the accounts, and the server's own file where there is none.
pub(super) fn write(folder: &Folder, keys: &[Key]) -> anyhow::Result<PathBuf> {
    folder::write(&folder.path(ACCOUNTS_FILE), &accounts(keys))?;
    let server_file = folder.path(SERVER_FILE);
    let has_tls = folder.path(super::certificate::FOLDER).is_dir();
    let is_ours = std::fs::read_to_string(&server_file).map_or(true, |text| {
        text == server(!has_tls) || text == server(has_tls)
    });
    if is_ours {
        folder::write(&server_file, &server(has_tls))?;
    }
    Ok(server_file)
}

/// The server's own file.
pub(super) fn server(has_tls: bool) -> String {
    let tls = if has_tls {
        r#"
tls {
  cert_file: "tls/server.pem"
  key_file: "tls/server-key.pem"
}
"#
    } else {
        ""
    };
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
