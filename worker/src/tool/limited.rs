//! Tools with slots of their own.

use std::num::NonZeroU32;
use std::sync::Arc;

use callboard_proto::ToolSpec;
use futures_util::future::BoxFuture;

use crate::tool::{Tool, ToolCall, ToolResult};

struct Limited {
    tool: Arc<dyn Tool>,
    slots: NonZeroU32,
}

/// Bounds the calls of a tool that one worker executes at once. A call beyond is refused as a full
/// worker refuses it: the coordinator tries elsewhere, or waits, and it counts as no attempt.
#[must_use]
pub fn with_slots(tool: Arc<dyn Tool>, slots: NonZeroU32) -> Arc<dyn Tool> {
    Arc::new(Limited { tool, slots })
}

impl Tool for Limited {
    fn spec(&self) -> &ToolSpec {
        self.tool.spec()
    }

    fn slots(&self) -> Option<NonZeroU32> {
        Some(self.slots)
    }

    fn call(&self, call: ToolCall) -> BoxFuture<'static, ToolResult> {
        self.tool.call(call)
    }
}
