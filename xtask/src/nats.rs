//! Finds a nats-server that the tests may use.
//!
//! The order is `NATS_SERVER`, the `PATH`, a container, then what `cargo xtask setup` installed under
//! `target/tools`. Nothing is downloaded here: getting a server is the set-up's work.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;

use crate::{docker, paths};

/// The oldest nats-server that Callboard works with (async-nats 0.51 can't make key-value buckets on 2.9).
pub const OLDEST: Version = Version::new(2, 10, 0);

/// The image that serves when no binary is at hand: the official one, newest 2.x.
pub const IMAGE: &str = "nats:2";

/// The environment variable that names a nats-server binary and wins over everything else.
pub const VARIABLE: &str = "NATS_SERVER";

/// A nats-server that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A binary that ran and said a version that is new enough.
    Binary {
        /// Where it lies.
        path: PathBuf,
        /// What it said to `--version`.
        version: Version,
        /// Which rule found it.
        found: Found,
    },
    /// A container image that the Docker engine holds.
    Image {
        /// The image's name and tag.
        name: String,
    },
}

/// The rule that found a binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// `NATS_SERVER` names it.
    Variable,
    /// It lies on the `PATH`.
    Path,
    /// The set-up installed it under `target/tools`.
    Tools,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary {
                path,
                version,
                found,
            } => {
                let rule = match found {
                    Found::Variable => VARIABLE,
                    Found::Path => "the PATH",
                    Found::Tools => "the set-up",
                };
                write!(
                    out,
                    "nats-server {version} from {rule} ({})",
                    path.display()
                )
            }
            Self::Image { name } => write!(out, "nats-server in a container of the image {name}"),
        }
    }
}

/// One place that was looked at, and why it holds no server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The place, as a person would name it.
    pub place: String,
    /// Why it doesn't serve.
    pub reason: String,
}

/// No nats-server was found; it names every place that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// The places in the order in which they were tried.
    pub tried: Vec<Miss>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "no nats-server {OLDEST} or newer was found")?;
        for miss in &self.tried {
            writeln!(out, "  {}: {}", miss.place, miss.reason)?;
        }
        let cure = if self
            .tried
            .iter()
            .any(|miss| miss.place.starts_with("NATS_SERVER="))
        {
            "cure: unset NATS_SERVER and run `cargo xtask setup`, or set it to the path of a newer one"
        } else {
            "cure: run `cargo xtask setup`, which gets one without touching the system, or set \
             NATS_SERVER to the path of one"
        };
        out.write_str(cure)
    }
}

impl std::error::Error for NotFound {}

/// What the search asks of the machine that it runs on.
pub trait Machine {
    /// Returns the path that `NATS_SERVER` holds.
    fn variable(&self) -> Option<PathBuf>;
    /// Returns the nats-server on the `PATH`.
    fn on_path(&self) -> Option<PathBuf>;
    /// Returns where the set-up puts a nats-server, whether or not one is there.
    fn installed(&self) -> PathBuf;
    /// Runs a binary and returns the version that it says.
    ///
    /// # Errors
    /// One line that says why there is no version.
    fn version(&self, binary: &Path) -> Result<Version, String>;
    /// Tells whether a container of `image` could be started without a download.
    ///
    /// # Errors
    /// One line that says why not.
    fn holds_image(&self, image: &str) -> Result<(), String>;
}

/// The machine that this process runs on.
#[derive(Debug, Clone, Copy)]
pub struct Here;

impl Machine for Here {
    fn variable(&self) -> Option<PathBuf> {
        env::var_os(VARIABLE)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }

    fn on_path(&self) -> Option<PathBuf> {
        paths::on_path("nats-server")
    }

    fn installed(&self) -> PathBuf {
        paths::tools().join("nats-server")
    }

    fn version(&self, binary: &Path) -> Result<Version, String> {
        let output = Command::new(binary)
            .arg("--version")
            .output()
            .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout);
        parse_version(&said)
            .ok_or_else(|| format!("`--version` said {:?}, which is no version", said.trim()))
    }

    fn holds_image(&self, image: &str) -> Result<(), String> {
        docker::engine()?;
        docker::has_image(image)
    }
}

/// Finds a server on this machine.
///
/// # Errors
/// [`NotFound`] names every place that was looked at and why it didn't serve.
pub fn find() -> Result<Source, NotFound> {
    find_on(&Here)
}

/// Finds a server on `machine`: the variable, the `PATH`, a container, the set-up's folder.
///
/// # Errors
/// [`NotFound`]. A variable that names no usable server ends the search, because it was somebody's decision.
pub fn find_on(machine: &impl Machine) -> Result<Source, NotFound> {
    let mut tried = Vec::new();
    let mut miss = |place: String, reason: String| tried.push(Miss { place, reason });

    if let Some(path) = machine.variable() {
        return check(machine, path.clone(), Found::Variable).map_err(|reason| NotFound {
            tried: vec![Miss {
                place: format!("{VARIABLE}={}", path.display()),
                reason,
            }],
        });
    }
    miss(VARIABLE.to_owned(), "not set".to_owned());

    match machine.on_path() {
        Some(path) => match check(machine, path.clone(), Found::Path) {
            Ok(source) => return Ok(source),
            Err(reason) => miss(format!("the PATH ({})", path.display()), reason),
        },
        None => miss("the PATH".to_owned(), "no nats-server on it".to_owned()),
    }

    match machine.holds_image(IMAGE) {
        Ok(()) => {
            return Ok(Source::Image {
                name: IMAGE.to_owned(),
            });
        }
        Err(reason) => miss(format!("a container of {IMAGE}"), reason),
    }

    let path = machine.installed();
    match check(machine, path.clone(), Found::Tools) {
        Ok(source) => Ok(source),
        Err(reason) => {
            miss(path.display().to_string(), reason);
            Err(NotFound { tried })
        }
    }
}

fn check(machine: &impl Machine, path: PathBuf, found: Found) -> Result<Source, String> {
    let version = machine.version(&path)?;
    if version < OLDEST {
        return Err(format!(
            "it is version {version}, too old: Callboard needs {OLDEST} or newer"
        ));
    }
    Ok(Source::Binary {
        path,
        version,
        found,
    })
}

/// Reads the version out of what `nats-server --version` prints (`nats-server: v2.15.1`).
#[must_use]
pub fn parse_version(said: &str) -> Option<Version> {
    let word = said
        .split_whitespace()
        .find(|word| word.starts_with('v') && word.contains('.'))?;
    Version::parse(word.strip_prefix('v')?).ok()
}

#[cfg(test)]
mod tests;
