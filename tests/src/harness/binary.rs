//! Finds the binary under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use xtask::paths;

/// Names the binary; `cargo xtask test` sets it to the one that it has built.
const VARIABLE: &str = "CALLBOARD_BIN";

/// Returns the path of `callboard`: what `CALLBOARD_BIN` names, else a debug build, made once per process.
///
/// # Errors
/// The variable names no file, or the build failed (with cargo's own words).
pub fn callboard() -> anyhow::Result<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(find) {
        Ok(path) => Ok(path),
        Err(reason) => Err(anyhow::Error::msg(reason.clone())),
    }
}

fn find() -> Result<PathBuf, String> {
    let path = match env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => build()?,
    };
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(error) => Err(format!("the binary {}: {error}", path.display())),
    }
}

fn build() -> Result<PathBuf, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--locked", "--package", "callboard"])
        .current_dir(paths::root())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo can't be run: {error}"))?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        return Err(format!("callboard can't be built: {said}"));
    }
    Ok(paths::target().join("debug").join("callboard"))
}
