//! Writes the question.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::catalogue::Tool;
use crate::model::Conversation;
use crate::provider::body::Body;
use crate::provider::fields::Fields;
use crate::provider::{Parallel, Settings, ToolChoice, WireRequest};

/// Tokens of a response where none are configured: the API wants a number. Chosen, not measured.
const MAX_TOKENS: u32 = 8_192;

#[derive(Serialize)]
struct WireTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    input_schema: Box<RawValue>,
}

#[derive(Serialize)]
struct WireToolChoice<'a> {
    #[serde(rename = "type")]
    choice_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    disable_parallel_tool_use: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: &'a str,
}

/// Writes the request for the next turn: the task, then each response as it came and the message with
/// its results. Nothing of what was sent before changes, for the API binds a model's thinking to it.
///
/// # Panics
/// Never: all keys are strings, and a catalogue's schemas are JSON objects.
#[must_use]
pub fn request(settings: &Settings, conversation: &Conversation) -> WireRequest {
    let mut body = Body::default();
    body.set("model", &settings.model);
    body.set("max_tokens", &settings.max_tokens.unwrap_or(MAX_TOKENS));
    if settings.is_streamed {
        body.set("stream", &true);
    }
    if let Some(system) = settings.system.as_deref().filter(|text| !text.is_empty()) {
        body.set("system", &system);
    }
    let tools: Vec<WireTool<'_>> = conversation.catalogue.tools().map(tool).collect();
    if !tools.is_empty() {
        body.set("tools", &tools);
        if let Some(choice) = tool_choice(settings) {
            body.set("tool_choice", &choice);
        }
    }
    let messages = messages(conversation);
    WireRequest {
        path: "/v1/messages".to_owned(),
        body: body.end(
            &settings.extra,
            "messages",
            messages.iter().map(|message| &**message),
        ),
    }
}

fn messages(conversation: &Conversation) -> Vec<Box<RawValue>> {
    let mut messages = conversation.task.messages(|text| {
        let message = to_raw_value(&WireMessage {
            role: "user",
            content: text,
        });
        message.expect("a message of strings is JSON")
    });
    for exchange in &conversation.exchanges {
        messages.extend(exchange.answer.echo.iter().cloned());
        if let Some(report) = &exchange.report {
            messages.extend(super::render(&exchange.answer.calls, report));
        }
    }
    messages
}

fn tool(tool: &Tool) -> WireTool<'_> {
    WireTool {
        name: tool.model_name(),
        description: &tool.spec().description,
        input_schema: input_schema(&tool.spec().input_schema),
    }
}

/// The schema as its worker wrote it, but that the API takes none that doesn't say it is an object's.
fn input_schema(schema: &str) -> Box<RawValue> {
    let fields = Fields::read(schema).expect("a catalogue holds compiled schemas only");
    let text = match fields.0.as_slice() {
        [] => "{\"type\":\"object\"}".to_owned(),
        _ if fields.get("type").is_some() => schema.to_owned(),
        _ => schema.replacen('{', "{\"type\":\"object\",", 1),
    };
    RawValue::from_string(text).expect("an object with one more field is JSON")
}

fn tool_choice(settings: &Settings) -> Option<WireToolChoice<'_>> {
    let disable_parallel_tool_use = settings.parallel == Parallel::Off;
    let (choice_type, name) = match &settings.tool_choice {
        ToolChoice::Auto if !disable_parallel_tool_use => return None,
        ToolChoice::Auto => ("auto", None),
        ToolChoice::Any => ("any", None),
        ToolChoice::None => ("none", None),
        ToolChoice::Tool(name) => ("tool", Some(name.as_str())),
    };
    Some(WireToolChoice {
        choice_type,
        name,
        disable_parallel_tool_use: disable_parallel_tool_use
            && settings.tool_choice != ToolChoice::None,
    })
}
