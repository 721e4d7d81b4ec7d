//! Tools as both formats declare them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::catalogue::Tool;
use crate::provider::fields::Fields;

/// What the tool is for; nothing where it doesn't say.
pub(in crate::provider) fn description(tool: &Tool) -> Option<&str> {
    Some(tool.spec().description.as_str()).filter(|description| !description.is_empty())
}

/// A tool's schema, as its worker wrote it. The API refuses an object schema that doesn't say `type` and
/// `properties`, which JSON Schema lets it leave out, so what is missing is added in front.
pub(in crate::provider) fn parameters(tool: &Tool) -> Cow<'_, RawValue> {
    let schema: &RawValue = serde_json::from_str(&tool.spec().input_schema)
        .expect("the catalogue takes no tool whose schema isn't JSON");
    let Ok(fields) = Fields::read(schema.get()) else {
        return Cow::Borrowed(schema);
    };
    let mut missing = Vec::new();
    if fields.raw("type").is_none() {
        missing.push("\"type\":\"object\"");
    }
    if fields.raw("properties").is_none() {
        missing.push("\"properties\":{}");
    }
    if missing.is_empty() {
        return Cow::Borrowed(schema);
    }
    let rest = &schema.get()[1..];
    let comma = if !fields.0.is_empty() { "," } else { "" };
    let schema = format!("{{{}{comma}{rest}", missing.join(","));
    Cow::Owned(RawValue::from_string(schema).expect("members in front of members are an object"))
}
