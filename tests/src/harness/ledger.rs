//! A file to which tools write what they do, before they answer: the effects as they are, whatever anybody reports.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;

use super::until::until;

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The tool that had it.
    pub tool: String,
    /// The call.
    pub id: String,
    /// The worker that executed it.
    pub worker: String,
}

/// The effects of one test.
#[derive(Debug)]
pub struct Ledger {
    folder: TempDir,
}

impl Ledger {
    /// An empty ledger in a folder of its own.
    ///
    /// # Errors
    /// The folder can't be made.
    pub fn new() -> anyhow::Result<Self> {
        let folder =
            TempDir::with_prefix("callboard-ledger-").context("failed to make a folder")?;
        File::create(folder.path().join("effects"))?;
        Ok(Self { folder })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("effects")
    }

    /// Writes one entry to the ledger at `path`, whole or not at all, whoever else writes.
    ///
    /// # Errors
    /// The system's own.
    pub fn write(path: &Path, entry: &Entry) -> std::io::Result<()> {
        let line = format!("{} {} {}\n", entry.tool, entry.id, entry.worker);
        File::options()
            .append(true)
            .open(path)?
            .write_all(line.as_bytes())
    }

    /// All effects so far.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        let text = fs::read_to_string(self.path())?;
        let entry = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            let mut word = || words.next().context("an entry has three words");
            anyhow::Ok(Entry {
                tool: word()?,
                id: word()?,
                worker: word()?,
            })
        };
        text.lines().map(entry).collect()
    }

    /// How often a call had its effect.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn effects_of(&self, id: &str) -> anyhow::Result<usize> {
        let entries = self.entries()?;
        Ok(entries.iter().filter(|entry| entry.id == id).count())
    }

    /// Waits until `more` effects have been added from now on.
    ///
    /// # Errors
    /// They don't come.
    pub async fn grows(&self, more: usize) -> anyhow::Result<()> {
        let goal = self.entries()?.len() + more;
        until("more effects", async || {
            Ok((self.entries()?.len() >= goal).then_some(()))
        })
        .await
    }

    /// Waits until nothing has been added for `silence`.
    ///
    /// # Errors
    /// Effects go on.
    pub async fn stands_still(&self, silence: Duration) -> anyhow::Result<()> {
        let mut seen = (self.entries()?.len(), Instant::now());
        until("no more effects", async || {
            let now = self.entries()?.len();
            if now != seen.0 {
                seen = (now, Instant::now());
            }
            Ok((seen.1.elapsed() >= silence).then_some(()))
        })
        .await
    }
}
