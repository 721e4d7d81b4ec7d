//! Writes the question.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::render::render;
use crate::catalogue::Tool;
use crate::model::Conversation;
use crate::provider::body::Body;
use crate::provider::openai::{description, parameters};
use crate::provider::{Parallel, Settings, ToolChoice, WireRequest};

#[derive(Serialize)]
struct WireTool<'a> {
    #[serde(rename = "type")]
    tool_type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: &'a RawValue,
    /// Said although it is no: silence makes the API try, and change the schema where it can't.
    strict: bool,
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: &'a str,
}

/// Writes the request for the next turn.
///
/// # Panics
/// Never: all keys are strings and writing to memory can't fail.
#[must_use]
pub fn request(settings: &Settings, conversation: &Conversation) -> WireRequest {
    let mut body = Body::default();
    body.set("model", &settings.model);
    if let Some(system) = &settings.system {
        body.set("instructions", system);
    }
    let tools: Vec<Box<RawValue>> = conversation.catalogue.tools().map(tool).collect();
    if !tools.is_empty() {
        body.set("tools", &tools);
        if let Some(choice) = tool_choice(&settings.tool_choice) {
            body.set("tool_choice", &choice);
        }
        // Silence is a yes.
        if settings.parallel == Parallel::Off {
            body.set("parallel_tool_calls", &false);
        }
    }
    if let Some(tokens) = settings.max_tokens {
        body.set("max_output_tokens", &tokens);
    }
    // The history is ours, so what the model thought must travel in it. A model that doesn't think may refuse
    // to be asked for its thoughts: then `include` goes into the extra fields, as an empty list.
    body.set("store", &false);
    body.set("include", &["reasoning.encrypted_content"]);
    if settings.is_streamed {
        body.set("stream", &true);
    }
    let input = input(conversation);
    WireRequest {
        path: "/responses".to_owned(),
        body: body.end(&settings.extra, "input", input.iter().map(AsRef::as_ref)),
    }
}

fn tool(tool: &Tool) -> Box<RawValue> {
    raw(&WireTool {
        tool_type: "function",
        name: tool.model_name(),
        description: description(tool),
        parameters: &parameters(tool),
        strict: false,
    })
}

fn tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::Any => Some(json!("required")),
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Tool(name) => Some(json!({ "type": "function", "name": name })),
    }
}

fn input(conversation: &Conversation) -> Vec<Box<RawValue>> {
    let mut input = conversation.task.messages(|text| {
        raw(&WireMessage {
            role: "user",
            content: text,
        })
    });
    for exchange in &conversation.exchanges {
        input.extend(exchange.answer.echo.iter().cloned());
        if let Some(report) = &exchange.report {
            input.extend(render(&exchange.answer.calls, report));
        }
    }
    input
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("all keys are strings and memory can't fail")
}
