//! What the worker and its supervisor tell each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::mark::Mark;
use super::sandbox::Sandbox;

/// What a supervisor is to run: one line of JSON on its standard input, so that nothing of it stands in
/// a list of processes. The input stays open; its end tells the supervisor to end everything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// The worker's process: where it isn't the supervisor's parent any more, it is gone.
    pub(super) worker: u32,
    /// What everybody below carries.
    pub(super) mark: Mark,
    /// The program's absolute path.
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// All of the environment: nothing is inherited.
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: PathBuf,
    /// The call's own folder; the program's `TMPDIR`, and the only one that a sandbox lets it write
    /// unasked.
    pub(super) scratch: PathBuf,
    /// What the program reads on its standard input; nothing where there is none.
    pub(super) stdin: Option<String>,
    /// Whether the program reads instead what follows the order, for as long as the worker writes.
    #[serde(default)]
    pub(super) is_relayed: bool,
    pub(super) limits: Limits,
    pub(super) sandbox: Option<Sandbox>,
    /// Where the end is written; outside of the scratch folder.
    pub(super) end_file: PathBuf,
}

impl Order {
    /// The line that a supervisor reads.
    pub(super) fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("an order is texts and numbers");
        line.push('\n');
        line
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    /// With this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It was never started.
    NotStarted(String),
}

impl End {
    /// What a supervisor wrote, if it wrote anything.
    pub(super) fn read(end_file: &Path) -> Option<Self> {
        let text = std::fs::read(end_file).ok()?;
        serde_json::from_slice(&text).ok()
    }
}
