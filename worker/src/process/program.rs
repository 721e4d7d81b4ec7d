//! Finds programs.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Why a program can't be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It isn't on the `PATH`.
    #[error("the program {0:?} isn't on this worker's PATH; install it, or give its absolute path")]
    NotFound(String),
    /// The path leads to no file that can be executed.
    #[error(
        "{0} is no file that can be executed; give the path of a program, executable for this worker"
    )]
    NotExecutable(PathBuf),
    /// The path is relative.
    #[error(
        "{0:?} is a relative path; give an absolute one, or a bare name to be found on the PATH"
    )]
    Relative(String),
}

/// The absolute path of a program, by its own path or by the worker's `PATH`.
pub(crate) fn find(program: &str) -> Result<PathBuf, ProgramError> {
    let path = Path::new(program);
    if path.is_absolute() {
        return if is_executable(path) {
            Ok(path.to_owned())
        } else {
            Err(ProgramError::NotExecutable(path.to_owned()))
        };
    }
    if program.contains('/') {
        return Err(ProgramError::Relative(program.to_owned()));
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
        .ok_or_else(|| ProgramError::NotFound(program.to_owned()))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
