//! Writes the one content with all results.
//!
//! The API refuses the conversation unless there are exactly as many parts as calls. A `response` is
//! always an object; of its keys, `output` and `error` mean something to the API.

use callboard_coordinator_core::{CallReport, Report};
use callboard_proto::{Outcome, Part};
use data_encoding::BASE64;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::ToolUse;
use crate::provider::text;

/// Types that a result may have attached (the API's guide to multimodal function responses, which also
/// takes text/plain; that goes into the output).
const ATTACHED_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "application/pdf"];
/// Levels of nesting that a result may have as JSON; protobuf's parsers give up at 100. A deeper one goes as text.
const DEPTH_MAX: usize = 64;
/// From this number on digits get lost at the API, which reads numbers as 64-bit floats: 2^53.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

#[derive(Serialize)]
struct Content<'a> {
    role: &'static str,
    parts: Vec<ResultPart<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultPart<'a> {
    function_response: FunctionResponse<'a>,
}

#[derive(Serialize)]
struct FunctionResponse<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    response: Response,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Attachment>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Response {
    Output(Value),
    Error(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    inline_data: InlineData,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InlineData {
    mime_type: &'static str,
    data: String,
}

/// Renders a report: one `functionResponse` part for each call, in call order, in exactly one content.
/// An id is there where the call had one. The same report always gives the same bytes.
///
/// # Panics
/// Never: all keys are strings and writing to memory can't fail.
#[must_use]
pub fn render(calls: &[ToolUse], report: &Report) -> Vec<Box<RawValue>> {
    let content = Content {
        role: "user",
        parts: std::iter::zip(calls, &report.calls)
            .map(|(asked, call)| result(asked, call))
            .collect(),
    };
    let content = serde_json::value::to_raw_value(&content)
        .expect("all keys are strings and memory can't fail");
    vec![content]
}

fn result<'a>(asked: &'a ToolUse, call: &CallReport) -> ResultPart<'a> {
    let mut parts = Vec::new();
    let response = match &call.outcome {
        Outcome::Completed(completed) if completed.is_error => {
            Response::Error(error(&completed.content))
        }
        Outcome::Completed(completed) => Response::Output(output(&completed.content, &mut parts)),
        Outcome::Failed(failure) => Response::Error(without_nul(&text::failure(failure))),
    };
    ResultPart {
        function_response: FunctionResponse {
            id: asked.reply.id.as_deref(),
            name: &asked.name,
            response,
            parts,
        },
    }
}

fn error(content: &[Part]) -> String {
    let texts: Vec<String> = content.iter().map(words).collect();
    let joined = without_nul(&texts.join("\n"));
    if joined.trim().is_empty() {
        text::EMPTY_ERROR.to_owned()
    } else {
        joined
    }
}

/// What a tool gave: the one thing, or a list of several.
fn output(content: &[Part], attached: &mut Vec<Attachment>) -> Value {
    let mut values: Vec<Value> = content.iter().map(|part| value(part, attached)).collect();
    match values.len() {
        0 => Value::String(String::new()),
        1 => values.remove(0),
        _ => Value::Array(values),
    }
}

fn value(part: &Part, attached: &mut Vec<Attachment>) -> Value {
    let (media_type, name, data) = match part {
        Part::Json(json) => return structured(json),
        Part::Text(_) | Part::Resource { .. } | Part::Unknown { .. } => {
            return Value::String(without_nul(&words(part)));
        }
        Part::Image { media_type, data } => (media_type, None, data),
        Part::Document {
            media_type,
            name,
            data,
        } => (media_type, name.as_deref(), data),
    };
    let known = ATTACHED_TYPES
        .into_iter()
        .find(|known| is_type(media_type, known))
        .filter(|_| !data.is_empty());
    let Some(mime_type) = known else {
        return Value::String(without_nul(&words(part)));
    };
    attached.push(Attachment {
        inline_data: InlineData {
            mime_type,
            data: BASE64.encode(data),
        },
    });
    // Says where among the texts it stood.
    let number = attached.len();
    Value::String(match name {
        Some(name) => without_nul(&format!("[attachment {number}: {name:?}, {mime_type}]")),
        None => format!("[attachment {number}: {mime_type}]"),
    })
}

/// A part in words; a text file as its text.
fn words(part: &Part) -> String {
    match part {
        Part::Document {
            media_type, data, ..
        } if is_type(media_type, "text/plain") && !data.trim_ascii().is_empty() => {
            String::from_utf8_lossy(data).into_owned()
        }
        Part::Text(_)
        | Part::Json(_)
        | Part::Image { .. }
        | Part::Document { .. }
        | Part::Resource { .. }
        | Part::Unknown { .. } => text::part(part),
    }
}

/// JSON as it is where the API reads it without a loss, else its text.
fn structured(json: &str) -> Value {
    serde_json::from_str(json)
        .ok()
        .filter(|value| survives(value, DEPTH_MAX))
        .unwrap_or_else(|| Value::String(without_nul(json)))
}

fn survives(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.as_f64().is_some_and(|n| n.abs() < EXACT_BELOW),
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => depth > 0 && items.iter().all(|item| survives(item, depth - 1)),
        Value::Object(members) => {
            depth > 0
                && members
                    .iter()
                    .all(|(name, value)| !name.contains('\0') && survives(value, depth - 1))
        }
    }
}

/// Whether a media type is this one, whatever its parameters.
fn is_type(media_type: &str, wanted: &str) -> bool {
    let essence = media_type
        .split_once(';')
        .map_or(media_type, |(essence, _)| essence);
    essence.trim().eq_ignore_ascii_case(wanted)
}

/// The text with U+FFFD for NUL, which stores behind the API can't hold.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
