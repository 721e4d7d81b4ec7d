//! Tools that a worker's configuration file declares: workers without code.
//!
//! ```toml
//! [[tool]]
//! name = "git_log"
//! description = "Lists the latest commits that touch a path."
//! effect = "read"                        # read | idempotent | write (the default: the safe side)
//! attempt_timeout = "10s"
//!
//! [tool.input_schema]
//! type = "object"
//! required = ["path"]
//! properties.path = { type = "string" }
//! properties.count = { type = "integer", minimum = 1, maximum = 100 }
//!
//! [tool.process]                         # what it is: exactly one such table
//! argv = ["git", "log", "--oneline", "--max-count={count}", "--", "{path}"]
//! cwd = "/srv/repository"
//! limits.output_bytes_max = 20000
//! sandbox.read = ["/srv/repository"]     # leave the table out for no sandbox
//! ```

mod entry;
mod error;
mod mcp;
#[cfg(test)]
mod mcp_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use callboard_proto::Label;
use serde::Deserialize;
use toml::Spanned;

pub use entry::ToolEntry;
pub use error::{EntryError, FileError, ServerError, ServersError};
pub use mcp::servers;

use crate::http::HttpClients;
use crate::process::Host;
use crate::tool::{Tool, check_labels};

/// The part of a configuration file that declares tools; the other keys are somebody else's to check.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    tool: Vec<Spanned<ToolEntry>>,
}

/// Makes the tools that a configuration file declares, in its order. `origin` names the file in errors,
/// `host` starts the supervisors of process tools, and `labels` are the worker's, where they are known.
///
/// # Errors
/// When an entry can't be read or its tool can't be offered; the error names file, line, tool and cure.
pub fn tools(
    origin: &str,
    text: &str,
    host: &Host,
    labels: Option<&[Label]>,
) -> Result<Vec<Arc<dyn Tool>>, FileError> {
    let file: File = toml::from_str(text).map_err(|source| FileError::Syntax {
        origin: origin.to_owned(),
        source: Box::new(source),
    })?;
    let clients = HttpClients::default();
    let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
    let mut lines: Vec<usize> = Vec::new();
    for entry in file.tool {
        let line = line_of(text, entry.span().start);
        let entry = entry.into_inner();
        let name = entry.name.clone();
        let at = |source| FileError::Entry {
            origin: origin.to_owned(),
            line,
            tool: name.clone(),
            source: Box::new(source),
        };
        let tool = entry.into_tool(host, &clients).map_err(at)?;
        let same = tools
            .iter()
            .position(|other| other.spec().name == tool.spec().name);
        if let Some(first) = same {
            return Err(at(EntryError::Twice { line: lines[first] }));
        }
        if let Some(labels) = labels {
            check_labels(tool.spec(), labels).map_err(|error| at(error.into()))?;
        }
        tools.push(tool);
        lines.push(line);
    }
    Ok(tools)
}

/// The line of a position, from 1.
fn line_of(text: &str, position: usize) -> usize {
    let before = text.get(..position).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}
