//! Python workers (`worker/python`) as processes of a test.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tokio::process::Command;
use xtask::{paths, python_worker};

use super::child::Child;
use super::command::Callboard;
use super::ledger::Ledger;

/// Returns the Python that has the worker package, or says on standard error why the test is left out.
#[must_use]
pub fn python() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| match python_worker::python() {
            Ok(path) => Some(path),
            Err(missing) => {
                // Whoever doesn't read it doesn't wait for it.
                let _ = writeln!(std::io::stderr(), "LEFT OUT: Python workers: {missing}");
                None
            }
        })
        .clone()
}

/// The worker package of this Python, with these words. Nothing of the tests' own configuration reaches it.
#[must_use]
pub fn worker(python: &Path, words: &[&str]) -> Callboard {
    let mut command = Command::new(python);
    command.args(["-m", "callboard_worker"]).args(words);
    Callboard::of(command)
}

/// A referee in Python before it is started: the tools, names and digests of [`super::referee`].
#[must_use]
pub fn referee(python: &Path, url: &str, name: &str, slots: u32, ledger: &Ledger) -> Callboard {
    let tools = paths::root()
        .join("tests")
        .join("python")
        .join("referee.py");
    worker(python, &[&tools.to_string_lossy()])
        .nats(url)
        .args(["--name", name, "--pool", "referees"])
        .args(["--slots", &slots.to_string()])
        .env("REFEREE_WORKER", name)
        .env("REFEREE_LEDGER", &ledger.path().to_string_lossy())
}

/// Starts a referee in Python and waits until it offers its tools.
///
/// # Errors
/// It ended instead; the text holds what it said.
pub async fn start_referee(
    python: &Path,
    url: &str,
    name: &str,
    slots: u32,
    ledger: &Ledger,
) -> anyhow::Result<Child> {
    referee(python, url, name, slots, ledger).offers().await
}
