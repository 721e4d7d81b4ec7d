//! Virtual environments of Python under the target folder: found before made, and made once for each state of what
//! they are made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use semver::Version;

use crate::paths;

/// Pythons by the names that systems give them, the machine's own choice first.
const NAMES: [&str; 6] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
];

/// Says which Python it is, provided that it can make a virtual environment with pip.
const ASK: &str = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";

/// A Python that can make virtual environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// Where it lies.
    pub path: PathBuf,
    /// What it said it is.
    pub version: Version,
}

impl Python {
    /// Finds one on the `PATH`, `oldest` or newer.
    ///
    /// # Errors
    /// One line that names each that was tried, why it won't do, and the cure.
    pub fn find(oldest: &Version) -> Result<Self, String> {
        let mut misses = Vec::new();
        for (name, path) in NAMES
            .iter()
            .filter_map(|name| Some((*name, paths::on_path(name)?)))
        {
            match version(&path) {
                Ok(version) if version >= *oldest => return Ok(Self { path, version }),
                Ok(version) => misses.push(format!("{name} is {version}")),
                Err(why) => misses.push(format!("{name}: {why}")),
            }
        }
        if misses.is_empty() {
            misses.push("no python3 on the PATH".to_owned());
        }
        Err(format!(
            "{}; install Python {}.{} or newer with venv (Debian: `apt-get install python3-venv`)",
            misses.join(", "),
            oldest.major,
            oldest.minor
        ))
    }
}

fn version(python: &Path) -> Result<Version, String> {
    let output = Command::new(python)
        .args(["-c", ASK])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("it can't be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        return Err(last.unwrap_or("it fails and says nothing").to_owned());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Version::parse(said.trim()).map_err(|_| format!("it says it is {:?}", said.trim()))
}

/// A virtual environment, there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The environment that lies, or will lie, in `folder`.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its Python.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("made-from")
    }

    /// What the stamp says. With the folder: what is in an environment works at the path only where it was made.
    fn stamped(&self, made_from: &str) -> String {
        format!("{}\n{made_from}", self.folder.display())
    }

    /// Tells whether it was made from this, and here.
    #[must_use]
    pub fn is_made_from(&self, made_from: &str) -> bool {
        fs::read_to_string(self.stamp()).is_ok_and(|stamp| stamp == self.stamped(made_from))
    }

    /// Notes what it was made from, once everything is in it.
    ///
    /// # Errors
    /// The system's own.
    pub fn set_made_from(&self, made_from: &str) -> std::io::Result<()> {
        fs::write(self.stamp(), self.stamped(made_from))
    }

    /// The command that makes it anew and empty.
    #[must_use]
    pub fn make(&self, python: &Python) -> Command {
        let mut command = Command::new(&python.path);
        command.args(["-m", "venv", "--clear"]).arg(&self.folder);
        command
    }

    /// The command that installs into it; what to install is added by the caller.
    #[must_use]
    pub fn install(&self) -> Command {
        let mut command = Command::new(self.python());
        command.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        command
    }
}
