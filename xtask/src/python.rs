//! The Python worker package: installed once, and its own tests.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use semver::Version;
use xtask::python_worker::{OLDEST, environment, sources};
use xtask::venv::Python;

use crate::say;
use crate::steps::Steps;

/// `required` makes a missing Python a failure; else it is noted, and what needs it not run. `none` leaves all of it out
/// on a machine that has a Python and no package index.
const VARIABLE: &str = "CALLBOARD_PYTHON";

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let python = Python::find(&OLDEST).map_err(anyhow::Error::msg)?;
    prove(&mut steps, &python)?;
    say::line(&format!("xtask: python passed: {}", steps.summary()));
    Ok(())
}

/// Installs the package and runs its tests as steps of a longer task, or notes why they aren't run. Returns the Python
/// that has the package.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<Option<PathBuf>> {
    let Some(python) = unless_missing("python worker", &OLDEST, steps)? else {
        return Ok(None);
    };
    prove(steps, &python)?;
    Ok(Some(environment().python()))
}

/// Finds a Python for a step, or notes that the step isn't run.
///
/// # Errors
/// There is none, and there must be one.
pub(crate) fn unless_missing(
    step: &str,
    oldest: &Version,
    steps: &mut Steps,
) -> anyhow::Result<Option<Python>> {
    let wish = env::var_os(VARIABLE).unwrap_or_default();
    if wish == "none" {
        steps.note(format!("{step} NOT RUN: {VARIABLE} is \"none\""));
        return Ok(None);
    }
    match Python::find(oldest) {
        Ok(python) => Ok(Some(python)),
        Err(missing) if wish == "required" => {
            bail!("{step}: {missing} ({VARIABLE} is \"required\")")
        }
        Err(missing) => {
            steps.note(format!("{step} NOT RUN: {missing}"));
            Ok(None)
        }
    }
}

fn prove(steps: &mut Steps, python: &Python) -> anyhow::Result<()> {
    install(steps, python)?;
    steps.run(
        "python worker",
        Command::new(environment().python())
            .current_dir(sources())
            .args(["-B", "-m", "pytest", "-p", "no:cacheprovider"]),
    )
}

/// Installs the package from its folder, unless that was done from the same description before.
fn install(steps: &mut Steps, python: &Python) -> anyhow::Result<()> {
    let venv = environment();
    let project = sources().join("pyproject.toml");
    let described = fs::read_to_string(&project)
        .with_context(|| format!("failed to read {}", project.display()))?;
    let made_from = format!(
        "{} {}\n{}\n{described}",
        python.path.display(),
        python.version,
        project.display()
    );
    if venv.is_made_from(&made_from) {
        say::line("xtask: the Python worker is installed already");
        return Ok(());
    }
    steps.run("python venv", &mut venv.make(python))?;
    let mut package = sources().into_os_string();
    package.push("[test]");
    steps
        .run("python packages", venv.install().arg("--editable").arg(package))
        .context(
            "the Python worker can't be installed: pip needs its package index once (PIP_INDEX_URL names another one); \
             `cargo test --workspace` runs everything else without it",
        )?;
    venv.set_made_from(&made_from)
        .with_context(|| format!("failed to write into {}", venv.folder().display()))
}
