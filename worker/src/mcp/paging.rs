//! A server's whole list of tools, page by page.

use std::time::Duration;

use rmcp::model::{PaginatedRequestParams, Tool};
use rmcp::service::{Peer, RoleClient, ServiceError};

use super::errors::{self, Failed};

/// Tools that one server may list: what a coordinator takes of one worker.
const TOOLS_MAX: usize = 10_000;
/// Tries of one page. Chosen, not measured.
const TRIES: u32 = 3;
/// Pause between two tries of a page. Chosen, not measured.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads the list to its end. A page that fails is asked for again, without those before it.
///
/// # Errors
/// A sentence that says why there is none.
pub(super) async fn list(peer: &Peer<RoleClient>) -> Result<Vec<Tool>, Failed> {
    let mut tools = Vec::new();
    let mut cursors: Vec<String> = Vec::new();
    loop {
        let page = page(peer, cursors.last().cloned())
            .await
            .map_err(|error| Failed {
                why: format!("its tools can't be listed: {}", errors::of_request(&error)),
                is_closed: matches!(error, ServiceError::TransportClosed),
            })?;
        tools.extend(page.0);
        if tools.len() > TOOLS_MAX {
            return Err(endless(format!("it lists more than {TOOLS_MAX} tools")));
        }
        // Some give an empty cursor for none.
        let Some(next) = page.1.filter(|cursor| !cursor.is_empty()) else {
            return Ok(tools);
        };
        if cursors.contains(&next) {
            let why = "its list of tools has no end: a page leads back to one before";
            return Err(endless(why.to_owned()));
        }
        cursors.push(next);
    }
}

fn endless(why: String) -> Failed {
    Failed {
        why,
        is_closed: false,
    }
}

async fn page(
    peer: &Peer<RoleClient>,
    cursor: Option<String>,
) -> Result<(Vec<Tool>, Option<String>), ServiceError> {
    let mut tries = 1;
    loop {
        let params = cursor
            .clone()
            .map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        match peer.list_tools(params).await {
            Ok(page) => return Ok((page.tools, page.next_cursor)),
            Err(ServiceError::McpError(_)) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}
