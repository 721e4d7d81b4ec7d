//! `cargo xtask providers`: what Callboard says to model providers, judged by their official SDKs.
//!
//! The SDKs are Python packages. They go into a virtual environment under `target/providers`, once for each state
//! of `tests/providers`; nothing of them is committed.

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use semver::Version;
use xtask::paths;
use xtask::sdks::{Sdks, VARIABLE};
use xtask::venv::Python;

use crate::steps::{Steps, cargo};
use crate::{python, say};

/// The oldest Python that all SDKs take (google-genai 3.4).
const OLDEST: Version = Version::new(3, 11, 0);

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let python = Python::find(&OLDEST).map_err(anyhow::Error::msg)?;
    // With the test: one choice of features, so that the proofs compile nothing again.
    let targets = ["--bin", "callboard", "--test", "providers"];
    steps.run("build", cargo(&["build", "--workspace"]).args(targets))?;
    prove(&mut steps, &python)?;
    say::line(&format!("xtask: providers passed: {}", steps.summary()));
    Ok(())
}

/// Runs the proofs as further steps of a longer task, or notes why they aren't run.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    match python::unless_missing("provider proofs", &OLDEST, steps)? {
        Some(python) => prove(steps, &python),
        None => Ok(()),
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
    let mut made_from = format!("{} {}\n", python.path.display(), python.version);
    for file in [&requirements, &script] {
        made_from += &fs::read_to_string(file)
            .with_context(|| format!("failed to read {}", file.display()))?;
    }
    let venv = sdks.environment();
    if venv.is_made_from(&made_from) {
        say::line("xtask: the SDKs are installed already");
        return Ok(());
    }
    steps.run("provider venv", &mut venv.make(python))?;
    // Wheels alone: what an index gives out is unpacked, never run, and needs no compiler.
    steps
        .run(
            "provider SDKs",
            venv.install()
                .args(["--only-binary", ":all:", "--requirement"])
                .arg(&requirements),
        )
        .context(
            "the SDKs can't be installed: pip needs its package index once (PIP_INDEX_URL names another one), and \
             wheels for this machine; `cargo test --workspace` runs everything else without them",
        )?;
    steps.run(
        "provider schemas",
        Command::new(venv.python()).arg(&script).arg(sdks.schemas()),
    )?;
    venv.set_made_from(&made_from)
        .with_context(|| format!("failed to write into {}", venv.folder().display()))
}
