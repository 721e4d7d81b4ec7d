//! `cargo xtask test`: every suite, on a nats-server that the set-up found.

use std::process::Command;

use xtask::nats::{self, Source};
use xtask::{docker, paths, python_worker};

use crate::steps::{Steps, cargo};
use crate::{api, manifests, mcp, page, promtool, providers, python, setup};

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    run_in(&mut steps)?;
    crate::say::line(&format!("xtask: test passed: {}", steps.summary()));
    Ok(())
}

/// Runs the suites as further steps of a longer task.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    let server = setup::ready()?;
    steps.note(server.to_string());
    steps.note(match docker::engine() {
        Ok(version) => format!("container tests on Docker {version}"),
        Err(_) => "container tests on a spawned server and proxy (no Docker engine)".to_owned(),
    });

    // All targets at once: a build of the binaries alone would choose other features for some dependencies and
    // compile them twice.
    steps.run(
        "build",
        &mut cargo(&["build", "--workspace", "--all-targets"]),
    )?;
    let python = python::run_in(steps)?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    if let Some(python) = python {
        tests.env(python_worker::VARIABLE, python);
    }
    steps.run("tests", told(&mut tests, &server))?;
    providers::run_in(steps)?;
    mcp::run_in(steps)?;
    api::run_in(steps)?;
    page::run_in(steps)?;
    manifests::run_in(steps)?;
    promtool::run_in(steps)?;
    steps.run(
        "simulation",
        told(
            &mut cargo(&[
                "test",
                "--profile",
                "simulation",
                "-p",
                "callboard-simulation",
                "--features",
                "mutation",
            ]),
            &server,
        ),
    )
}

/// Tells the tests what was found, so that they don't look for it again.
fn told<'a>(command: &'a mut Command, server: &Source) -> &'a mut Command {
    command.env(
        "CALLBOARD_BIN",
        paths::target().join("debug").join("callboard"),
    );
    match server {
        Source::Binary { path, .. } => command.env(nats::VARIABLE, path),
        // The harness finds the image by itself: the set-up has pulled it.
        Source::Image { .. } => command.env_remove(nats::VARIABLE),
    }
}
