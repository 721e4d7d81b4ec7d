//! `cargo xtask mcp`: MCP hosting, proven on the reference servers and against the official Python client.
//!
//! They go under `target/mcp`, once for each state of `tests/mcp`; nothing of them is committed.

use std::env;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, bail};
use semver::Version;
use xtask::mcp_servers::{Servers, VARIABLE};
use xtask::paths;
use xtask::venv::Python;

use crate::say;
use crate::steps::{Steps, cargo};

/// The oldest Python that the servers take.
const OLDEST: Version = Version::new(3, 10, 0);

/// `required` makes a missing npm or Python a failure; else it is noted, and the proofs aren't run. `none` leaves them out
/// on a machine that has both and no package indexes.
const WISH: &str = "CALLBOARD_MCP_SERVERS";

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let python = python().map_err(anyhow::Error::msg)?;
    // With the test: one choice of features, so that the proofs compile nothing again.
    let targets = ["--bin", "callboard", "--test", "mcp"];
    steps.run("build", cargo(&["build", "--workspace"]).args(targets))?;
    prove(&mut steps, &python)?;
    say::line(&format!("xtask: mcp passed: {}", steps.summary()));
    Ok(())
}

/// Runs the proofs as further steps of a longer task, or notes why they aren't run.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    let wish = env::var_os(WISH).unwrap_or_default();
    if wish == "none" {
        steps.note(format!("MCP servers NOT RUN: {WISH} is \"none\""));
        return Ok(());
    }
    match python() {
        Ok(python) => prove(steps, &python),
        Err(missing) if wish == "required" => {
            bail!("MCP servers: {missing} ({WISH} is \"required\")")
        }
        Err(missing) => {
            steps.note(format!("MCP servers NOT RUN: {missing}"));
            Ok(())
        }
    }
}

/// A Python for PyPI's servers, where there is an npm for the others.
fn python() -> Result<Python, String> {
    if paths::on_path("npm").is_none() {
        return Err(
            "no npm on the PATH; install Node with npm (Debian: `apt-get install npm`)".to_owned(),
        );
    }
    Python::find(&OLDEST)
}

fn prove(steps: &mut Steps, python: &Python) -> anyhow::Result<()> {
    let servers = Servers::at(paths::target().join("mcp"));
    install(steps, &servers, python)?;
    let callboard = paths::target().join("debug").join("callboard");
    steps.run(
        "MCP servers",
        cargo(&["test", "--workspace", "--test", "mcp", "real"])
            .env(VARIABLE, servers.folder())
            .env("CALLBOARD_BIN", callboard),
    )
}

/// Installs servers and client, unless that was done from the same files before.
fn install(steps: &mut Steps, servers: &Servers, python: &Python) -> anyhow::Result<()> {
    let sources = paths::root().join("tests").join("mcp");
    let package = sources.join("package.json");
    let requirements = sources.join("requirements.txt");
    let mut made_from = format!("{} {}\n", python.path.display(), python.version);
    for file in [&package, &requirements] {
        made_from += &fs::read_to_string(file)
            .with_context(|| format!("failed to read {}", file.display()))?;
    }
    let venv = servers.environment();
    if venv.is_made_from(&made_from) {
        say::line("xtask: the MCP servers are installed already");
        return Ok(());
    }
    fs::create_dir_all(servers.npm())?;
    fs::copy(&package, servers.npm().join("package.json"))?;
    let missing = "the MCP servers can't be installed: npm and pip need their package indexes once; \
                   `cargo test --workspace` runs everything else without them";
    let mut npm = Command::new("npm");
    npm.current_dir(servers.npm()).args([
        "install",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
    ]);
    steps.run("npm servers", &mut npm).context(missing)?;
    steps.run("MCP venv", &mut venv.make(python))?;
    steps
        .run(
            "PyPI servers",
            venv.install().arg("--requirement").arg(&requirements),
        )
        .context(missing)?;
    venv.set_made_from(&made_from)
        .with_context(|| format!("failed to write into {}", venv.folder().display()))
}
