//! `cargo xtask ci`: what must hold for every commit, the quickest checks first.

use crate::steps::{Steps, cargo};
use crate::{deployment, say, test, tracing};

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    steps.run("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    steps.run(
        "lints",
        &mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    steps.run(
        "documentation",
        cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    // With `--workspace`, not `-p`: one choice of features, so that the next step compiles nothing again.
    steps.run(
        "house",
        &mut cargo(&["test", "--workspace", "--locked", "--test", "house"]),
    )?;
    test::run_in(&mut steps)?;
    tracing::run_in(&mut steps)?;
    deployment::networks_in(&mut steps)?;
    say::line(&format!("xtask: ci passed: {}", steps.summary()));
    Ok(())
}
