//! Reads a request.

use super::history;
use crate::answer::{Asked, Offered};
use crate::conversation::History;
use crate::format::openai::{NOT_JSON, flag, invalid, known, missing, name, schema, unexpected};
use crate::format::read::{body, unknown};
use crate::json::Node;
use crate::refusal::Refusal;
use crate::request::Incoming;

/// Tools, at most; from memory (the reference, section 9).
const TOOLS_MAX: usize = 128;

const FIELDS: [&str; 37] = [
    "messages",
    "model",
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

pub(crate) fn read(incoming: &Incoming<'_>) -> Result<(Asked, History), Refusal> {
    let body = body(incoming.body, NOT_JSON)?;
    if let Some(key) = unknown(&body, &FIELDS) {
        return Err(Refusal::invalid(format!(
            "Unrecognized request argument supplied: {key}"
        )));
    }
    let model = body.text_at("model").ok_or_else(|| missing("model"))?;
    let messages = body
        .get("messages")
        .and_then(Node::list)
        .ok_or_else(|| missing("messages"))?;
    if messages.is_empty() {
        return Err(invalid(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages",
        ));
    }
    let offered = tools(&body)?;
    tool_choice(&body, &offered)?;
    let stream = flag(&body, "stream", false)?;
    if body.given("parallel_tool_calls").is_some() && offered.is_empty() {
        return Err(invalid(
            "'parallel_tool_calls' is only allowed when 'tools' are specified.",
            "parallel_tool_calls",
        ));
    }
    let include_usage = match body.given("stream_options") {
        None => false,
        Some(_) if !stream => {
            return Err(invalid(
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                "stream_options",
            ));
        }
        Some(options) => {
            known(
                options,
                &["include_usage", "include_obfuscation"],
                "stream_options",
            )?;
            options.bool_at("include_usage") == Some(true)
        }
    };
    let steps = history::steps(messages)?;
    let fixed = body.given("tools").map(Node::canonical).unwrap_or_default();
    let asked = Asked {
        model: model.to_owned(),
        stream,
        parallel: flag(&body, "parallel_tool_calls", true)?,
        include_usage,
        offered,
        bytes: incoming.body.len(),
        ..Asked::default()
    };
    Ok((asked, History { fixed, steps }))
}

/// Checks the tools.
fn tools(body: &Node) -> Result<Vec<Offered>, Refusal> {
    let Some(tools) = body.given("tools") else {
        return Ok(Vec::new());
    };
    let tools = tools
        .list()
        .ok_or_else(|| invalid("Invalid type for 'tools': expected an array.", "tools"))?;
    if tools.is_empty() {
        return Err(invalid(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "tools",
        ));
    }
    if tools.len() > TOOLS_MAX {
        return Err(invalid(
            format!(
                "Invalid 'tools': array too long. Expected an array with maximum length {TOOLS_MAX}, but got an array \
                 with length {} instead.",
                tools.len()
            ),
            "tools",
        ));
    }
    let mut offered = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        let path = format!("tools[{at}]");
        let kind = match tool.text_at("type") {
            Some(kind @ ("function" | "custom")) => kind,
            Some(kind) => {
                return Err(invalid(
                    format!(
                        "Invalid value: '{kind}'. Supported values are: 'function' and 'custom'."
                    ),
                    format!("{path}.type"),
                ));
            }
            None => return Err(missing(format!("{path}.type"))),
        };
        let path_of_kind = format!("{path}.{kind}");
        // A flat tool, as Responses takes it, has no such field.
        let inner = tool
            .given(kind)
            .ok_or_else(|| missing(path_of_kind.clone()))?;
        known(tool, &["type", kind], &path)?;
        let fields: &[&str] = match kind {
            "function" => &["name", "description", "parameters", "strict"],
            _ => &["name", "description", "format"],
        };
        known(inner, fields, &path_of_kind)?;
        let name = name(inner, &format!("{path_of_kind}.name"))?;
        schema(inner, name, &format!("{path_of_kind}.parameters"))?;
        offered.push(match kind {
            "function" => Offered::function(name, inner.given("parameters")),
            _ => Offered::other(name),
        });
    }
    Ok(offered)
}

fn tool_choice(body: &Node, offered: &[Offered]) -> Result<(), Refusal> {
    let Some(choice) = body.given("tool_choice") else {
        return Ok(());
    };
    if offered.is_empty() {
        return Err(invalid(
            "'tool_choice' is only allowed when 'tools' are specified.",
            "tool_choice",
        ));
    }
    let kind = match choice {
        Node::Text(word) if matches!(word.as_str(), "auto" | "none" | "required") => return Ok(()),
        Node::Text(word) => {
            return Err(invalid(
                format!(
                    "Invalid value: '{word}'. Supported values are: 'none', 'auto', and 'required'."
                ),
                "tool_choice",
            ));
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
            choice.text_at("type").unwrap_or_default()
        }
    };
    match kind {
        "allowed_tools" => Ok(()),
        "function" | "custom" => {
            if choice.get("name").is_some() {
                return Err(unexpected("tool_choice.name"));
            }
            let path = format!("tool_choice.{kind}");
            let name = choice
                .get(kind)
                .and_then(|inner| inner.text_at("name"))
                .ok_or_else(|| missing(path.clone()))?;
            if offered.iter().any(|tool| tool.name == name) {
                return Ok(());
            }
            Err(invalid(
                format!("Tool choice '{name}' not found in 'tools' parameter."),
                "tool_choice",
            ))
        }
        _ => Err(missing("tool_choice.type")),
    }
}
