//! `fs_read`, `fs_list` and `fs_search`: looking at the files below one root folder.
//!
//! **Invariant:** nothing here writes, and nothing outside the root is opened: each file is opened
//! relative to the root's own handle, by the kernel where it can (`openat2`), so neither `..`, an
//! absolute path, a symbolic link nor a folder that is swapped meanwhile leads out. What a hard link
//! or a mount brings in counts as inside.

mod list;
mod read;
mod root;
mod search;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use root::{FsRoot, FsRootError};

use crate::tool::Tool;

/// `fs_read`, `fs_list` and `fs_search` over a root.
#[must_use]
pub fn tools(root: &FsRoot) -> Vec<Arc<dyn Tool>> {
    vec![read::tool(root), list::tool(root), search::tool(root)]
}
