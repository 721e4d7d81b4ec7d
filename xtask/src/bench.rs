//! `cargo xtask bench`: the benchmark of `callboard-tests`, in the profile that is shipped.

use xtask::nats::{self, Source};

use crate::setup;
use crate::steps::{Steps, cargo};

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let server = setup::ready()?;
    steps.note(server.to_string());
    let mut command = cargo(&[
        "run",
        "--profile",
        "dist",
        "-p",
        "callboard-tests",
        "--bin",
        "bench",
        "--",
    ]);
    command.args(arguments);
    if let Source::Binary { path, .. } = &server {
        command.env(nats::VARIABLE, path);
    }
    steps.run("bench", &mut command)
}
