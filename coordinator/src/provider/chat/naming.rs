//! Where the ids of calls stand.

use serde_json::value::RawValue;

use crate::model::ToolUse;
use crate::provider::address::Naming;
use crate::provider::fields::{Fields, list};

/// How calls are named: each has an id.
pub(super) const NAMING: Naming = Naming {
    wire: |call| Some(wire(call)),
    calls,
};

/// The id that the provider knows a call by.
pub(super) fn wire(call: &ToolUse) -> &str {
    call.reply.id.as_deref().unwrap_or(call.id.as_str())
}

fn calls(message: &str) -> Option<Vec<&RawValue>> {
    list(Fields::read(message).ok()?.get("tool_calls")?).ok()
}
