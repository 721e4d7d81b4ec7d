//! The folders that tasks and tests agree on.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the root of the workspace.
///
/// # Panics
/// Never: this package lies one level below the root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package lies one level below the workspace root")
}

/// Returns cargo's target folder: `CARGO_TARGET_DIR`, else `target` under the root.
#[must_use]
pub fn target() -> PathBuf {
    // `join` keeps an absolute second part as it is.
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Returns the folder that holds what the set-up installed.
#[must_use]
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// Returns where a program called `name` lies on the `PATH`, first hit first.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
