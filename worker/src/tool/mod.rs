//! What a worker executes: the [`Tool`] trait, what a tool is given ([`ToolCall`]), what it gives
//! back ([`Answer`] or [`ToolError`]), and the set of tools that a worker offers ([`Tools`]).
//!
//! Most tools are one function over typed arguments, made by [`ToolBuilder`], which derives their
//! schema; [`tool_fn`] takes a spec that was written otherwise.
//!
//! # Rules for tools
//! - A tool's future must not block its thread: all tools of a worker share a few. What blocks goes
//!   through [`blocking`].
//! - A tool that wants to end in its own way when it is stopped watches [`ToolCall::cancellation`]
//!   and gets the worker's cancel grace; a tool that never looked is dropped at once.
//! - A panic ends the call as `crashed`, not the worker.

mod answer;
mod blocking;
mod builder;
mod call;
mod limited;
mod schema;
mod state;
mod tools;
mod typed;

use std::num::NonZeroU32;

use futures_util::future::BoxFuture;

pub use answer::{Answer, ToolError, ToolResult};
pub use blocking::blocking;
pub use builder::ToolBuilder;
pub(crate) use call::check_object;
pub use call::{Cancellation, ToolCall};
pub use callboard_proto::{ToolSpec, digest};
pub use limited::with_slots;
pub use schema::schema_of;
pub use state::{CallControl, Progress};
pub(crate) use state::{CallState, Phase, ProgressInbox};
pub use tools::{Offer, Tools, ToolsError};
pub(crate) use tools::{at, check_labels, check_manifest, check_spec, schema_cause};
pub use typed::{ToolFn, tool_fn};

/// A named function that a worker executes.
pub trait Tool: Send + Sync + 'static {
    /// What the tool declares; the same for the whole life of the tool.
    fn spec(&self) -> &ToolSpec;

    /// Calls of the tool that one worker executes at once; `None` for as many as the worker has slots.
    /// It is the worker's own business: no part of what the tool declares, and of no digest.
    fn slots(&self) -> Option<NonZeroU32> {
        None
    }

    /// Executes one attempt of one call. The future owns what it needs, so clone from `self`.
    ///
    /// The worker has entered the tool from this call on: whatever ends later is reported as
    /// executed, unless the tool's own [`ToolError`] says otherwise.
    ///
    /// # Cancel safety
    /// The future is dropped when the call is stopped, as the module's rules say.
    fn call(&self, call: ToolCall) -> BoxFuture<'static, ToolResult>;
}
