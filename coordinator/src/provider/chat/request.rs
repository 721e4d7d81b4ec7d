//! Writes the question.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::naming::NAMING;
use super::render::render;
use crate::catalogue::Tool;
use crate::model::Conversation;
use crate::provider::body::Body;
use crate::provider::openai::{description, parameters};
use crate::provider::{ChatDialect, Parallel, Settings, ToolChoice, WireRequest};

#[derive(Serialize)]
struct WireTool<'a> {
    #[serde(rename = "type")]
    tool_type: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: &'a RawValue,
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
    let tools: Vec<Box<RawValue>> = conversation.catalogue.tools().map(tool).collect();
    // Without tools, the API refuses all three.
    if !tools.is_empty() {
        body.set("tools", &tools);
        if let Some(choice) = tool_choice(&settings.tool_choice) {
            body.set("tool_choice", &choice);
        }
        if let Some(is_parallel) = parallel_tool_calls(settings) {
            body.set("parallel_tool_calls", &is_parallel);
        }
    }
    if let Some(tokens) = settings.max_tokens {
        let name = match settings.dialect {
            ChatDialect::OpenAi => "max_completion_tokens",
            ChatDialect::Compatible | ChatDialect::Minimal => "max_tokens",
        };
        body.set(name, &tokens);
    }
    if settings.is_streamed {
        body.set("stream", &true);
        if settings.dialect != ChatDialect::Minimal {
            body.set("stream_options", &json!({ "include_usage": true }));
        }
    }
    let messages = messages(settings, conversation);
    WireRequest {
        path: "/chat/completions".to_owned(),
        body: body.end(
            &settings.extra,
            "messages",
            messages.iter().map(AsRef::as_ref),
        ),
    }
}

/// What is said of several calls at once: nothing where silence means what is wanted. llama.cpp takes it for
/// a no.
fn parallel_tool_calls(settings: &Settings) -> Option<bool> {
    match (settings.dialect, settings.parallel) {
        (ChatDialect::Minimal, _) => None,
        (ChatDialect::OpenAi | ChatDialect::Compatible, Parallel::Off) => Some(false),
        (ChatDialect::OpenAi, Parallel::Auto | Parallel::Limit(_)) => None,
        (ChatDialect::Compatible, Parallel::Auto | Parallel::Limit(_)) => Some(true),
    }
}

fn tool(tool: &Tool) -> Box<RawValue> {
    raw(&WireTool {
        tool_type: "function",
        function: WireFunction {
            name: tool.model_name(),
            description: description(tool),
            parameters: &parameters(tool),
        },
    })
}

fn tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::Any => Some(json!("required")),
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Tool(name) => Some(json!({ "type": "function", "function": { "name": name } })),
    }
}

fn messages(settings: &Settings, conversation: &Conversation) -> Vec<Box<RawValue>> {
    let mut messages = Vec::new();
    if let Some(system) = &settings.system {
        messages.push(raw(&WireMessage {
            role: match settings.dialect {
                ChatDialect::OpenAi => "developer",
                ChatDialect::Compatible | ChatDialect::Minimal => "system",
            },
            content: system,
        }));
    }
    messages.extend(conversation.task.messages(|text| {
        raw(&WireMessage {
            role: "user",
            content: text,
        })
    }));
    let mut taken = BTreeSet::new();
    for exchange in &conversation.exchanges {
        let replaced = NAMING.unique_among(&mut taken, exchange);
        let calls = match &replaced {
            Some((echo, calls)) => {
                messages.push(echo.clone());
                calls
            }
            None => {
                messages.extend(exchange.answer.echo.iter().cloned());
                &exchange.answer.calls
            }
        };
        if let Some(report) = &exchange.report {
            messages.extend(render(calls, report));
        }
    }
    messages
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("all keys are strings and memory can't fail")
}
