//! The folder that the tools may look into.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata};

use crate::tool::{Answer, ToolError};

/// Why a folder can't be a root.
#[derive(Debug, thiserror::Error)]
#[error("{} can't be the root of the fs tools", path.display())]
pub struct FsRootError {
    /// The folder.
    path: PathBuf,
    /// What the system says.
    #[source]
    cause: io::Error,
}

/// A folder that tools may look into. Clones share its handle, which stays the same folder when it
/// is moved.
#[derive(Clone, Debug)]
pub struct FsRoot {
    dir: Arc<Dir>,
    /// Where it was when it was opened, without symbolic links; only walks need it.
    path: Arc<Path>,
}

impl FsRoot {
    /// Opens a folder.
    ///
    /// # Errors
    /// When it isn't there, is no folder, or may not be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FsRootError> {
        let path = path.as_ref();
        let refuse = |cause| FsRootError {
            path: path.to_owned(),
            cause,
        };
        let real = path.canonicalize().map_err(refuse)?;
        let dir = Dir::open_ambient_dir(&real, ambient_authority()).map_err(refuse)?;
        Ok(Self {
            dir: Arc::new(dir),
            path: real.into(),
        })
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is at a path of the model's.
    pub(super) fn metadata(&self, path: &str) -> Result<Metadata, ToolError> {
        let relative = relative(path)?;
        self.dir
            .metadata(relative)
            .map_err(|error| explain(path, &error))
    }

    /// Opens a regular file. Pipes and devices are refused: opening one may wait for ever.
    pub(super) fn open_file(&self, path: &str) -> Result<(File, u64), ToolError> {
        let metadata = self.metadata(path)?;
        if metadata.is_dir() {
            return Err(answer(format!(
                "{path:?} is a folder; list it with fs_list"
            )));
        }
        if !metadata.is_file() {
            return Err(answer(format!(
                "{path:?} is neither a file nor a folder but a pipe, a socket or a device, and is not read"
            )));
        }
        let file = self
            .dir
            .open(relative(path)?)
            .map_err(|error| explain(path, &error))?;
        Ok((file, metadata.len()))
    }

    /// The path relative to the root, without symbolic links on the way.
    pub(super) fn resolve(&self, path: &str) -> Result<PathBuf, ToolError> {
        self.dir
            .canonicalize(relative(path)?)
            .map_err(|error| explain(path, &error))
    }
}

/// A path of the model's, checked as far as text goes: what it leads to is checked when it is opened.
pub(super) fn relative(path: &str) -> Result<&Path, ToolError> {
    if path.contains('\0') {
        return Err(ToolError::invalid_arguments(
            "the path holds a NUL character, which no file name can",
        ));
    }
    let relative = Path::new(path);
    if relative.has_root() {
        return Err(answer(format!(
            "{path:?} is an absolute path; paths are relative to the root folder, whose own path is \".\""
        )));
    }
    Ok(if path.is_empty() {
        Path::new(".")
    } else {
        relative
    })
}

/// The answer to a path that could not be opened: cause and cure.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the system's errors are no closed set of ours"
)]
pub(super) fn explain(path: &str, error: &io::Error) -> ToolError {
    answer(match error.kind() {
        io::ErrorKind::NotFound => {
            format!("there is no {path:?}; fs_list shows what there is")
        }
        // The system's own refusals carry its error number; leading out of the root is told by the
        // capability library alone.
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => format!(
            "{path:?} leads out of the root folder; only what lies below it can be looked at"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("{path:?} may not be read by the worker")
        }
        io::ErrorKind::NotADirectory => {
            format!("{path:?} goes through something that is no folder")
        }
        io::ErrorKind::InvalidFilename => {
            format!("{path:?} is longer than a path can be")
        }
        _ => format!("{path:?} can't be opened: {error}"),
    })
}

pub(super) fn answer(text: String) -> ToolError {
    ToolError::Answered(Answer::error(text))
}
