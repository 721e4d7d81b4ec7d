//! `cargo xtask providers`: what Callboard says to model providers, judged by their official SDKs.
//!
//! The SDKs are Python packages. They go into a virtual environment under `target/providers`, once for each state
//! of `tests/providers`; nothing of them is committed.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use semver::Version;
use xtask::paths;
use xtask::sdks::{Sdks, VARIABLE};

use crate::say;
use crate::steps::{Steps, cargo};

/// The oldest Python that all SDKs take (google-genai 3.4).
const OLDEST: Version = Version::new(3, 11, 0);

/// Pythons by the names that systems give them, the machine's own choice first.
const NAMES: [&str; 5] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
];

/// Says which Python it is, provided that it can make a virtual environment with pip.
const ASK: &str = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";

/// `required` makes a missing Python a failure; else it is noted and the step not run.
const REQUIRED_VARIABLE: &str = "CALLBOARD_PROVIDER_PROOFS";

/// A Python that will do.
struct Python {
    name: &'static str,
    version: Version,
}

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let python = python().map_err(anyhow::Error::msg)?;
    // With the test: one choice of features, so that the proofs compile nothing again.
    let targets = ["--bin", "callboard", "--test", "providers"];
    steps.run("build", cargo(&["build", "--workspace"]).args(targets))?;
    prove(&mut steps, &python)?;
    say::line(&format!("xtask: providers passed: {}", steps.summary()));
    Ok(())
}

/// Runs the proofs as further steps of a longer task, or notes why they aren't run.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    match python() {
        Ok(python) => prove(steps, &python),
        Err(missing) if env::var_os(REQUIRED_VARIABLE).is_some_and(|set| set == "required") => {
            bail!("provider proofs: {missing} ({REQUIRED_VARIABLE} is \"required\")")
        }
        Err(missing) => {
            steps.note(format!("provider proofs NOT RUN: {missing}"));
            Ok(())
        }
    }
}

fn prove(steps: &mut Steps, python: &Python) -> anyhow::Result<()> {
    let sdks = Sdks::at(paths::target().join("providers"));
    install(steps, &sdks, python)?;
    let callboard = paths::target().join("debug").join("callboard");
    steps.run(
        "provider proofs",
        cargo(&["test", "--workspace", "--test", "providers"])
            .env(VARIABLE, sdks.folder())
            .env("CALLBOARD_BIN", callboard),
    )
}

/// Installs the SDKs and writes their schemas, unless that was done from the same files before.
fn install(steps: &mut Steps, sdks: &Sdks, python: &Python) -> anyhow::Result<()> {
    let sources = paths::root().join("tests").join("providers");
    let requirements = sources.join("requirements.txt");
    let script = sources.join("schemas.py");
    let mut made_from = format!("{} {}\n", python.name, python.version);
    for file in [&requirements, &script] {
        made_from += &fs::read_to_string(file)
            .with_context(|| format!("failed to read {}", file.display()))?;
    }
    let stamp = sdks.folder().join("made-from");
    if fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == made_from) {
        say::line("xtask: the SDKs are installed already");
        return Ok(());
    }

    make_empty(sdks)?;
    steps.run(
        "provider venv",
        Command::new(python.name)
            .args(["-m", "venv"])
            .arg(sdks.environment()),
    )?;
    // Wheels alone: what an index gives out is unpacked, never run, and needs no compiler.
    steps
        .run(
            "provider SDKs",
            Command::new(sdks.python())
                .args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:"])
                .args(["--disable-pip-version-check", "--requirement"])
                .arg(&requirements),
        )
        .context(
            "the SDKs can't be installed: pip needs its package index once (PIP_INDEX_URL names another one), and \
             wheels for this machine; `cargo test --workspace` runs everything else without them",
        )?;
    steps.run(
        "provider schemas",
        Command::new(sdks.python()).arg(&script).arg(sdks.schemas()),
    )?;
    fs::write(&stamp, made_from).with_context(|| format!("failed to write {}", stamp.display()))
}

fn make_empty(sdks: &Sdks) -> anyhow::Result<()> {
    let folder = sdks.folder();
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("failed to clear {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))
}

/// Finds a Python, or says of each one why it won't do, and the cure.
fn python() -> Result<Python, String> {
    let mut misses = Vec::new();
    for (name, path) in NAMES
        .iter()
        .filter_map(|name| Some((*name, paths::on_path(name)?)))
    {
        match version(&path) {
            Ok(version) if version >= OLDEST => return Ok(Python { name, version }),
            Ok(version) => misses.push(format!("{name} is {version}")),
            Err(why) => misses.push(format!("{name}: {why}")),
        }
    }
    if misses.is_empty() {
        misses.push("no python3 on the PATH".to_owned());
    }
    Err(format!(
        "{}; install Python {}.{} or newer with venv (Debian: `apt-get install python3-venv`), then `cargo xtask \
         providers`",
        misses.join(", "),
        OLDEST.major,
        OLDEST.minor
    ))
}

fn version(python: &PathBuf) -> Result<Version, String> {
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
