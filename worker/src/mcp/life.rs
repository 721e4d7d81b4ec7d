//! One life of one instance of a server, as calls see it.

use std::sync::Arc;
use std::time::Duration;

use callboard_proto::{Executed, FailureKind};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, ErrorData, JsonObject, ServerResult,
};
use rmcp::service::{Peer, PeerRequestOptions, RequestHandle, RoleClient, ServiceError};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::content;
use super::errors;
use super::progress::Progress;
use super::sessions::LifeId;
use crate::plain;
use crate::tool::{Answer, ToolCall, ToolError, ToolResult};

/// How long a call waits to hear why its server ended. Chosen, not measured: longer than a supervisor
/// needs to see everybody off.
const REASON_WITHIN: Duration = Duration::from_secs(4);
/// How long the word that a call is cancelled may take to be written: below the worker's cancel grace.
const CANCEL_WITHIN: Duration = Duration::from_secs(1);

/// One life of one instance of a server.
pub(super) struct Life {
    pub(super) id: LifeId,
    pub(super) peer: Peer<RoleClient>,
    pub(super) progress: Arc<Progress>,
    /// Why it is over, once it is.
    pub(super) end: watch::Receiver<Option<String>>,
    /// Told when a call couldn't be sent: the server may be gone.
    pub(super) doubted: Arc<Notify>,
    /// Whether the server is somewhere else, where its end isn't seen from here.
    pub(super) is_elsewhere: bool,
}

impl Life {
    /// Calls a tool by the server's own name for it.
    pub(super) async fn call(
        &self,
        server: &str,
        remote: &str,
        arguments: JsonObject,
        call: Arc<ToolCall>,
    ) -> ToolResult {
        let cancellation = call.cancellation();
        let params = CallToolRequestParams::new(remote.to_owned()).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let sending = self
            .peer
            .send_cancellable_request(request, PeerRequestOptions::no_options());
        let mut handle = match sending.await {
            Ok(handle) => handle,
            Err(_) => return Err(self.not_sent(server).await),
        };
        let watched = self.progress.watch(handle.progress_token.clone(), call);
        let answered = tokio::select! {
            answered = &mut handle.rx => answered.unwrap_or(Err(ServiceError::TransportClosed)),
            () = cancellation.cancelled() => return Err(cancel(server, handle).await),
        };
        drop(watched);
        match answered {
            Ok(result) => self.answer(server, result),
            Err(ServiceError::McpError(error)) => Ok(refused(server, &error)),
            Err(ServiceError::TransportClosed) => Err(self.broken_off(server).await),
            // A pipe breaks when its reader ends.
            Err(ServiceError::TransportSend(_)) if !self.is_elsewhere => {
                Err(self.broken_off(server).await)
            }
            Err(error) => {
                self.doubted.notify_one();
                Err(ToolError::new(
                    FailureKind::Crashed,
                    format!(
                        "the MCP server {server} could not be asked, or its answer was lost: {}; whether it did what was asked can't be known",
                        errors::of_request(&error)
                    ),
                    Executed::Unknown,
                ))
            }
        }
    }

    #[expect(clippy::unused_self, reason = "an answer is one of a life's")]
    fn answer(&self, server: &str, result: ServerResult) -> ToolResult {
        if let ServerResult::CallToolResult(result) = result {
            return Ok(content::answer(result).into());
        }
        if let ServerResult::EmptyResult(_) = result {
            return Ok(content::answer(rmcp::model::CallToolResult::success(Vec::new())).into());
        }
        let wants = if let ServerResult::InputRequiredResult(_) = result {
            "asks for an answer of the user, and nobody is there to give one"
        } else if let ServerResult::CreateTaskResult(_) = result {
            "made a task of the call, whose end this worker doesn't wait for"
        } else {
            "answered with something that is no result of a tool"
        };
        Ok(Answer::error(format!("The MCP server {server} {wants}.")))
    }

    /// The end of a call that was never sent.
    async fn not_sent(&self, server: &str) -> ToolError {
        let why = self.reason().await;
        ToolError::overloaded(format!(
            "the MCP server {server} is down ({why}); the call was not sent, and the server is started again"
        ))
    }

    /// The end of a call whose server ended before it answered.
    async fn broken_off(&self, server: &str) -> ToolError {
        let why = self.reason().await;
        ToolError::new(
            FailureKind::Crashed,
            format!(
                "the MCP server {server} ended while it worked on this call ({why}); whether it did what was asked can't be known; it is started again: look at what the call should have changed before you repeat it"
            ),
            Executed::Unknown,
        )
    }

    async fn reason(&self) -> String {
        let mut end = self.end.clone();
        let known = async {
            end.wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|why| why.clone())
        };
        let why = timeout(REASON_WITHIN, known).await.ok().flatten();
        why.unwrap_or_else(|| "it closed the connection".to_owned())
    }
}

/// Tells a server that a call is cancelled. It may have ended, or go on all the same: nobody hears.
async fn cancel(server: &str, handle: RequestHandle<RoleClient>) -> ToolError {
    let told = handle.cancel(Some("the call was stopped".to_owned()));
    let message = match timeout(CANCEL_WITHIN, told).await {
        Ok(Ok(())) => format!(
            "the MCP server {server} was told to cancel the call; whether it still works on it isn't known"
        ),
        Ok(Err(_)) | Err(_) => {
            format!("the MCP server {server} could not be told, and may still be working on it")
        }
    };
    ToolError::new(FailureKind::Internal, message, Executed::Yes)
}

/// A server that answers with an error of the protocol: it has read the call, and the model can mend it.
fn refused(server: &str, error: &ErrorData) -> Answer {
    Answer::error(format!(
        "The MCP server {server} refused the call: {} (code {})",
        plain(&error.message),
        error.code.0
    ))
}
