//! Where the official SDKs of the model providers lie once a task has installed them.

use std::env;
use std::path::{Path, PathBuf};

use crate::venv::Venv;

/// The environment variable that tells the provider proofs where the SDKs are. Unset, they are left out.
pub const VARIABLE: &str = "CALLBOARD_SDKS";

/// A folder with the SDKs in a virtual environment and the JSON Schemas of their types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdks {
    folder: PathBuf,
}

impl Sdks {
    /// The SDKs that lie, or will lie, in `folder`.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The SDKs that [`VARIABLE`] names, if it is set.
    #[must_use]
    pub fn named() -> Option<Self> {
        env::var_os(VARIABLE).map(Self::at)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The virtual environment.
    #[must_use]
    pub fn environment(&self) -> Venv {
        Venv::at(self.folder.join("venv"))
    }

    /// The Python that knows the SDKs.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.environment().python()
    }

    /// The folder of the schemas.
    #[must_use]
    pub fn schemas(&self) -> PathBuf {
        self.folder.join("schemas")
    }
}
