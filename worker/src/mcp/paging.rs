//! A server's whole list of tools, page by page, and tool by tool: one that can't be read costs nobody
//! else.

use std::time::Duration;

use rmcp::model::{
    ClientRequest, CustomResult, ListToolsRequest, PaginatedRequestParams, ServerResult, Tool,
};
use rmcp::service::{Peer, PeerRequestOptions, RoleClient, ServiceError};
use serde_json::Value;

use super::errors::{self, Failed};
use crate::plain;

/// Tools that one server may list: what a coordinator takes of one worker.
const TOOLS_MAX: usize = 10_000;
/// Tries of one page. Chosen, not measured.
const TRIES: u32 = 3;
/// Pause between two tries of a page. Chosen, not measured.
const PAUSE: Duration = Duration::from_millis(100);
/// What of a tool nobody here looks at, so that it may be anything.
const UNUSED: [&str; 4] = ["outputSchema", "icons", "execution", "_meta"];

/// What a server lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct List {
    /// The tools that can be read.
    pub(super) tools: Vec<Tool>,
    /// Those that can't.
    pub(super) broken: Vec<Broken>,
}

/// An entry of a list that is no tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Its name, where it has one.
    pub(super) name: Option<String>,
    /// Its place in the list, from 1.
    pub(super) place: usize,
    /// Why it can't be read.
    pub(super) why: String,
}

impl List {
    /// Entries so far.
    pub(super) fn len(&self) -> usize {
        self.tools.len() + self.broken.len()
    }

    fn take(&mut self, page: Vec<Value>) {
        for entry in page {
            let place = self.len() + 1;
            let name = entry["name"].as_str().map(str::to_owned);
            match read(entry) {
                Ok(tool) => self.tools.push(tool),
                Err(why) => self.broken.push(Broken { name, place, why }),
            }
        }
    }
}

fn read(entry: Value) -> Result<Tool, String> {
    let Value::Object(mut fields) = entry else {
        return Err("it is no JSON object".to_owned());
    };
    fields.retain(|name, _| !UNUSED.contains(&&**name));
    serde_json::from_value(Value::Object(fields)).map_err(|error| plain(&error.to_string()))
}

/// Reads the list to its end. A page that fails is asked for again, without those before it.
///
/// # Errors
/// A sentence that says why there is none.
pub(super) async fn list(peer: &Peer<RoleClient>) -> Result<List, Failed> {
    let mut list = List::default();
    let mut cursors: Vec<String> = Vec::new();
    loop {
        let page = page(peer, cursors.last().cloned())
            .await
            .map_err(|error| Failed {
                why: format!("its tools can't be listed: {}", errors::of_request(&error)),
                is_closed: matches!(error, ServiceError::TransportClosed),
            })?;
        let next = match page {
            Page::Whole(tools, next) => {
                list.tools.extend(tools);
                next
            }
            Page::InParts(entries, next) => {
                list.take(entries);
                next
            }
        };
        if list.len() > TOOLS_MAX {
            return Err(endless(format!("it lists more than {TOOLS_MAX} tools")));
        }
        // Some give an empty cursor for none.
        let Some(next) = next.filter(|cursor| !cursor.is_empty()) else {
            return Ok(list);
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

/// A page, and the cursor of the next one.
enum Page {
    Whole(Vec<Tool>, Option<String>),
    /// The library couldn't read it as a whole, and hands it over as it came.
    InParts(Vec<Value>, Option<String>),
}

impl Page {
    /// What an answer holds; `None` where it is no page.
    fn of(answer: ServerResult) -> Option<Self> {
        if let ServerResult::ListToolsResult(page) = answer {
            return Some(Self::Whole(page.tools, page.next_cursor));
        }
        let ServerResult::CustomResult(CustomResult(mut page)) = answer else {
            return None;
        };
        let Value::Array(entries) = page.get_mut("tools")?.take() else {
            return None;
        };
        let next = page["nextCursor"].as_str().map(str::to_owned);
        Some(Self::InParts(entries, next))
    }
}

async fn page(peer: &Peer<RoleClient>, cursor: Option<String>) -> Result<Page, ServiceError> {
    let mut tries = 1;
    loop {
        let params = cursor
            .clone()
            .map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        let request = ClientRequest::ListToolsRequest(ListToolsRequest {
            method: Default::default(),
            params,
            extensions: Default::default(),
        });
        let options = PeerRequestOptions::no_options();
        let answered = match peer.send_cancellable_request(request, options).await {
            Ok(handle) => handle.await_response().await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(answer) => return Page::of(answer).ok_or(ServiceError::UnexpectedResponse),
            Err(ServiceError::McpError(_)) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn read(page: Value) -> Option<List> {
        let mut list = List::default();
        match Page::of(serde_json::from_value(page).unwrap())? {
            Page::Whole(tools, _) => list.tools = tools,
            Page::InParts(entries, _) => list.take(entries),
        }
        Some(list)
    }

    #[test]
    fn a_tool_that_cannot_be_read_is_named_and_harms_no_other() {
        let list = read(json!({ "resultType": "complete", "tools": [
            { "name": "one", "inputSchema": { "type": "object" } },
            { "name": "two", "inputSchema": "none" },
            7,
            { "name": 3, "inputSchema": {} },
            { "name": "four", "inputSchema": {}, "icons": 1, "outputSchema": [], "_meta": "m" },
            { "name": "five" },
        ] }))
        .unwrap();
        let names: Vec<&str> = list.tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(names, ["one", "four"]);
        insta::assert_debug_snapshot!(list.broken);
    }

    #[test]
    fn what_is_no_page_is_none() {
        for page in [json!({}), json!({ "tools": "none" }), json!({ "a": [] })] {
            assert!(read(page.clone()).is_none(), "{page}");
        }
    }
}
