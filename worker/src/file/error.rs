//! What can be wrong with a tool that a file declares.

use std::fmt;

use callboard_proto::NameError;

use crate::http::HttpError;
use crate::mcp::SpecError;
use crate::process::ProcessError;
use crate::tool::{ToolsError, at};

/// Why the tools of a file can't be offered. None of them is then.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file can't be read as what it must be; the source names line and column.
    #[error("{origin} can't be used")]
    Syntax {
        /// The file.
        origin: String,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// An entry can't be offered.
    #[error("{origin}, line {line}: the tool {tool:?} can't be offered")]
    Entry {
        /// The file.
        origin: String,
        /// The entry's line, from 1.
        line: usize,
        /// The tool.
        tool: String,
        /// Why.
        #[source]
        source: Box<EntryError>,
    },
}

/// Why the MCP servers of a file can't be hosted. None of them is then.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// The file can't be read as what it must be; the source names line and column.
    #[error("{origin} can't be used")]
    Syntax {
        /// The file.
        origin: String,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// An entry can't be hosted.
    #[error("{origin}, line {line}: the MCP server {server:?} can't be hosted")]
    Entry {
        /// The file.
        origin: String,
        /// The entry's line, from 1.
        line: usize,
        /// The server.
        server: String,
        /// Why.
        #[source]
        source: Box<ServerError>,
    },
}

/// Why one server can't be hosted.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// What is said of it can't be kept.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A label can't be one.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

/// Why one entry can't be offered.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Its name can't be one.
    #[error("its name can't be used")]
    Name(#[source] NameError),
    /// A label can't be one.
    #[error("the label {label:?} can't be used; write it key=value")]
    Label {
        /// The label.
        label: String,
    },
    /// Another entry has its name.
    #[error("line {line} declares a tool of this name; rename one of them")]
    Twice {
        /// The line of the other, from 1.
        line: usize,
    },
    /// It says nothing of what it is, or too much.
    #[error("it needs exactly one of the tables {}, and has {found}", Kinds)]
    Kind {
        /// How many it has.
        found: usize,
    },
    /// Its schema is none.
    #[error("input_schema is no JSON Schema{}: {cause}", at(.path))]
    Schema {
        /// Where, as a JSON pointer; empty for the whole.
        path: String,
        /// Why.
        cause: String,
    },
    /// What it declares can't be kept.
    #[error(transparent)]
    Tool(#[from] ToolsError),
    /// Its program can't be run.
    #[error("[tool.process] can't be used")]
    Process(#[from] ProcessError),
    /// Its request can't be made.
    #[error("[tool.http] can't be used")]
    Http(#[from] HttpError),
}

/// The tables that say what a tool is.
struct Kinds;

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[tool.process], [tool.http]")
    }
}
