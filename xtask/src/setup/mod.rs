//! `cargo xtask setup`: gets a nats-server when none is at hand, without touching the system.
//!
//! Found before got: `NATS_SERVER`, the `PATH`, an image or an earlier installation. Only when all of them miss
//! is anything downloaded: the image, then Debian's package, then Go's module, the first that works.

pub(crate) mod debian;
mod golang;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use xtask::nats::{self, Found, Machine as _, Source};
use xtask::{docker, paths};

use crate::say;

/// A way to get a nats-server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// The official image, pulled by the Docker engine
    Image,
    /// The package of a newer Debian suite, unpacked under target/tools
    Debian,
    /// `go install`, into target/tools
    Go,
}

impl Way {
    /// The order of trust in each: an image is ready to run, a package is small, a module must be compiled.
    const ALL: [Self; 3] = [Self::Image, Self::Debian, Self::Go];

    fn name(self) -> &'static str {
        match self {
            Self::Image => "pulling the image",
            Self::Debian => "Debian's package",
            Self::Go => "go install",
        }
    }
}

/// Gets what the tests need and says what it took.
pub(crate) fn run(via: Option<Way>) -> anyhow::Result<()> {
    let server = match via {
        Some(way) => get(way).with_context(|| format!("{} gave no nats-server", way.name()))?,
        None => ready()?,
    };
    say::line(&format!("xtask: took {server}"));
    match docker::engine() {
        Ok(version) => say::line(&format!(
            "xtask: container tests will run on Docker {version}"
        )),
        Err(reason) => say::line(&format!(
            "xtask: container tests will run on a spawned server and proxy: no Docker engine ({reason}); to have \
             containers, install docker.io and start dockerd"
        )),
    }
    Ok(())
}

/// Returns a nats-server that can be started, getting one when none is found.
pub(crate) fn ready() -> anyhow::Result<Source> {
    let missing = match nats::find() {
        Ok(server) => return Ok(server),
        Err(missing) => missing,
    };
    // A variable that names no usable server was somebody's decision: it is told, not passed over.
    if nats::Here.variable().is_some() {
        return Err(missing.into());
    }
    say::line("xtask: no nats-server at hand, getting one");
    let mut failures = Vec::new();
    for way in Way::ALL {
        match get(way) {
            Ok(server) => return Ok(server),
            Err(error) => {
                say::line(&format!("xtask: {}: {error:#}", way.name()));
                failures.push(format!("  {}: {error:#}", way.name()));
            }
        }
    }
    bail!("{missing}\nand none could be got:\n{}", failures.join("\n"))
}

fn get(way: Way) -> anyhow::Result<Source> {
    match way {
        Way::Image => {
            docker::engine()
                .map_err(anyhow::Error::msg)
                .context("no Docker engine")?;
            docker::pull(nats::IMAGE).map_err(anyhow::Error::msg)?;
            Ok(Source::Image {
                name: nats::IMAGE.to_owned(),
            })
        }
        Way::Debian => debian::install(),
        Way::Go => golang::install(),
    }
}

/// Puts a binary that runs and is new enough in its place under `target/tools`, in one step.
fn adopt(binary: &Path) -> anyhow::Result<Source> {
    let version = nats::Here
        .version(binary)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("{} doesn't run", binary.display()))?;
    if version < nats::OLDEST {
        bail!(
            "it is version {version}, too old: Callboard needs {} or newer",
            nats::OLDEST
        );
    }
    let path = nats::Here.installed();
    fs::rename(binary, &path)
        .with_context(|| format!("failed to move {} to {}", binary.display(), path.display()))?;
    Ok(Source::Binary {
        path,
        version,
        found: Found::Tools,
    })
}

/// Makes an empty folder for one way's work under `target/tools`.
fn workshop(name: &str) -> anyhow::Result<std::path::PathBuf> {
    let folder = paths::tools().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("failed to clear {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    Ok(folder)
}
