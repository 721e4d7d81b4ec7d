//! Tools made of a function over typed arguments.

use std::marker::PhantomData;
use std::sync::Arc;

use callboard_proto::ToolSpec;
use futures_util::future::{BoxFuture, FutureExt as _};
use serde::de::DeserializeOwned;

use crate::tool::{Tool, ToolCall, ToolResult};

/// A tool made by [`tool_fn`].
pub struct ToolFn<T, F> {
    spec: ToolSpec,
    body: F,
    arguments: PhantomData<fn() -> T>,
}

/// Makes a tool of a function. The arguments are read as `T` before the body is entered, so a call
/// whose arguments don't fit is `invalid_arguments`, executed: no.
pub fn tool_fn<T, F, B>(spec: ToolSpec, body: F) -> ToolFn<T, F>
where
    T: DeserializeOwned + Send + 'static,
    F: Fn(T, ToolCall) -> B + Send + Sync + 'static,
    B: Future<Output = ToolResult> + Send + 'static,
{
    ToolFn {
        spec,
        body,
        arguments: PhantomData,
    }
}

impl<T, F, B> Tool for ToolFn<T, F>
where
    T: DeserializeOwned + Send + 'static,
    F: Fn(T, ToolCall) -> B + Send + Sync + 'static,
    B: Future<Output = ToolResult> + Send + 'static,
{
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, call: ToolCall) -> BoxFuture<'static, ToolResult> {
        match call.parse() {
            Ok(arguments) => (self.body)(arguments, call).boxed(),
            Err(error) => std::future::ready(Err(error)).boxed(),
        }
    }
}

impl<T, F> From<ToolFn<T, F>> for Arc<dyn Tool>
where
    ToolFn<T, F>: Tool,
{
    fn from(tool: ToolFn<T, F>) -> Self {
        Arc::new(tool)
    }
}
