//! nats-server by `go install`: a static binary, after about a minute of compiling.

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use xtask::nats::Source;
use xtask::paths;

use crate::say;

const MODULE: &str = "github.com/nats-io/nats-server/v2@latest";

pub(super) fn install() -> anyhow::Result<Source> {
    let go = paths::on_path("go").context("no go on the PATH")?;
    let folder = super::workshop("go")?;
    say::line(&format!("xtask: go install {MODULE} (a minute or two)"));
    let status = Command::new(go)
        .args(["install", MODULE])
        .env("GOBIN", &folder)
        .env("CGO_ENABLED", "0")
        // Outside of the repository: a go.work or go.mod above it must not matter.
        .current_dir(&folder)
        .stdin(Stdio::null())
        .status()
        .context("go can't be run")?;
    if !status.success() {
        bail!("go install failed ({status})");
    }
    super::adopt(&folder.join("nats-server"))
}
