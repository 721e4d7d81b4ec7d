//! `fs_list`: what is in one folder, page by page.

use std::collections::BinaryHeap;
use std::sync::Arc;

use callboard_proto::{Effect, Manifest};
use cap_std::fs::DirEntry;
use serde::{Deserialize, Serialize};

use crate::builtin::fs::root::{FsRoot, answer, explain, relative};
use crate::builtin::spec;
use crate::tool::{Answer, Cancellation, Tool, ToolError, ToolResult, blocking, tool_fn};

/// Entries of one page, unless fewer are asked for (chosen, not measured).
const PAGE_ENTRIES: usize = 200;
/// Entries of one page at most: with names of the longest kind it stays below what can travel.
const PAGE_ENTRIES_MAX: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    path: String,
    after: Option<String>,
    #[serde(default = "page_entries")]
    limit: usize,
}

fn page_entries() -> usize {
    PAGE_ENTRIES
}

#[derive(Serialize)]
struct Page<'a> {
    path: &'a str,
    entries: Vec<Entry>,
    /// All entries of the folder.
    total: usize,
    /// What to give as `after` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    kind: &'static str,
    /// In bytes, for files.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

pub(super) fn tool(root: &FsRoot) -> Arc<dyn Tool> {
    let root = root.clone();
    tool_fn(
        spec(
            "fs_list",
            "Lists a folder below the root folder, sorted by name: name, kind (file, folder, symlink, other) and size in bytes. Long folders come page by page.",
            r#"{"type":"object","properties":{"path":{"type":"string","default":".","description":"The folder, relative to the root folder."},"after":{"type":"string","description":"Only names that sort after this one: next_after of the page before."},"limit":{"type":"integer","minimum":1,"maximum":500,"default":200,"description":"How many entries at most."}},"additionalProperties":false}"#,
            Manifest::new(Effect::Read),
        ),
        move |arguments: Arguments, call| {
            let root = root.clone();
            async move {
                if !(1..=PAGE_ENTRIES_MAX).contains(&arguments.limit) {
                    return Err(ToolError::invalid_arguments(format!(
                        "limit is {}, and 1 to {PAGE_ENTRIES_MAX} are allowed",
                        arguments.limit
                    )));
                }
                blocking(call, move |call| {
                    list(&root, &arguments, &call.cancellation())
                })
                .await
            }
        },
    )
    .into()
}

fn list(root: &FsRoot, arguments: &Arguments, cancellation: &Cancellation) -> ToolResult {
    let path = if arguments.path.is_empty() {
        "."
    } else {
        &arguments.path
    };
    if !root.metadata(path)?.is_dir() {
        return Err(answer(format!(
            "{path:?} is no folder; read it with fs_read"
        )));
    }
    let failed = |error: std::io::Error| explain(path, &error);
    let entries = root.dir().read_dir(relative(path)?).map_err(failed)?;
    let mut total = 0;
    // The smallest names after `after`, one more than a page: a folder of a million names costs a
    // page of memory.
    let mut smallest = BinaryHeap::with_capacity(arguments.limit + 2);
    for entry in entries {
        if total % 1024 == 0 && cancellation.is_cancelled() {
            return Err(ToolError::cancelled());
        }
        let entry = entry.map_err(failed)?;
        total += 1;
        let name = entry.file_name().to_string_lossy().into_owned();
        if arguments.after.as_ref().is_none_or(|after| name > *after) {
            smallest.push(Named { name, entry });
            if smallest.len() > arguments.limit + 1 {
                smallest.pop();
            }
        }
    }
    let mut page = smallest.into_sorted_vec();
    let has_more = page.len() > arguments.limit;
    page.truncate(arguments.limit);
    let next_after = page
        .last()
        .filter(|_| has_more)
        .map(|named| named.name.clone());
    let entries = page.into_iter().map(describe).collect();
    Answer::json(&Page {
        path,
        entries,
        total,
        next_after,
    })
}

/// One entry; what vanished meanwhile is `other`.
fn describe(named: Named) -> Entry {
    let Named { name, entry } = named;
    let (kind, size) = match entry.metadata() {
        Ok(metadata) if metadata.is_file() => ("file", Some(metadata.len())),
        Ok(metadata) if metadata.is_dir() => ("folder", None),
        Ok(metadata) if metadata.is_symlink() => ("symlink", None),
        Ok(_) | Err(_) => ("other", None),
    };
    Entry { name, kind, size }
}

/// An entry that sorts by its name.
struct Named {
    name: String,
    entry: DirEntry,
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Named {}

impl PartialOrd for Named {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Named {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(&other.name)
    }
}
