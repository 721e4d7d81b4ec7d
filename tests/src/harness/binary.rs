//! Finds the binary under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use xtask::paths;

/// Names the binary; `cargo xtask test` sets it to the one that it has built.
const VARIABLE: &str = "CALLBOARD_BIN";
/// The example's package and binary.
const EXAMPLE: &str = "callboard-example-worker";

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
        None => build("callboard")?,
    };
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(error) => Err(format!("the binary {}: {error}", path.display())),
    }
}

/// Returns the path of the example of a worker of one's own: beside what `CALLBOARD_BIN` names, else a debug build,
/// made once per process.
///
/// # Errors
/// The build failed (with cargo's own words).
pub fn example_worker() -> anyhow::Result<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(example) {
        Ok(path) => Ok(path),
        Err(reason) => Err(anyhow::Error::msg(reason.clone())),
    }
}

fn example() -> Result<PathBuf, String> {
    let built = env::var_os(VARIABLE).map(|binary| Path::new(&binary).with_file_name(EXAMPLE));
    match built.filter(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => build(EXAMPLE),
    }
}

fn build(package: &str) -> Result<PathBuf, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--locked", "--package", package])
        .current_dir(paths::root())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo can't be run: {error}"))?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        return Err(format!("{package} can't be built: {said}"));
    }
    Ok(paths::target().join("debug").join(package))
}
