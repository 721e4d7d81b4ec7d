//! Messages, read as a conversation.

use crate::conversation::{
    Arguments, Call, CallResult, Place, Results, Spoken, Step, StepKind, What,
};
use crate::format::read::unknown;
use crate::json::Node;
use crate::refusal::Refusal;

/// Blocks of a user's message, besides results.
const USER_BLOCKS: [&str; 9] = [
    "text",
    "image",
    "document",
    "search_result",
    "tool_result",
    "container_upload",
    "tool_addition",
    "tool_removal",
    "mcp_tool_result",
];
/// Blocks that only an assistant's message holds.
const ASSISTANT_BLOCKS: [&str; 4] = [
    "tool_use",
    "server_tool_use",
    "thinking",
    "redacted_thinking",
];
/// What a cache does is no part of a conversation, and moves from request to request.
const CACHE: [&str; 1] = ["cache_control"];

/// Reads all messages; `is_new` is whether the version of 2026-10-21 holds.
pub(super) fn steps(messages: &[Node], is_new: bool) -> Result<Vec<Step>, Refusal> {
    let mut steps = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if let Some(key) = unknown(message, &["role", "content"]) {
            return Err(Refusal::invalid(format!(
                "messages.{at}.{key}: Extra inputs are not permitted"
            )));
        }
        let role = message.text_at("role").unwrap_or_default();
        if at == 0 && role != "user" {
            return Err(Refusal::invalid(
                "messages: first message must use the \"user\" role",
            ));
        }
        let blocks = match message.get("content") {
            Some(Node::Text(text)) => vec![text_block(text)],
            Some(Node::List(blocks)) => blocks.clone(),
            _ => {
                return Err(Refusal::invalid(format!(
                    "messages.{at}.content: Field required"
                )));
            }
        };
        if blocks.is_empty() {
            return Err(Refusal::invalid(format!(
                "messages.{at}: all messages must have non-empty content"
            )));
        }
        for (part, block) in blocks.iter().enumerate() {
            check_block(block, role, is_new).map_err(|problem| {
                Refusal::invalid(format!("messages.{at}.content.{part}{problem}"))
            })?;
        }
        let kind = match role {
            "assistant" => {
                check_server_tools(&blocks)
                    .map_err(|problem| Refusal::invalid(format!("messages.{at}: {problem}")))?;
                StepKind::Assistant(spoken(&blocks, at))
            }
            "user" => user(&blocks, at),
            "system" => {
                if messages.get(at - 1).and_then(|last| last.text_at("role")) == Some("assistant") {
                    return Err(Refusal::invalid(format!(
                        "messages.{at}: `system` messages must not directly follow an assistant turn"
                    )));
                }
                StepKind::Input
            }
            _ => {
                return Err(Refusal::invalid(format!(
                    "messages.{at}.role: Input should be 'user', 'assistant' or 'system'"
                )));
            }
        };
        let canonical: Vec<String> = blocks
            .iter()
            .map(|block| block.canonical_without(&CACHE))
            .collect();
        steps.push(Step {
            at,
            canonical: format!("{role} {}", canonical.join(" ")),
            kind,
        });
    }
    Ok(steps)
}

fn text_block(text: &str) -> Node {
    Node::Object(vec![
        ("type".to_owned(), Node::Text("text".to_owned())),
        ("text".to_owned(), Node::Text(text.to_owned())),
    ])
}

/// Checks one block; the error goes on from the block's place.
fn check_block(block: &Node, role: &str, is_new: bool) -> Result<(), String> {
    let Some(kind) = block.text_at("type") else {
        return Err(".type: Field required".to_owned());
    };
    let is_assistant = role == "assistant";
    if !is_assistant && ASSISTANT_BLOCKS.contains(&kind) {
        return Err(format!(
            ": `{kind}` blocks can only be in `assistant` messages"
        ));
    }
    if is_assistant && kind == "tool_result" {
        return Err(": `tool_result` blocks can only be in `user` messages".to_owned());
    }
    if !is_assistant && !USER_BLOCKS.contains(&kind) {
        return Err(format!(
            ": Input tag '{kind}' found using 'type' does not match any of the expected tags"
        ));
    }
    if is_assistant && is_new && kind == "document" {
        return Err(": `document` blocks can't be directly in assistant messages".to_owned());
    }
    let (required, optional): (&[&str], &[&str]) = match kind {
        "text" => (&["text"], &["citations"]),
        "thinking" => (&["thinking", "signature"], &[]),
        "tool_use" => (&["id", "name", "input"], &["caller", "toolset_name"]),
        "tool_result" => (&["tool_use_id"], &["content", "is_error", "toolset_name"]),
        "image" => (&["source"], &["transformations"]),
        _ => return Ok(()),
    };
    if let Some(key) = required.iter().find(|key| block.given(key).is_none()) {
        return Err(format!(".{kind}.{key}: Field required"));
    }
    let known: Vec<&str> = [required, optional, &["type", "cache_control"]].concat();
    if let Some(key) = unknown(block, &known) {
        return Err(format!(".{kind}.{key}: Extra inputs are not permitted"));
    }
    match kind {
        "text" => check_text(block, is_assistant, is_new),
        "tool_use" if !block.get("input").is_some_and(Node::is_object) => {
            Err(".tool_use.input: Input should be a valid dictionary".to_owned())
        }
        "tool_result" => check_result(block),
        _ => Ok(()),
    }
}

fn check_text(block: &Node, is_assistant: bool, is_new: bool) -> Result<(), String> {
    if block.text_at("text").is_none_or(str::is_empty) {
        return Err(": text content blocks must be non-empty".to_owned());
    }
    let is_cited = block
        .get("citations")
        .and_then(Node::list)
        .is_some_and(|citations| !citations.is_empty());
    if is_cited && is_new && !is_assistant {
        return Err(".text.citations: citations are not permitted on user text blocks".to_owned());
    }
    Ok(())
}

fn check_result(block: &Node) -> Result<(), String> {
    if block.text_at("tool_use_id").is_none() {
        return Err(".tool_result.tool_use_id: Input should be a valid string".to_owned());
    }
    if !matches!(block.given("is_error"), None | Some(Node::Bool(_))) {
        return Err(".tool_result.is_error: Input should be a valid boolean".to_owned());
    }
    let parts = match block.given("content") {
        None | Some(Node::Text(_)) => return Ok(()),
        Some(Node::List(parts)) => parts,
        Some(_) => return Err(".tool_result.content: Input should be a valid list".to_owned()),
    };
    const PARTS: [&str; 6] = [
        "text",
        "image",
        "document",
        "search_result",
        "tool_reference",
        "browser_state",
    ];
    for (index, part) in parts.iter().enumerate() {
        let kind = part.text_at("type").unwrap_or_default();
        if !PARTS.contains(&kind) {
            return Err(format!(
                ".tool_result.content.{index}: Input tag '{kind}' found using 'type' does not match any of the \
                 expected tags"
            ));
        }
        if kind == "text" && part.text_at("text").is_none() {
            return Err(format!(
                ".tool_result.content.{index}.text.text: Field required"
            ));
        }
    }
    Ok(())
}

/// Each tool that the provider ran has its result in the same message, unless the client's own are still open.
fn check_server_tools(blocks: &[Node]) -> Result<(), String> {
    let has_kind = |kind: &str| {
        blocks
            .iter()
            .any(|block| block.text_at("type") == Some(kind))
    };
    if has_kind("tool_use") {
        return Ok(());
    }
    for block in blocks {
        if block.text_at("type") != Some("server_tool_use") {
            continue;
        }
        let id = block.text_at("id").unwrap_or_default();
        let name = block.text_at("name").unwrap_or_default();
        let is_answered = blocks
            .iter()
            .any(|block| block.text_at("tool_use_id") == Some(id));
        if !is_answered {
            return Err(format!(
                "`{name}` tool use with id `{id}` was found without a corresponding `{name}_tool_result` block"
            ));
        }
    }
    Ok(())
}

fn user(blocks: &[Node], at: usize) -> StepKind {
    let mut results = Results::default();
    for (part, block) in blocks.iter().enumerate() {
        if block.text_at("type") != Some("tool_result") {
            results.preceded |= results.results.is_empty();
            continue;
        }
        results.results.push(CallResult {
            at: Place::new(at, part),
            id: block.text_at("tool_use_id").map(str::to_owned),
            tool: None,
        });
        match block.get("content") {
            Some(Node::Text(text)) => results.text.push_str(text),
            Some(Node::List(parts)) => {
                for text in parts.iter().filter_map(|part| part.text_at("text")) {
                    results.text.push_str(text);
                }
            }
            _ => {}
        }
        results.text.push('\n');
    }
    if results.results.is_empty() {
        StepKind::Input
    } else {
        StepKind::Results(results)
    }
}

/// Reads the blocks of an assistant's message.
pub(super) fn spoken(blocks: &[Node], at: usize) -> Vec<Spoken> {
    let text = |block: &Node, key| block.text_at(key).unwrap_or_default().to_owned();
    blocks
        .iter()
        .enumerate()
        .map(|(part, block)| Spoken {
            at: Place::new(at, part),
            what: match block.text_at("type") {
                Some("text") => What::Text(text(block, "text")),
                Some("thinking") => What::Thinking {
                    text: text(block, "thinking"),
                    signature: Some(text(block, "signature")),
                },
                Some("tool_use") => What::Call(Call {
                    id: Some(text(block, "id")),
                    tool: text(block, "name"),
                    arguments: Arguments::Object(
                        block.get("input").map(Node::canonical).unwrap_or_default(),
                    ),
                    signature: None,
                    rest: block.canonical_without(&[
                        "type",
                        "id",
                        "name",
                        "input",
                        "cache_control",
                    ]),
                }),
                _ => What::Opaque(block.canonical_without(&CACHE)),
            },
        })
        .collect()
}
