//! What a worker of this binary offers.

use std::path::Path;
use std::sync::Arc;

use callboard_worker::builtin::fs::FsRoot;
use callboard_worker::builtin::shop::{Shop, ShopOptions};
use callboard_worker::builtin::{basic, fs};
use callboard_worker::tool::{Tool, Tools};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

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
}

/// Builds the tools of these sets.
pub(crate) fn tools(sets: &[ToolSet], root: Option<&Path>) -> anyhow::Result<Tools> {
    let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
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
        }
    }
    Tools::new(tools).map_err(bad_input)
}
