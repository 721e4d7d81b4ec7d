//! Why a link can't be had. Each text says the cause and the cure, and none holds a secret.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use super::{Denied, VERSION_MIN};

/// Why a link could not be opened or closed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The text names no server.
    #[error(
        "{url:?} names no NATS server: {reason}; write it as nats://host:4222 or tls://host:4222"
    )]
    Url {
        /// The text, without its credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No server answers.
    #[error("no NATS server answers at {servers}; start one there, or name another")]
    Unreachable {
        /// Where one was looked for.
        servers: String,
        /// What the connection says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server is too old.
    #[error(
        "the NATS server at {servers} has version {version:?}, and {major}.{minor} is the oldest that \
         will do; upgrade it, or name another",
        major = VERSION_MIN.0,
        minor = VERSION_MIN.1
    )]
    TooOld {
        /// Where it is.
        servers: String,
        /// The version that it gave.
        version: String,
    },
    /// The server doesn't accept the login.
    #[error(
        "the NATS server at {servers} refuses the login; check the user and password in the URL, the \
         credentials file or the nkey file"
    )]
    Login {
        /// Where it is.
        servers: String,
        /// What the server says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The TLS handshake failed.
    #[error(
        "no TLS connection to the NATS server at {servers}; check the certificate files, and that \
         the name in the URL is the one in the server's certificate"
    )]
    Tls {
        /// Where it is.
        servers: String,
        /// What the handshake says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The credentials file can't be read.
    #[error("the credentials file {path} can't be read; it must be a NATS `.creds` file", path = path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What reading it says.
        source: std::io::Error,
    },
    /// The nkey file can't be used.
    #[error(
        "the nkey file {path} can't be used: {reason}; it must hold the seed of a user (SU…), as \
         `callboard keys` writes it", path = path.display()
    )]
    Nkey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What is said of signatures can't be done.
    #[error("[signing] can't be kept: {reason}")]
    Signing {
        /// What is wrong, and the cure.
        reason: String,
    },
    /// The server refuses what the link needs.
    #[error("the NATS server at {servers} grants too little: {denied}")]
    Permission {
        /// Where it is.
        servers: String,
        /// What it refused first.
        denied: Denied,
    },
    /// A message to oneself did not come back.
    #[error(
        "the NATS server at {servers} gave nothing back within {within:?}; check its load, and the \
         network between"
    )]
    Silent {
        /// Where it is.
        servers: String,
        /// How long was waited.
        within: Duration,
    },
    /// The connection was down when it was closed.
    #[error(
        "the connection to the NATS server at {servers} was down at the end: what was said last has not \
         arrived"
    )]
    Away {
        /// Where it is.
        servers: String,
    },
    /// The server takes only messages that are too small.
    #[error(
        "the NATS server at {servers} takes messages of {bytes} bytes (max_payload), and callboard needs \
         {min}; raise max_payload in its configuration"
    )]
    PayloadTooSmall {
        /// Where it is.
        servers: String,
        /// What it takes.
        bytes: usize,
        /// What is needed.
        min: usize,
    },
}
