//! `cargo xtask networks | kubernetes`: the images on separate Docker networks, and the manifests on a cluster.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use semver::Version;
use xtask::nats::{self, Source};
use xtask::venv::Python;
use xtask::{docker, paths};

use crate::steps::Steps;
use crate::{python, say, setup};

/// The oldest Python that the checks run on.
const OLDEST: Version = Version::new(3, 10, 0);

/// Runs the check on separate networks.
pub(crate) fn networks(keep: bool) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    docker::engine().map_err(anyhow::Error::msg)?;
    let python = Python::find(&OLDEST).map_err(anyhow::Error::msg)?;
    break_networks(&mut steps, &python, None, keep)?;
    say::line(&format!("xtask: networks passed: {}", steps.summary()));
    Ok(())
}

/// Runs the check on separate networks as further steps of a longer task, or notes why it isn't run.
pub(crate) fn networks_in(steps: &mut Steps) -> anyhow::Result<()> {
    if let Err(missing) = docker::engine() {
        steps.note(format!("networks NOT RUN: {missing}"));
        return Ok(());
    }
    match python::unless_missing("networks", &OLDEST, steps)? {
        Some(python) => break_networks(steps, &python, Some(binary()), false),
        None => Ok(()),
    }
}

fn break_networks(
    steps: &mut Steps,
    python: &Python,
    built: Option<PathBuf>,
    keep: bool,
) -> anyhow::Result<()> {
    build(steps, python, built, &["callboard", "nats", "python"])?;
    check(steps, "networks", python, "networks.py", keep)
}

/// Runs the check on the cluster that `KUBECONFIG` names; `load` is a command that gives it images, by their names.
pub(crate) fn kubernetes(load: Option<&str>, keep: bool) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let python = Python::find(&OLDEST).map_err(anyhow::Error::msg)?;
    if paths::on_path("kubectl").is_none() {
        bail!("there is no kubectl; install one, and let KUBECONFIG name a cluster");
    }
    if let Some(load) = load {
        let images = ["callboard", "nats", "python", "jaeger"];
        build(&mut steps, &python, None, &images)?;
        let mut words = load.split_whitespace();
        let program = words.next().context("--load names a command")?;
        let names = [
            "callboard:dev",
            "callboard-nats:dev",
            "callboard-python:dev",
            "callboard-jaeger:dev",
        ];
        steps.run(
            "load images",
            Command::new(program)
                .args(words)
                .args(names)
                .current_dir(paths::root()),
        )?;
    } else {
        say::line("xtask: the cluster's nodes have the images already (else: --load COMMAND)");
    }
    check(&mut steps, "kubernetes", &python, "kubernetes.py", keep)?;
    say::line(&format!("xtask: kubernetes passed: {}", steps.summary()));
    Ok(())
}

/// Builds images around `built`, the binary of an earlier step, or around one that is built first.
fn build(
    steps: &mut Steps,
    python: &Python,
    built: Option<PathBuf>,
    images: &[&str],
) -> anyhow::Result<()> {
    let mut command = Command::new(paths::root().join("deploy/images/build-local"));
    command.args(images).env("PYTHON", &python.path);
    if let Some(built) = built {
        command.env("CALLBOARD_BIN", built);
    }
    if let Source::Binary { path, .. } = setup::ready()? {
        command.env(nats::VARIABLE, path);
    }
    steps.run("images", &mut command)
}

/// Runs one of the scripts of `tests/deployment`, once their judge has shown that it sees what is broken.
fn check(
    steps: &mut Steps,
    name: &'static str,
    python: &Python,
    script: &str,
    keep: bool,
) -> anyhow::Result<()> {
    let folder = paths::root().join("tests/deployment");
    steps.run("judge", &mut script_of(python, &folder, "judge.py"))?;
    let mut command = script_of(python, &folder, script);
    command
        .arg(binary())
        .arg(paths::target().join("deployment").join(name));
    if keep {
        command.arg("--keep");
    }
    steps.run(name, &mut command)
}

fn script_of(python: &Python, folder: &Path, script: &str) -> Command {
    let mut command = Command::new(&python.path);
    command.arg("-B").arg(folder.join(script));
    command
}

/// The binary that makes keys and tokens: what `build-local` has just built, or an earlier build.
fn binary() -> PathBuf {
    paths::target().join("debug").join("callboard")
}
