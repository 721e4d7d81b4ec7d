//! Asks a probe of a process over HTTP, as an orchestrator does: for the health checks of containers that
//! have no shell.

use std::time::Duration;

use reqwest::{Response, Url};

use crate::model::http::{OptionsError, plain_client};

/// Bytes of an answer that are told, at most. Chosen, not measured: ours have less than 100.
const TEXT_BYTES_MAX: usize = 1_024;

/// Why a process isn't known to be well.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The address is none.
    #[error("{url:?} is no address of a probe; write it like http://127.0.0.1:8090/readyz")]
    Url {
        /// What was given.
        url: String,
    },
    /// The client can't be set up.
    #[error(transparent)]
    Client(#[from] OptionsError),
    /// It gave no answer.
    #[error("{url} gives no answer")]
    Silent {
        /// The address.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It says that it isn't.
    #[error("{url} answers {status}: {text}")]
    Unwell {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// How its answer begins.
        text: String,
    },
}

/// Asks whether a process is well; gives how its answer begins.
///
/// # Errors
/// When it isn't, or gives no answer within this time.
pub async fn probe(url: &str, within: Duration) -> Result<String, ProbeError> {
    let wrong = || ProbeError::Url {
        url: url.to_owned(),
    };
    let address: Url = url.parse().map_err(|_| wrong())?;
    if !matches!(address.scheme(), "http" | "https") {
        return Err(wrong());
    }
    let client = plain_client(address.scheme() == "https", within)?;
    // A login in the address is for the other side alone.
    let mut shown = address.clone();
    let (Ok(()), Ok(())) = (shown.set_username(""), shown.set_password(None)) else {
        return Err(wrong());
    };
    let response = client.get(address).timeout(within).send().await;
    let response = response.map_err(|source| ProbeError::Silent {
        url: shown.to_string(),
        source: source.without_url(),
    })?;
    let status = response.status();
    let text = beginning(response).await;
    if status.is_success() {
        return Ok(text);
    }
    Err(ProbeError::Unwell {
        url: shown.into(),
        status: status.as_u16(),
        text,
    })
}

async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= TEXT_BYTES_MAX {
            bytes.truncate(TEXT_BYTES_MAX);
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    text.trim().replace(char::is_control, " ")
}
