//! A server's tool, as the worker executes it.

use std::num::NonZeroU32;
use std::sync::Arc;

use callboard_proto::{Affinity, Executed, FailureKind};
use callboard_worker_core::StopReason;
use futures_util::future::{BoxFuture, FutureExt as _};
use rmcp::model::JsonObject;

use super::listing::Listed;
use super::pool::{Lease, Pool, Refused};
use crate::tool::{Tool, ToolCall, ToolError, ToolResult, ToolSpec};

/// A server's tool.
pub(super) struct McpTool {
    listed: Listed,
    server: Arc<str>,
    pool: Arc<Pool>,
}

impl McpTool {
    pub(super) fn new(listed: Listed, server: Arc<str>, pool: Arc<Pool>) -> Self {
        Self {
            listed,
            server,
            pool,
        }
    }
}

impl Tool for McpTool {
    fn spec(&self) -> &ToolSpec {
        &self.listed.spec
    }

    fn slots(&self) -> Option<NonZeroU32> {
        self.listed.slots
    }

    fn call(&self, call: ToolCall) -> BoxFuture<'static, ToolResult> {
        let arguments: JsonObject = match call.parse() {
            Ok(arguments) => arguments,
            Err(error) => return std::future::ready(Err(error)).boxed(),
        };
        let pool = Arc::clone(&self.pool);
        let server = Arc::clone(&self.server);
        let remote = self.listed.remote.clone();
        let has_session = self.listed.spec.manifest.affinity == Affinity::Run;
        async move {
            let lease = enter(&pool, &server, &call, has_session).await?;
            let call = Arc::new(call);
            lease.life.call(&server, &remote, arguments, call).await
        }
        .boxed()
    }
}

/// Waits for an instance of the server.
async fn enter(
    pool: &Arc<Pool>,
    server: &str,
    call: &ToolCall,
    has_session: bool,
) -> Result<Lease, ToolError> {
    let run = has_session.then(|| call.identity().run);
    let cancellation = call.cancellation();
    let refused = tokio::select! {
        taken = pool.take(run) => match taken {
            Ok(lease) => return Ok(lease),
            Err(refused) => refused,
        },
        () = cancellation.cancelled() => {
            return Err(ToolError::new(
                stopped_kind(call),
                format!("the call waited for the MCP server {server} until it was stopped; it was not sent"),
                Executed::No,
            ));
        }
    };
    Err(match refused {
        Refused::Down(why) => ToolError::overloaded(format!(
            "the MCP server {server} is down ({why}); the call was not sent, and the server is started again"
        )),
        Refused::SessionGone => ToolError::refused(format!(
            "the MCP server {server} was started again since this conversation used it first, and what it held for the conversation is gone; the call was not sent, and no later one will be: begin anew"
        )),
    })
}

/// What a call failed of that was stopped before it began.
fn stopped_kind(call: &ToolCall) -> FailureKind {
    match call.state().stop_reason() {
        Some(StopReason::TimedOut) => FailureKind::TimedOut,
        Some(StopReason::Drained) => FailureKind::Interrupted,
        Some(StopReason::Cancelled | StopReason::Orphaned) | None => FailureKind::Cancelled,
    }
}
