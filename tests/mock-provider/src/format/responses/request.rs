//! Reads a request.

use super::history;
use crate::answer::{Asked, Offered};
use crate::conversation::{History, Step, StepKind};
use crate::format::openai::{NOT_JSON, flag, invalid, known, missing, name, schema, unexpected};
use crate::format::read::{body, unknown};
use crate::json::{Json, Node};
use crate::refusal::Refusal;
use crate::request::Incoming;

const FIELDS: [&str; 34] = [
    "access_programs",
    "background",
    "background_options",
    "context_management",
    "conversation",
    "image",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

const FUNCTION_FIELDS: [&str; 9] = [
    "type",
    "name",
    "description",
    "parameters",
    "strict",
    "async",
    "defer_loading",
    "allowed_callers",
    "output_schema",
];

/// What the answer repeats, each with what it is where nothing was asked for.
const REPEATED: [(&str, &str); 16] = [
    ("background", "false"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":"medium","summary":null}"#),
    ("safety_identifier", "null"),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"},"verbosity":"medium"}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_p", "1.0"),
    ("truncation", r#""disabled""#),
];

pub(crate) fn read(incoming: &Incoming<'_>) -> Result<(Asked, History), Refusal> {
    let body = body(incoming.body, NOT_JSON)?;
    if let Some(key) = unknown(&body, &FIELDS) {
        return Err(unexpected(key));
    }
    let model = body.text_at("model").ok_or_else(|| missing("model"))?;
    if let Some(id) = body.given("previous_response_id").and_then(Node::text) {
        return Err(Refusal::invalid(format!(
            "Previous response with id '{id}' not found. (The mock provider keeps none: send all items.)"
        ))
        .param("previous_response_id")
        .code("previous_response_not_found"));
    }
    let offered = tools(&body)?;
    tool_choice(&body, &offered)?;
    let store = flag(&body, "store", true)?;
    let steps = match body.get("input") {
        Some(Node::Text(text)) => vec![Step {
            at: 0,
            canonical: text.clone(),
            kind: StepKind::Input,
        }],
        Some(Node::List(items)) if !items.is_empty() => history::steps(items, store)?,
        Some(Node::List(_)) => {
            return Err(invalid(
                "Invalid 'input': empty array. Expected an array with minimum length 1.",
                "input",
            ));
        }
        _ => return Err(missing("input")),
    };
    let include = body.given("include").and_then(Node::list);
    let is_encrypted = include
        .unwrap_or_default()
        .iter()
        .any(|what| what.text() == Some("reasoning.encrypted_content"));
    let part = |key| body.given(key).map(Node::canonical).unwrap_or_default();
    let fixed = format!("{}\n{}", part("instructions"), part("tools"));
    let asked = Asked {
        model: model.to_owned(),
        stream: flag(&body, "stream", false)?,
        parallel: flag(&body, "parallel_tool_calls", true)?,
        show_thinking: is_encrypted,
        offered,
        repeated: repeated(&body, store),
        bytes: incoming.body.len(),
        ..Asked::default()
    };
    Ok((asked, History { fixed, steps }))
}

fn repeated(body: &Node, store: bool) -> Vec<(&'static str, Json)> {
    let mut repeated: Vec<_> = REPEATED
        .iter()
        .map(|(key, default)| {
            let text = body
                .given(key)
                .map_or_else(|| (*default).to_owned(), Node::canonical);
            let value = Json::verbatim(&text).expect("canonical forms and defaults are JSON");
            (*key, value)
        })
        .collect();
    repeated.push(("store", Json::of(&store)));
    repeated
}

/// Checks the tools.
fn tools(body: &Node) -> Result<Vec<Offered>, Refusal> {
    let Some(tools) = body.given("tools") else {
        return Ok(Vec::new());
    };
    let tools = tools
        .list()
        .ok_or_else(|| invalid("Invalid type for 'tools': expected an array.", "tools"))?;
    let mut offered = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        let path = format!("tools[{at}]");
        match tool.text_at("type") {
            Some("function") => {
                // A nested tool, as Chat Completions takes it, has no name here.
                let name = name(tool, &format!("{path}.name"))?;
                known(tool, &FUNCTION_FIELDS, &path)?;
                schema(tool, name, &format!("{path}.parameters"))?;
                offered.push(Offered::function(name, tool.given("parameters")));
            }
            Some("custom") => {
                offered.push(Offered::other(name(tool, &format!("{path}.name"))?));
            }
            // The provider's own: each has its own fields.
            Some(_) => {}
            None => return Err(missing(format!("{path}.type"))),
        }
    }
    Ok(offered)
}

fn tool_choice(body: &Node, offered: &[Offered]) -> Result<(), Refusal> {
    let choice = match body.given("tool_choice") {
        None => return Ok(()),
        Some(Node::Text(word)) if matches!(word.as_str(), "auto" | "none" | "required") => {
            return Ok(());
        }
        Some(choice) => choice,
    };
    match choice.text_at("type") {
        Some("function" | "custom") => {
            // Chat Completions nests the name; here it stands beside the type.
            let name = choice
                .text_at("name")
                .ok_or_else(|| missing("tool_choice.name"))?;
            if offered.iter().any(|tool| tool.name == name) {
                return Ok(());
            }
            Err(invalid(
                format!("Tool choice '{name}' not found in 'tools' parameter."),
                "tool_choice",
            ))
        }
        Some(_) => Ok(()),
        None => Err(invalid(
            "Invalid value for 'tool_choice'. Supported values are: 'none', 'auto', 'required', and objects.",
            "tool_choice",
        )),
    }
}
