//! What a worker of this binary offers.

use std::sync::Arc;

use callboard_proto::Label;
use callboard_worker::builtin::fs::FsRoot;
use callboard_worker::builtin::shop::{Shop, ShopOptions};
use callboard_worker::builtin::sql::Database;
use callboard_worker::builtin::{basic, fetch, fs, sql};
use callboard_worker::http::HttpClients;
use callboard_worker::tool::{Tool, Tools};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::exit::{BadInput, bad_input};

/// A set of tools that ships with the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ToolSet {
    /// `fs_read`, `fs_list`, `fs_search` under --root; read-only.
    Fs,
    /// A small shop to try things out on: customers, orders, shipping, weather, refunds.
    Shop,
    /// `echo` and `wait`.
    Basic,
    /// `http_fetch`: what is at a URL of the public internet; [worker.fetch] opens more, or less.
    Http,
    /// `sql_query` and `sql_schema` on the SQLite file of --database; read-only.
    Sql,
}

/// The argument by which this program knows that it is started as a supervisor of one call.
#[cfg(target_os = "linux")]
pub(crate) const SUPERVISE: &str = "__supervise";

/// Builds the tools of these sets, and those that the configuration file declares.
pub(crate) fn tools(sets: &[ToolSet], config: &Config) -> anyhow::Result<Tools> {
    let mut tools: Vec<Arc<dyn Tool>> = declared(config, Some(&config.labels()?))?;
    let root = config.worker.root.as_deref();
    let mut sets = sets.to_vec();
    sets.sort_unstable();
    sets.dedup();
    for set in sets {
        match set {
            ToolSet::Fs => {
                let Some(root) = root else {
                    return Err(BadInput(
                        "the fs tools need a folder to read; give one with --root DIR".to_owned(),
                    )
                    .into());
                };
                tools.extend(fs::tools(&FsRoot::open(root).map_err(bad_input)?));
            }
            ToolSet::Shop => tools.extend(Shop::new(ShopOptions::default()).tools()),
            ToolSet::Basic => tools.extend(basic::tools()),
            ToolSet::Http => {
                let options = config.worker.fetch.options();
                tools.extend(fetch::tools(&options, &HttpClients::default()).map_err(bad_input)?);
            }
            ToolSet::Sql => {
                let options = &config.worker.sql;
                let Some(path) = &options.database else {
                    return Err(BadInput(
                        "the sql tools need a database to read; give one with --database FILE"
                            .to_owned(),
                    )
                    .into());
                };
                let database = Database::open(path, options.limits()).map_err(bad_input)?;
                tools.extend(sql::tools(&database));
            }
        }
    }
    Tools::new(tools).map_err(bad_input)
}

/// Builds the tools that the configuration file declares, for a worker with these labels, where they are known.
#[cfg(target_os = "linux")]
pub(crate) fn declared(
    config: &Config,
    labels: Option<&[Label]>,
) -> anyhow::Result<Vec<Arc<dyn Tool>>> {
    use callboard_worker::file;
    use callboard_worker::process::Host;

    let (Some(path), false) = (&config.file, config.tool.is_empty()) else {
        return Ok(Vec::new());
    };
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| BadInput(format!("{origin} can't be read: {error}")))?;
    let host = Host::this_program(SUPERVISE);
    file::tools(&origin, &text, &host, labels).map_err(bad_input)
}

/// Refuses tools that the configuration file declares.
#[cfg(not(target_os = "linux"))]
pub(crate) fn declared(
    config: &Config,
    _labels: Option<&[Label]>,
) -> anyhow::Result<Vec<Arc<dyn Tool>>> {
    if config.tool.is_empty() {
        return Ok(Vec::new());
    }
    Err(
        BadInput("[[tool]] needs Linux; run the worker there, or remove the entries".to_owned())
            .into(),
    )
}
