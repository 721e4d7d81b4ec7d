//! `cargo xtask manifests`: what `deploy/kubernetes` renders to, judged by the API's schemas and by rules of hardening.

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use semver::Version;
use xtask::paths;
use xtask::venv::{Python, Venv};

use crate::steps::Steps;
use crate::{python, say};

/// The oldest Python that the checkers take (kubernetes-validate 1.37).
const OLDEST: Version = Version::new(3, 11, 0);

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let python = Python::find(&OLDEST).map_err(anyhow::Error::msg)?;
    judge(&mut steps, &python)?;
    say::line(&format!("xtask: manifests passed: {}", steps.summary()));
    Ok(())
}

/// Judges them as further steps of a longer task, or notes why they aren't judged.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    match python::unless_missing("manifests", &OLDEST, steps)? {
        Some(python) => judge(steps, &python),
        None => Ok(()),
    }
}

fn judge(steps: &mut Steps, python: &Python) -> anyhow::Result<()> {
    let sources = paths::root().join("tests").join("manifests");
    let folder = paths::target().join("manifests");
    let venv = Venv::at(folder.join("venv"));
    install(steps, &venv, python, &sources.join("requirements.txt"))?;
    steps.run(
        "manifests",
        Command::new(venv.python())
            .arg(sources.join("check.py"))
            .arg(paths::root().join("deploy/kubernetes/overlays"))
            .arg(&folder),
    )
}

/// Installs the checkers, unless that was done from the same list before.
fn install(
    steps: &mut Steps,
    venv: &Venv,
    python: &Python,
    requirements: &std::path::Path,
) -> anyhow::Result<()> {
    let list = fs::read_to_string(requirements)
        .with_context(|| format!("failed to read {}", requirements.display()))?;
    let made_from = format!("{} {}\n{list}", python.path.display(), python.version);
    if venv.is_made_from(&made_from) {
        return Ok(());
    }
    steps.run("manifest venv", &mut venv.make(python))?;
    steps
        .run(
            "manifest checkers",
            venv.install().arg("--requirement").arg(requirements),
        )
        .context(
            "the checkers can't be installed: pip needs its package index once (PIP_INDEX_URL names another one)",
        )?;
    venv.set_made_from(&made_from)
        .with_context(|| format!("failed to write into {}", venv.folder().display()))
}
