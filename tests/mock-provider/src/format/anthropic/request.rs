//! Reads a request.

use super::history;
use crate::answer::{Asked, Offered};
use crate::conversation::History;
use crate::format::read::{body, count, is_word, twice, unknown};
use crate::json::Node;
use crate::refusal::{Refusal, RefusalKind};
use crate::request::Incoming;

/// The versions of the API.
const VERSIONS: [&str; 2] = ["2023-06-01", NEWEST];
const NEWEST: &str = "2026-10-21";
/// Messages, at most (the reference, section 1.1).
const MESSAGES_MAX: usize = 100_000;
/// Letters of a tool's name, at most.
const NAME_MAX: usize = 128;

const FIELDS: [&str; 27] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "stream",
    "stop_sequences",
    "thinking",
    "output_config",
    "metadata",
    "service_tier",
    "speed",
    "cache_control",
    "container",
    "context_management",
    "compaction",
    "diagnostics",
    "fallbacks",
    "fallback_credit_token",
    "billing_policy",
    "inference_geo",
    "mcp_servers",
    "prefill",
    "thread",
    "user_profile_id",
    "workspace_id",
];
/// Fields that only the older version takes.
const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];
const TOOL_FIELDS: [&str; 10] = [
    "name",
    "description",
    "input_schema",
    "type",
    "strict",
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
    "allowed_callers",
    "cache_control",
];

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::invalid(message)
}

pub(crate) fn read(incoming: &Incoming<'_>) -> Result<(Asked, History), Refusal> {
    let version = incoming
        .header("anthropic-version")
        .ok_or_else(|| invalid("anthropic-version: header is required"))?;
    if !VERSIONS.contains(&version) {
        return Err(invalid(format!(
            "anthropic-version: \"{version}\" is not a valid version"
        )));
    }
    let is_new = version == NEWEST;
    let body = body(incoming.body, "The request body is not valid JSON: ")?;
    if let Some(field) = SAMPLING.iter().find(|field| body.get(field).is_some())
        && is_new
    {
        return Err(invalid(format!(
            "{field}: not supported with anthropic-version {NEWEST}, even at its default; remove it"
        )));
    }
    if let Some(key) = unknown(&body, &[FIELDS.as_slice(), &SAMPLING].concat()) {
        return Err(invalid(format!("{key}: Extra inputs are not permitted")));
    }
    let model = body
        .text_at("model")
        .ok_or_else(|| invalid("model: Field required"))?;
    body.get("max_tokens")
        .ok_or_else(|| invalid("max_tokens: Field required"))
        .and_then(|given| {
            count(given).ok_or_else(|| invalid("max_tokens: Input should be a valid integer"))
        })?;
    let messages = body
        .get("messages")
        .and_then(Node::list)
        .ok_or_else(|| invalid("messages: Field required"))?;
    if messages.is_empty() {
        return Err(invalid("messages: at least one message is required"));
    }
    if messages.len() > MESSAGES_MAX {
        return Err(invalid(format!(
            "messages: Too many messages: {} > {MESSAGES_MAX} maximum",
            messages.len()
        )));
    }
    let offered = tools(&body)?;
    let parallel = tool_choice(&body, &offered)?;
    system(&body)?;
    let steps = history::steps(messages, is_new)?;
    let part = |key| body.given(key).map(canonical).unwrap_or_default();
    let fixed = format!("{}\n{}", part("system"), part("tools"));
    let asked = Asked {
        model: model.to_owned(),
        stream: stream(&body)?,
        parallel,
        offered,
        bytes: incoming.body.len(),
        ..Asked::default()
    };
    Ok((asked, History { fixed, steps }))
}

fn stream(body: &Node) -> Result<bool, Refusal> {
    match body.get("stream") {
        None => Ok(false),
        Some(Node::Bool(stream)) => Ok(*stream),
        Some(_) => Err(invalid("stream: Input should be a valid boolean")),
    }
}

/// Instructions and tools in one form, marks for the cache left out.
fn canonical(node: &Node) -> String {
    match node {
        Node::List(items) => items
            .iter()
            .map(|item| item.canonical_without(&["cache_control"]))
            .collect::<Vec<_>>()
            .join(" "),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => {
            node.canonical()
        }
    }
}

fn system(body: &Node) -> Result<(), Refusal> {
    match body.given("system") {
        None | Some(Node::Text(_)) => Ok(()),
        Some(Node::List(blocks)) => {
            let bad = blocks
                .iter()
                .position(|block| block.text_at("text").is_none_or(str::is_empty));
            match bad {
                None => Ok(()),
                Some(at) => Err(invalid(format!(
                    "system.{at}: text content blocks must be non-empty"
                ))),
            }
        }
        Some(_) => Err(invalid("system: Input should be a valid string or list")),
    }
}

/// Checks the tools.
fn tools(body: &Node) -> Result<Vec<Offered>, Refusal> {
    let tools = match body.given("tools") {
        None => return Ok(Vec::new()),
        Some(tools) => tools
            .list()
            .ok_or_else(|| invalid("tools: Input should be a valid list"))?,
    };
    let mut offered = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        let kind = tool.text_at("type").unwrap_or("custom");
        if kind != "custom" {
            // The provider's own: each has its own fields.
            offered.extend(tool.text_at("name").map(Offered::other));
            continue;
        }
        let field = |rest: &str| invalid(format!("tools.{at}.custom.{rest}"));
        if let Some(key) = unknown(tool, &TOOL_FIELDS) {
            return Err(field(&format!("{key}: Extra inputs are not permitted")));
        }
        let name = tool
            .text_at("name")
            .ok_or_else(|| field("name: Field required"))?;
        if !is_word(name) || name.len() > NAME_MAX {
            return Err(field(
                "name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
            ));
        }
        let schema = tool
            .given("input_schema")
            .ok_or_else(|| field("input_schema: Field required"))?;
        match schema.text_at("type") {
            Some("object") => {}
            Some(_) => return Err(field("input_schema.type: Input should be 'object'")),
            None => return Err(field("input_schema.type: Field required")),
        }
        offered.push(Offered::function(name, Some(schema)));
    }
    if twice(offered.iter().map(|tool| tool.name.as_str())).is_some() {
        return Err(invalid("tools: Tool names must be unique."));
    }
    Ok(offered)
}

/// Checks the choice; gives whether several calls may come at once.
fn tool_choice(body: &Node, offered: &[Offered]) -> Result<bool, Refusal> {
    let Some(choice) = body.given("tool_choice") else {
        return Ok(true);
    };
    let (known, kind): (&[&str], &str) = match choice.text_at("type") {
        Some(kind @ ("auto" | "any")) => (&["type", "disable_parallel_tool_use"], kind),
        Some(kind @ "none") => (&["type"], kind),
        Some(kind @ "tool") => (&["type", "name", "disable_parallel_tool_use"], kind),
        _ => {
            return Err(invalid(
                "tool_choice: Input tag should be one of 'auto', 'any', 'tool', 'none'",
            ));
        }
    };
    if let Some(key) = unknown(choice, known) {
        return Err(invalid(format!(
            "tool_choice.{kind}.{key}: Extra inputs are not permitted"
        )));
    }
    if kind == "tool" {
        let name = choice
            .text_at("name")
            .ok_or_else(|| invalid("tool_choice.tool.name: Field required"))?;
        if !offered.iter().any(|tool| tool.name == name) {
            return Err(invalid(format!(
                "Tool '{name}' not found in provided tools"
            )));
        }
    }
    if kind != "none" && offered.is_empty() {
        return Err(invalid(
            "tool_choice: tool_choice may only be specified while providing tools",
        ));
    }
    Ok(choice.bool_at("disable_parallel_tool_use") != Some(true))
}

/// The path that names no model.
pub(crate) fn unknown_model(model: &str) -> Refusal {
    Refusal::new(RefusalKind::NotFound, format!("model: {model}"))
}
