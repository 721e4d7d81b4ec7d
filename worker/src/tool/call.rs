//! What a tool is given.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use callboard_proto::{Attempt, AttemptKey, Epoch, RunId, ToolUseId, Turn};
use serde::de::DeserializeOwned;

use crate::tool::{CallControl, CallState, Progress, ToolError};

/// One attempt of one call, as its tool sees it.
pub struct ToolCall {
    arguments: Bytes,
    key: Option<String>,
    traceparent: Option<String>,
    state: Arc<CallState>,
}

impl ToolCall {
    pub(crate) fn new(
        arguments: Bytes,
        key: Option<String>,
        traceparent: Option<String>,
        state: Arc<CallState>,
    ) -> Self {
        Self {
            arguments,
            key,
            traceparent,
            state,
        }
    }

    /// Makes a call that no executor knows of, for the tests of a tool: turn 1, `tool_use_id` `c0`,
    /// attempt 1 of a run of zeros.
    #[must_use]
    pub fn detached(arguments: impl Into<Bytes>) -> (Self, CallControl) {
        let of = AttemptKey {
            run: RunId::new(uuid::Uuid::nil()),
            turn: Turn(1),
            id: ToolUseId::minted(0),
            attempt: Attempt(1),
            epoch: Epoch(0),
        };
        let state = CallState::new(of, 0, None);
        let call = Self::new(arguments.into(), None, None, Arc::clone(&state));
        (call, CallControl::new(state))
    }

    /// The model's own JSON, byte for byte.
    #[must_use]
    pub fn arguments(&self) -> &[u8] {
        &self.arguments
    }

    /// Reads the arguments as `T`.
    ///
    /// # Errors
    /// `invalid_arguments` with executed: no, and a text that names the cause. Call it before the
    /// tool does anything: the failure says that it did nothing.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ToolError> {
        check_object(&self.arguments)?;
        serde_json::from_slice(&self.arguments).map_err(|error| {
            ToolError::invalid_arguments(format!(
                "the arguments don't fit the tool's schema: {error}"
            ))
        })
    }

    /// Which attempt of which call of which run this is.
    #[must_use]
    pub fn identity(&self) -> &AttemptKey {
        &self.state.of
    }

    /// A key that is the same for every attempt of this call, for systems that accept one: the
    /// caller's own if it gave one, else `{run}/{turn}/{tool_use_id}`.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        self.key.clone().unwrap_or_else(|| {
            let AttemptKey { run, turn, id, .. } = self.identity();
            format!("{run}/{}/{id}", turn.0)
        })
    }

    /// The W3C trace context of the call, if its coordinator traces.
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// Watches for the call's stop. From here on the tool is trusted to end by itself, and is
    /// dropped only when the worker's cancel grace is over.
    #[must_use]
    pub fn cancellation(&self) -> Cancellation {
        self.state.watch();
        Cancellation(Arc::clone(&self.state))
    }

    /// Says how far the tool is: `percent` from 0 to 100, a message of at most 512 bytes. The latest
    /// wins and at most four a second leave the worker, so a tool may say it as often as it likes.
    pub fn progress(&self, percent: Option<u8>, message: Option<&str>) {
        self.state.report(Progress {
            percent,
            message: message.map(str::to_owned),
        });
    }

    pub(crate) fn state(&self) -> &Arc<CallState> {
        &self.state
    }
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("identity", self.identity())
            .field("arguments_bytes", &self.arguments.len())
            .finish_non_exhaustive()
    }
}

/// Refuses what is no JSON object by its first character; the parser sees the rest.
pub(crate) fn check_object(arguments: &[u8]) -> Result<(), ToolError> {
    let what = match arguments.trim_ascii_start().first() {
        Some(b'{') => return Ok(()),
        None => "empty",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b'n') => "null",
        Some(b't' | b'f') => "a truth value",
        Some(b'-' | b'0'..=b'9') => "a number",
        Some(_) => "no JSON",
    };
    Err(ToolError::invalid_arguments(format!(
        "the arguments are {what}, and a tool takes a JSON object"
    )))
}

/// The word that a call must end; see [`ToolCall::cancellation`].
#[derive(Clone)]
pub struct Cancellation(Arc<CallState>);

impl Cancellation {
    /// Whether the call must end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_stopped()
    }

    /// Waits until the call must end.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn cancelled(&self) {
        self.0.stopped().await;
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation")
            .field("is_cancelled", &self.is_cancelled())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_stop_is_seen_by_who_waits_and_by_who_asks() {
        let (call, control) = ToolCall::detached("{}");
        let cancellation = call.cancellation();
        assert!(!cancellation.is_cancelled());
        let waiting = tokio::spawn({
            let cancellation = cancellation.clone();
            async move { cancellation.cancelled().await }
        });
        tokio::task::yield_now().await;
        control.cancel();
        waiting.await.unwrap();
        assert!(cancellation.is_cancelled());
        cancellation.cancelled().await;
    }

    #[test]
    fn progress_is_bounded_and_the_latest_wins() {
        let (call, control) = ToolCall::detached("{}");
        call.progress(Some(10), None);
        call.progress(Some(250), Some(&"€".repeat(1_000)));
        let progress = control.progress();
        assert_eq!(progress.percent, Some(100));
        assert!(progress.message.unwrap().len() <= 512);
    }

    #[test]
    fn the_derived_key_is_the_same_for_every_attempt() {
        let (call, _control) = ToolCall::detached("{}");
        assert_eq!(
            call.idempotency_key(),
            "00000000000000000000000000000000/1/c0"
        );
    }
}
