//! Where the Python worker package lies once a task has installed it, and how the tests are told.

use std::env;
use std::path::PathBuf;

use semver::Version;

use crate::paths;
use crate::venv::Venv;

/// The environment variable that names the Python which has the package. Unset, the tests look under the target folder.
pub const VARIABLE: &str = "CALLBOARD_PYTHON_WORKER";

/// The oldest Python that the package takes.
pub const OLDEST: Version = Version::new(3, 10, 0);

/// Returns the package's folder.
#[must_use]
pub fn sources() -> PathBuf {
    paths::root().join("worker").join("python")
}

/// Returns the environment that the package is installed into.
#[must_use]
pub fn environment() -> Venv {
    Venv::at(paths::target().join("python-worker"))
}

/// Returns the Python that has the package: what [`VARIABLE`] names, else that of the [`environment`].
///
/// # Errors
/// One line that says what is missing, and the cure.
pub fn python() -> Result<PathBuf, String> {
    let named = env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let (path, cure) = match named {
        Some(path) => (
            PathBuf::from(path),
            format!("set {VARIABLE} to one that has the package"),
        ),
        None => (
            environment().python(),
            "`cargo xtask test` makes it, where a Python with venv is found".to_owned(),
        ),
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("there is no Python at {}; {cure}", path.display()))
    }
}
