//! Finds a Jaeger v2 that the tests may use.
//!
//! The order is `JAEGER_BIN`, then what `cargo xtask jaeger` put under `target/tools`. Nothing is got here.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::paths;

/// The environment variable that names a Jaeger v2 binary. The tests that need one are left out without it.
pub const VARIABLE: &str = "JAEGER_BIN";

/// The Jaeger that [`VARIABLE`] names, if it is set.
#[must_use]
pub fn named() -> Option<PathBuf> {
    env::var_os(VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Where the task puts one.
#[must_use]
pub fn installed() -> PathBuf {
    paths::tools().join("jaeger")
}

/// Finds one that is at hand.
///
/// # Errors
/// One line that says what was looked at.
pub fn find() -> Result<PathBuf, String> {
    if let Some(path) = named() {
        // It was somebody's decision: one that can't be used isn't passed over.
        return check(&path)
            .map(|()| path.clone())
            .map_err(|why| format!("{VARIABLE}={}: {why}", path.display()));
    }
    let path = installed();
    check(&path)
        .map(|()| path.clone())
        .map_err(|why| format!("{VARIABLE} isn't set; {}: {why}", path.display()))
}

/// Checks that a binary is a Jaeger v2: the first has no such command as `version` in JSON.
///
/// # Errors
/// One line that says why it is none.
pub fn check(binary: &Path) -> Result<(), String> {
    let output = Command::new(binary)
        .arg("version")
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.contains("gitVersion") {
        Ok(())
    } else {
        Err(format!(
            "`version` said {:?}, and no Jaeger does",
            said.trim()
        ))
    }
}
