//! `cargo xtask promtool`: what is scraped and the alert rules, judged by Prometheus' own tool.
//!
//! promtool is found before it is got: `PROMTOOL`, the `PATH`, `target/tools`, out of Debian's package of Prometheus.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use xtask::nats::{self, Source};
use xtask::paths;

use crate::say;
use crate::setup::{self, debian};
use crate::steps::{Steps, cargo};

/// Names a promtool, for the task and for the tests, which are left out without it.
const VARIABLE: &str = "PROMTOOL";
/// `required` makes a missing promtool a failure of `cargo xtask test`; `none` leaves the proof out.
const WISH: &str = "CALLBOARD_PROMTOOL";
/// Suites whose package is tried, the stable ones first: any version will do.
const SUITES: [&str; 4] = ["trixie", "bookworm", "forky", "sid"];

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let binary = ready()?;
    let targets = ["--bin", "callboard", "--test", "traces"];
    steps.run("build", cargo(&["build", "--workspace"]).args(targets))?;
    prove(&mut steps, &binary)?;
    say::line(&format!("xtask: promtool passed: {}", steps.summary()));
    Ok(())
}

/// Runs the proof as a further step of a longer task, or notes why it isn't run.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    let wish = env::var_os(WISH).unwrap_or_default();
    if wish == "none" {
        steps.note(format!("promtool NOT RUN: {WISH} is \"none\""));
        return Ok(());
    }
    match ready() {
        Ok(binary) => prove(steps, &binary),
        Err(missing) if wish == "required" => {
            Err(missing.context(format!("{WISH} is \"required\"")))
        }
        Err(missing) => {
            steps.note(format!("promtool NOT RUN: {missing:#}"));
            Ok(())
        }
    }
}

fn prove(steps: &mut Steps, binary: &Path) -> anyhow::Result<()> {
    let mut proof = cargo(&["test", "--workspace", "--test", "traces", "promtool"]);
    proof.env(VARIABLE, binary);
    if let Source::Binary { path, .. } = setup::ready()? {
        proof.env(nats::VARIABLE, path);
    }
    let callboard = paths::target().join("debug").join("callboard");
    steps.run("promtool", proof.env("CALLBOARD_BIN", callboard))
}

/// A promtool that runs, got where none is found.
fn ready() -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        // It was somebody's decision: one that doesn't run isn't passed over.
        let named = PathBuf::from(named);
        check(&named).with_context(|| format!("{VARIABLE}={}", named.display()))?;
        return Ok(named);
    }
    let installed = paths::tools().join("promtool");
    let found = paths::on_path("promtool")
        .into_iter()
        .chain([installed.clone()]);
    if let Some(found) = found.into_iter().find(|binary| check(binary).is_ok()) {
        return Ok(found);
    }
    say::line("xtask: no promtool at hand, getting Debian's");
    let got = debian::fetch("prometheus", &SUITES, &["usr/bin/promtool"], |binary| {
        check(binary)?;
        fs::rename(binary, &installed).context("failed to move it to its place")
    });
    got.with_context(|| {
        format!("no promtool is at hand or could be got; set {VARIABLE} to the path of one")
    })?;
    Ok(installed)
}

fn check(binary: &Path) -> anyhow::Result<()> {
    let status = Command::new(binary)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("{} can't be run", binary.display()))?;
    if !status.success() {
        bail!("{} --version failed ({status})", binary.display());
    }
    Ok(())
}
