//! Where the ids of calls stand.

use serde_json::value::RawValue;

use crate::provider::address::Naming;
use crate::provider::fields::{Fields, list};

/// How calls are named: not all are.
pub(super) const NAMING: Naming = Naming {
    wire: |call| call.reply.id.as_deref(),
    calls,
};

fn calls(content: &str) -> Option<Vec<&RawValue>> {
    let parts = list(Fields::read(content).ok()?.get("parts")?).ok()?;
    Some(parts.into_iter().filter_map(call).collect())
}

fn call(part: &RawValue) -> Option<&RawValue> {
    let part = Fields::read(part.get()).ok()?;
    part.get("functionCall")
        .or_else(|| part.get("function_call"))
}
