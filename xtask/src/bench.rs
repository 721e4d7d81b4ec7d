//! `cargo xtask bench`: the benchmark of `callboard-tests`, in the release profile.

use xtask::nats::{self, Source};

use crate::setup;
use crate::steps::{Steps, cargo};

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let server = setup::ready()?;
    steps.note(server.to_string());
    // The benchmark starts this binary as separate processes.
    steps.run(
        "build",
        &mut cargo(&["build", "--release", "--bin", "callboard"]),
    )?;
    let mut command = cargo(&[
        "run",
        "--release",
        "-p",
        "callboard-tests",
        "--bin",
        "bench",
        "--",
    ]);
    command.args(arguments);
    command.env(
        "CALLBOARD_BIN",
        xtask::paths::target().join("release").join("callboard"),
    );
    if let Source::Binary { path, .. } = &server {
        command.env(nats::VARIABLE, path);
    }
    steps.run("bench", &mut command)
}
