//! The library's errors, as people and models read them.

use std::error::Error;

use rmcp::service::{ClientInitializeError, ServiceError};

use crate::plain;

/// Why a server can't be used.
#[derive(Debug)]
pub(super) struct Failed {
    /// A sentence.
    pub(super) why: String,
    /// Whether the connection is over: the server's own end says more.
    pub(super) is_closed: bool,
}

/// Why `initialize` failed.
pub(super) fn of_initialize(error: &ClientInitializeError) -> String {
    if let ClientInitializeError::ConnectionClosed(_) = error {
        "it closed the connection before it answered `initialize`".to_owned()
    } else if let ClientInitializeError::JsonRpcError(error) = error {
        format!(
            "it refuses `initialize`: {} ({})",
            plain(&error.message),
            error.code.0
        )
    } else if let ClientInitializeError::TransportError { error, .. } = error {
        format!("it can't be reached: {}", chain(&*error.error))
    } else {
        chain(error)
    }
}

/// Why a request failed. Which type of which crate carried it is nobody's business.
pub(super) fn of_request(error: &ServiceError) -> String {
    if let ServiceError::TransportSend(error) = error {
        chain(&*error.error)
    } else {
        chain(error)
    }
}

/// An error with all its causes, in one line.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    plain(&text)
}
