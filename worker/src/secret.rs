//! Values that a configuration refers to instead of holding them.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// A value for a program or a request: as it stands, or by reference. Only the reference is ever shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "a text, { env = \"NAME\" } or { file = \"PATH\" }"
)]
pub enum EnvValue {
    /// The value itself.
    Text(String),
    /// The value of a variable of the worker.
    Env {
        /// Its name.
        env: String,
    },
    /// The content of a file, without line breaks at its end; read for each call, so that it can be
    /// rotated.
    File {
        /// Its path.
        file: PathBuf,
    },
}

/// Why a value can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable isn't set.
    #[error("the variable {0} is not set for this worker")]
    Env(String),
    /// The file can't be read.
    #[error("the file {path} can't be read: {cause}")]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

impl EnvValue {
    /// The value itself.
    ///
    /// # Errors
    /// When the variable isn't set or the file can't be read as text.
    pub fn resolve(&self) -> Result<String, SecretError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Env { env } => std::env::var(env).map_err(|_| SecretError::Env(env.clone())),
            Self::File { file } => std::fs::read_to_string(file)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|error| SecretError::File {
                    path: file.clone(),
                    cause: error.to_string(),
                }),
        }
    }
}

impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("a text"),
            Self::Env { env } => write!(f, "env:{env}"),
            Self::File { file } => write!(f, "file:{}", file.display()),
        }
    }
}
