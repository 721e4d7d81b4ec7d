//! Where the MCP reference servers lie once a task has installed them.

use std::env;
use std::path::{Path, PathBuf};

use crate::paths;
use crate::venv::Venv;

/// The environment variable that tells the tests where the servers are. Unset, they are left out.
pub const VARIABLE: &str = "CALLBOARD_MCP_SERVERS_AT";

/// A folder with npm's servers in `npm` and PyPI's in a virtual environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    folder: PathBuf,
}

impl Servers {
    /// The servers that lie, or will lie, in `folder`.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The servers that [`VARIABLE`] names, if it is set.
    #[must_use]
    pub fn named() -> Option<Self> {
        env::var_os(VARIABLE).map(Self::at)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where npm installs.
    #[must_use]
    pub fn npm(&self) -> PathBuf {
        self.folder.join("npm")
    }

    /// The virtual environment of PyPI's servers and of the official client.
    #[must_use]
    pub fn environment(&self) -> Venv {
        Venv::at(self.folder.join("venv"))
    }

    /// The Node that runs npm's servers: the one that came with them, else the machine's own.
    #[must_use]
    pub fn node(&self) -> Option<PathBuf> {
        let own = self.npm().join("node_modules/node/bin/node");
        if own.is_file() {
            return Some(own);
        }
        paths::on_path("node")
    }

    /// The command of one of npm's reference servers, such as `memory`, before its arguments.
    #[must_use]
    pub fn from_npm(&self, name: &str) -> Vec<String> {
        let script = format!("node_modules/@modelcontextprotocol/server-{name}/dist/index.js");
        let node = self.node().unwrap_or_else(|| PathBuf::from("node"));
        [node, self.npm().join(script)].map(shown).into()
    }

    /// The command of one of PyPI's reference servers, such as `time`, before its arguments.
    #[must_use]
    pub fn from_pypi(&self, name: &str) -> Vec<String> {
        let bin = self.folder.join("venv").join("bin");
        vec![shown(bin.join(format!("mcp-server-{name}")))]
    }
}

fn shown(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}
