//! Why a worker can't serve.

use callboard_proto::NameError;
use callboard_proto::server::LinkError;

use crate::executor::StartError;
use crate::serve::HealthError;
use crate::tool::ToolsError;

/// Why a worker can't begin, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A name or label is none.
    #[error("{text:?} is no {what}")]
    Name {
        /// What it should name.
        what: &'static str,
        /// What was given.
        text: String,
        /// Why it is none.
        #[source]
        source: NameError,
    },
    /// Its tools can't be offered together.
    #[error("the tools can't be offered")]
    Tools(#[from] ToolsError),
    /// It can't begin.
    #[error("the worker can't start")]
    Start(#[from] StartError),
    /// Its health can't be told.
    #[error("the health endpoint can't be opened")]
    Health(#[from] HealthError),
    /// The server can't be reached, or was lost before the last results had arrived.
    #[error("the connection to NATS failed")]
    Link(#[from] LinkError),
    /// The server refuses what a worker needs; the text says what, and how to cure it.
    #[error("the server refuses what this worker needs: {0}")]
    Refused(String),
    /// Signals can't be listened for.
    #[error("signals can't be listened for")]
    Signals(#[source] std::io::Error),
}
