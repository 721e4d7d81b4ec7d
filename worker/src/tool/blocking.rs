//! Tools that block their thread.

use std::sync::Arc;

use opentelemetry::Context;
use tokio::task::AbortHandle;

use crate::tool::{ToolCall, ToolError, ToolResult};

/// Runs a tool's body on a thread where it may block. The worker bounds those threads; a call that
/// finds none free waits within its budget.
///
/// A thread can't be ended from outside: a body that takes long watches
/// [`ToolCall::cancellation`]. One that doesn't is abandoned when its call is stopped: the model is
/// told that it may still be running, and its thread is lost to others until it ends.
///
/// # Errors
/// What the body returns.
///
/// # Panics
/// When polled outside a tokio runtime, and when the body panics.
///
/// # Cancel safety
/// Dropped before the body has begun, it never begins.
pub async fn blocking<F>(call: ToolCall, body: F) -> ToolResult
where
    F: FnOnce(ToolCall) -> ToolResult + Send + 'static,
{
    let state = Arc::clone(call.state());
    // What the tool logs and traces there belongs to its call as well.
    let (fields, place) = (tracing::Span::current(), Context::current());
    let task = tokio::task::spawn_blocking(move || {
        let _place = place.attach();
        let _fields = fields.entered();
        state.set_on_thread(true);
        let result = body(call);
        state.set_on_thread(false);
        result
    });
    let _not_begun = AbortOnDrop(task.abort_handle());
    match task.await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going away before the body began.
            Err(_) => Err(ToolError::cancelled()),
        },
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
