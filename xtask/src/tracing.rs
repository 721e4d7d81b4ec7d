//! `cargo xtask jaeger`: a traced fan-out, looked at through a real Jaeger v2.
//!
//! Jaeger is found before it is got: `JAEGER_BIN`, `target/tools`, out of its image, by Go from its module. The last
//! takes ten minutes on two cores, once, which is why no other task does it unasked.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use xtask::nats::{self, Source};
use xtask::{docker, jaeger, paths};

use crate::steps::{Steps, cargo};
use crate::{say, setup};

/// `wanted` has `cargo xtask ci` get a Jaeger where none is found, `required` makes it a failure that it can't.
const WISH: &str = "CALLBOARD_JAEGER";
/// The image that holds a Jaeger v2; `latest` of this name has been v2 since January 2025.
const IMAGE: &str = "jaegertracing/jaeger:latest";
/// Where it lies in there.
const IN_IMAGE: &str = "/cmd/jaeger/jaeger-linux";
/// The newest version that the module proxies serve; its `cmd/jaeger` is v2 (later tags are no versions of the module).
const MODULE: &str = "github.com/jaegertracing/jaeger";
const VERSION: &str = "v1.76.0";

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let binary = ready(&mut steps)?;
    let targets = ["--bin", "callboard", "--test", "traces"];
    steps.run("build", cargo(&["build", "--workspace"]).args(targets))?;
    prove(&mut steps, &binary)?;
    say::line(&format!("xtask: jaeger passed: {}", steps.summary()));
    Ok(())
}

/// Runs the proof as a further step of a longer task, where a Jaeger is at hand or wished for.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    let wish = env::var(WISH).unwrap_or_default();
    let found = match jaeger::find() {
        Err(_) if wish == "required" => Ok(ready(steps)?),
        Err(_) if wish == "wanted" => ready(steps).map_err(|error| format!("{error:#}")),
        Err(missing) => Err(format!(
            "{missing}; `cargo xtask jaeger` gets one and runs it"
        )),
        Ok(binary) => Ok(binary),
    };
    let binary = match found {
        Ok(binary) => binary,
        Err(missing) => {
            steps.note(format!("Jaeger NOT RUN: {missing}"));
            return Ok(());
        }
    };
    prove(steps, &binary)
}

fn prove(steps: &mut Steps, binary: &Path) -> anyhow::Result<()> {
    let mut proof = cargo(&["test", "--workspace", "--test", "traces", "jaeger"]);
    proof.args(["--", "--nocapture"]);
    proof.env(jaeger::VARIABLE, binary);
    if let Source::Binary { path, .. } = setup::ready()? {
        proof.env(nats::VARIABLE, path);
    }
    let callboard = paths::target().join("debug").join("callboard");
    steps.run("jaeger", proof.env("CALLBOARD_BIN", callboard))
}

/// A Jaeger that runs, got where none is found.
fn ready(steps: &mut Steps) -> anyhow::Result<PathBuf> {
    let missing = match jaeger::find() {
        Ok(binary) => return Ok(binary),
        Err(missing) => missing,
    };
    if jaeger::named().is_some() {
        bail!("{missing}");
    }
    say::line(&format!(
        "xtask: no Jaeger at hand ({missing}), getting one"
    ));
    let mut failures = String::new();
    for name in ["its image", "go build"] {
        let got = match name {
            "its image" => from_image(),
            _ => from_module(steps),
        };
        let got = got.and_then(|()| {
            jaeger::check(&jaeger::installed())
                .map(|()| jaeger::installed())
                .map_err(anyhow::Error::msg)
        });
        match got {
            Ok(binary) => return Ok(binary),
            Err(error) => {
                say::line(&format!("xtask: {name}: {error:#}"));
                write!(failures, "\n  {name}: {error:#}")?;
            }
        }
    }
    bail!(
        "{missing}, and none could be got:{failures}\ncure: set {} to the path of a Jaeger v2",
        jaeger::VARIABLE
    )
}

/// Takes the binary out of its image, so that it runs like any other.
fn from_image() -> anyhow::Result<()> {
    docker::engine()
        .map_err(anyhow::Error::msg)
        .context("no Docker engine")?;
    if docker::has_image(IMAGE).is_err() {
        docker::pull(IMAGE).map_err(anyhow::Error::msg)?;
    }
    fs::create_dir_all(paths::tools())?;
    docker::copy_out(IMAGE, IN_IMAGE, &jaeger::installed()).map_err(anyhow::Error::msg)
}

/// Builds it by Go. `go install` refuses a module that replaces others, so a module of our own requires it, with the
/// replacements and the sums that it has itself.
fn from_module(steps: &mut Steps) -> anyhow::Result<()> {
    let go = paths::on_path("go").context("no go on the PATH")?;
    let folder = paths::tools().join("jaeger-build");
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    let go = |arguments: &[&str]| {
        let mut command = Command::new("nice");
        // The build takes all that it is given for minutes, and somebody may be at work here.
        command.args(["-n", "10"]).arg(&go).args(arguments);
        // Outside of the repository: a go.work or go.mod above it must not matter.
        command.current_dir(&folder).env("GOWORK", "off");
        command
    };
    let source = downloaded(&mut go(&[
        "mod",
        "download",
        "-json",
        &format!("{MODULE}@{VERSION}"),
    ]))?;
    let read = |name: &str| {
        fs::read_to_string(source.join(name))
            .with_context(|| format!("the module of Jaeger has no {name}"))
    };
    fs::write(folder.join("go.mod"), wrapper(&read("go.mod")?))?;
    fs::write(folder.join("go.sum"), read("go.sum")?)?;
    let uses = format!("//go:build tools\n\npackage tools\n\nimport _ \"{MODULE}/cmd/jaeger\"\n");
    fs::write(folder.join("tools.go"), uses)?;
    say::line("xtask: building Jaeger takes ten minutes or so on two cores");
    steps.run(
        "go build jaeger",
        go(&[
            "build",
            "-p",
            "2",
            "-mod=mod",
            "-ldflags=-s -w",
            "-o",
            "jaeger",
        ])
        .arg(format!("{MODULE}/cmd/jaeger"))
        .env("CGO_ENABLED", "0"),
    )?;
    fs::rename(folder.join("jaeger"), jaeger::installed())
        .context("failed to move the binary to its place")?;
    fs::remove_dir_all(&folder).context("failed to clear the build's folder")
}

/// The folder that Go keeps the module's sources in.
fn downloaded(command: &mut Command) -> anyhow::Result<PathBuf> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("go can't be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    // One field a line, as `go mod download -json` writes it; no JSON reader for one field.
    let field = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"Dir\": \""));
    match field.and_then(|rest| rest.split('"').next()) {
        Some(folder) if output.status.success() => Ok(PathBuf::from(folder)),
        Some(_) | None => bail!(
            "go mod download failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    }
}

/// A module that requires Jaeger's, with its version of Go and its replacements.
fn wrapper(own: &str) -> String {
    let is_kept = |line: &&str| line.starts_with("go ") || line.starts_with("replace ");
    let kept: Vec<&str> = own.lines().filter(is_kept).collect();
    format!(
        "module callboard.invalid/jaeger\n\n{}\n\nrequire {MODULE} {VERSION}\n",
        kept.join("\n\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapper_keeps_what_a_main_module_alone_decides() {
        let own = "module github.com/jaegertracing/jaeger\n\ngo 1.24.6\n\ntoolchain go1.25.4\n\nrequire (\n\ta v1\n)\n\n\
                   replace a => b v1.33.0\n";
        assert_eq!(
            wrapper(own),
            "module callboard.invalid/jaeger\n\ngo 1.24.6\n\nreplace a => b v1.33.0\n\n\
             require github.com/jaegertracing/jaeger v1.76.0\n"
        );
    }
}
