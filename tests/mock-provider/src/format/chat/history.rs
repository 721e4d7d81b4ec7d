//! Messages, read as a conversation.

use crate::conversation::{
    Arguments, Call, CallResult, Place, Results, Spoken, Step, StepKind, What,
};
use crate::format::openai::{invalid, known, missing};
use crate::json::Node;
use crate::refusal::Refusal;

const ASSISTANT_FIELDS: [&str; 10] = [
    "role",
    "content",
    "tool_calls",
    "refusal",
    "name",
    "audio",
    "function_call",
    "annotations",
    "reasoning_content",
    "reasoning",
];

/// Reads all messages.
pub(super) fn steps(messages: &[Node]) -> Result<Vec<Step>, Refusal> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let path = format!("messages[{at}]");
        let canonical = message.canonical_without(&[]);
        let kind = match message.text_at("role") {
            Some("system" | "developer" | "user") => {
                known(message, &["role", "content", "name"], &path)?;
                content(message, &path, true)?;
                StepKind::Input
            }
            Some("assistant") => {
                known(message, &ASSISTANT_FIELDS, &path)?;
                check_assistant(message, &path)?;
                StepKind::Assistant(spoken(message, at))
            }
            Some("tool") => {
                known(message, &["role", "content", "tool_call_id", "name"], &path)?;
                let result = CallResult {
                    at: Place::new(at, 0),
                    id: Some(
                        message
                            .text_at("tool_call_id")
                            .ok_or_else(|| missing(format!("{path}.tool_call_id")))?
                            .to_owned(),
                    ),
                    tool: message.text_at("name").map(str::to_owned),
                };
                let text = tool_content(message, &path)?;
                // All tool messages in a row belong together.
                if let Some(Step {
                    kind: StepKind::Results(results),
                    canonical: all,
                    ..
                }) = steps.last_mut()
                {
                    results.results.push(result);
                    results.text.push_str(&text);
                    all.push_str(&canonical);
                    continue;
                }
                StepKind::Results(Results {
                    results: vec![result],
                    preceded: false,
                    text,
                })
            }
            Some(role) => {
                return Err(invalid(
                    format!(
                        "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', \
                         'tool', and 'developer'."
                    ),
                    format!("{path}.role"),
                ));
            }
            None => return Err(missing(format!("{path}.role"))),
        };
        steps.push(Step {
            at,
            canonical,
            kind,
        });
    }
    Ok(steps)
}

/// Checks a message's content: a text, or parts of it.
fn content(message: &Node, path: &str, is_needed: bool) -> Result<(), Refusal> {
    match message.given("content") {
        Some(Node::Text(_)) => Ok(()),
        Some(Node::List(parts)) if !parts.is_empty() => {
            let untyped = parts.iter().position(|part| part.text_at("type").is_none());
            match untyped {
                None => Ok(()),
                Some(part) => Err(missing(format!("{path}.content[{part}].type"))),
            }
        }
        None if !is_needed => Ok(()),
        _ => Err(invalid(
            "Invalid value for 'content': expected a string, got null.",
            format!("{path}.content"),
        )),
    }
}

/// The text of a tool message, whose content holds text alone.
fn tool_content(message: &Node, path: &str) -> Result<String, Refusal> {
    content(message, path, true)?;
    let mut text = String::new();
    match message.given("content") {
        Some(Node::List(parts)) => {
            for (index, part) in parts.iter().enumerate() {
                if part.text_at("type") != Some("text") {
                    return Err(invalid(
                        "Invalid value: tool messages take content parts of type 'text' only.",
                        format!("{path}.content[{index}].type"),
                    ));
                }
                text.push_str(part.text_at("text").unwrap_or_default());
            }
        }
        Some(node) => text.push_str(node.text().unwrap_or_default()),
        None => {}
    }
    text.push('\n');
    Ok(text)
}

fn check_assistant(message: &Node, path: &str) -> Result<(), Refusal> {
    let calls = match message.given("tool_calls") {
        None => {
            let says = ["refusal", "audio", "function_call"];
            let is_needed = says.iter().all(|key| message.given(key).is_none());
            return content(message, path, is_needed);
        }
        Some(calls) => calls.list().unwrap_or_default(),
    };
    content(message, path, false)?;
    if calls.is_empty() {
        return Err(invalid(
            format!(
                "Invalid '{path}.tool_calls': empty array. Expected an array with minimum length 1, but got an empty \
                 array instead."
            ),
            format!("{path}.tool_calls"),
        ));
    }
    for (index, call) in calls.iter().enumerate() {
        let path = format!("{path}.tool_calls[{index}]");
        for key in ["id", "type"] {
            if call.text_at(key).is_none() {
                return Err(missing(format!("{path}.{key}")));
            }
        }
        if call.text_at("type") == Some("custom") {
            continue;
        }
        let function = call
            .given("function")
            .ok_or_else(|| missing(format!("{path}.function")))?;
        known(
            function,
            &["name", "arguments"],
            &format!("{path}.function"),
        )?;
        if function.text_at("name").is_none() {
            return Err(missing(format!("{path}.function.name")));
        }
        match function.get("arguments") {
            Some(Node::Text(_)) => {}
            None => return Err(missing(format!("{path}.function.arguments"))),
            Some(_) => {
                return Err(invalid(
                    format!(
                        "Invalid type for '{path}.function.arguments': expected a string, but got something else \
                         instead."
                    ),
                    format!("{path}.function.arguments"),
                ));
            }
        }
    }
    Ok(())
}

fn text_of(content: &Node) -> String {
    match content {
        Node::Text(text) => text.clone(),
        Node::List(parts) => parts
            .iter()
            .filter_map(|part| part.text_at("text"))
            .collect(),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Object(_) => String::new(),
    }
}

/// Reads an assistant's message.
pub(super) fn spoken(message: &Node, at: usize) -> Vec<Spoken> {
    let mut whats = Vec::new();
    if let Some(text) = message.text_at("reasoning_content") {
        whats.push(What::Thinking {
            text: text.to_owned(),
            signature: None,
        });
    }
    for key in ["content", "refusal"] {
        let text = message.get(key).map(text_of).unwrap_or_default();
        if !text.is_empty() {
            whats.push(What::Text(text));
        }
    }
    let calls = message.get("tool_calls").and_then(Node::list);
    for call in calls.unwrap_or_default() {
        let function = call.get("function");
        let text = |key| function.and_then(|function| function.text_at(key));
        // A server that sends objects gets text back; both are read.
        let arguments = match function.and_then(|function| function.get("arguments")) {
            Some(Node::Text(text)) => Arguments::Text(text.clone()),
            Some(other) => Arguments::Object(other.canonical()),
            None => Arguments::Text(String::new()),
        };
        whats.push(What::Call(Call {
            id: call.text_at("id").map(str::to_owned),
            tool: text("name").unwrap_or_default().to_owned(),
            arguments,
            signature: None,
            rest: call.canonical_without(&["id", "type", "function", "index"]),
        }));
    }
    whats
        .into_iter()
        .enumerate()
        .map(|(part, what)| Spoken {
            at: Place::new(at, part),
            what,
        })
        .collect()
}
