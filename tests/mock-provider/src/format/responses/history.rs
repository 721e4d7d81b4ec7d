//! Input items, read as a conversation.

use crate::conversation::{
    Arguments, Call, CallResult, Place, Results, Spoken, Step, StepKind, What,
};
use crate::format::openai::{invalid, known, missing};
use crate::json::Node;
use crate::refusal::{Refusal, RefusalKind};

/// Letters of an output, at most (OpenAI's specification).
const OUTPUT_MAX: usize = 10_485_760;

/// What an item is for the conversation.
enum Item {
    Input,
    Assistant,
    Output(CallResult, String),
}

/// Reads all items; `store` is whether the provider keeps what it gives.
pub(super) fn steps(items: &[Node], store: bool) -> Result<Vec<Step>, Refusal> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let canonical = item.canonical_without(&[]);
        let last = steps.last_mut();
        match (read(item, at, store)?, last) {
            (
                Item::Assistant,
                Some(Step {
                    kind: StepKind::Assistant(all),
                    canonical: text,
                    ..
                }),
            ) => {
                all.push(spoken(item, at));
                text.push_str(&canonical);
            }
            (
                Item::Output(result, output),
                Some(Step {
                    kind: StepKind::Results(results),
                    canonical: text,
                    ..
                }),
            ) => {
                results.results.push(result);
                results.text.push_str(&output);
                text.push_str(&canonical);
            }
            (item_kind, _) => steps.push(Step {
                at,
                canonical,
                kind: match item_kind {
                    Item::Input => StepKind::Input,
                    Item::Assistant => StepKind::Assistant(vec![spoken(item, at)]),
                    Item::Output(result, text) => StepKind::Results(Results {
                        results: vec![result],
                        preceded: false,
                        text,
                    }),
                },
            }),
        }
    }
    check_reasoning(items)?;
    Ok(steps)
}

fn read(item: &Node, at: usize, store: bool) -> Result<Item, Refusal> {
    let path = format!("input[{at}]");
    let text = |key: &str| {
        item.text_at(key)
            .ok_or_else(|| missing(format!("{path}.{key}")))
    };
    match item.text_at("type").unwrap_or("message") {
        "message" => {
            known(
                item,
                &["type", "role", "content", "id", "status", "phase"],
                &path,
            )?;
            match item.get("content") {
                Some(Node::Text(_) | Node::List(_)) => {}
                _ => return Err(missing(format!("{path}.content"))),
            }
            match text("role")? {
                "user" | "system" | "developer" => Ok(Item::Input),
                "assistant" => Ok(Item::Assistant),
                role => Err(invalid(
                    format!(
                        "Invalid value: '{role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'."
                    ),
                    format!("{path}.role"),
                )),
            }
        }
        "function_call" => {
            known(
                item,
                &[
                    "type",
                    "id",
                    "call_id",
                    "name",
                    "arguments",
                    "status",
                    "namespace",
                    "async",
                    "caller",
                ],
                &path,
            )?;
            text("call_id")?;
            text("name")?;
            text("arguments")?;
            Ok(Item::Assistant)
        }
        kind @ ("function_call_output" | "custom_tool_call_output") => {
            known(
                item,
                &["type", "id", "call_id", "output", "status", "caller"],
                &path,
            )?;
            let id = text("call_id")?.to_owned();
            let result = CallResult {
                at: Place::new(at, 0),
                id: Some(id),
                tool: None,
            };
            Ok(Item::Output(result, output(item, &path, kind)?))
        }
        "reasoning" => {
            known(
                item,
                &[
                    "type",
                    "id",
                    "summary",
                    "content",
                    "encrypted_content",
                    "status",
                ],
                &path,
            )?;
            let id = text("id")?;
            if item.get("summary").and_then(Node::list).is_none() {
                return Err(missing(format!("{path}.summary")));
            }
            if !store && item.given("encrypted_content").is_none() {
                return Err(Refusal::new(
                    RefusalKind::NotFound,
                    format!(
                        "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try \
                         again with `store` set to true, or remove this item from your input."
                    ),
                )
                .param("input"));
            }
            Ok(Item::Assistant)
        }
        "item_reference" => Err(Refusal::new(
            RefusalKind::NotFound,
            format!(
                "Item with id '{}' not found.",
                item.text_at("id").unwrap_or_default()
            ),
        )
        .param("input")),
        "additional_tools" | "configuration_update" => Ok(Item::Input),
        kind if kind.ends_with("_output") => Ok(Item::Input),
        _ => Ok(Item::Assistant),
    }
}

fn output(item: &Node, path: &str, kind: &str) -> Result<String, Refusal> {
    let text = match item.get("output") {
        Some(Node::Text(text)) => text.clone(),
        Some(Node::List(parts)) => {
            let known = ["input_text", "input_image", "input_file"];
            for (index, part) in parts.iter().enumerate() {
                let kind = part.text_at("type").unwrap_or_default();
                if !known.contains(&kind) {
                    return Err(invalid(
                        format!(
                            "Invalid value: '{kind}'. Supported values are: 'input_text', 'input_image', and \
                             'input_file'."
                        ),
                        format!("{path}.output[{index}].type"),
                    ));
                }
            }
            parts
                .iter()
                .filter_map(|part| part.text_at("text"))
                .collect()
        }
        None => return Err(missing(format!("{path}.output"))),
        Some(_) => {
            return Err(invalid(
                format!("Invalid type for '{path}.output': a {kind} holds a string or a list."),
                format!("{path}.output"),
            ));
        }
    };
    if text.chars().count() > OUTPUT_MAX {
        return Err(invalid(
            format!(
                "Invalid '{path}.output': string too long. Expected a string with maximum length {OUTPUT_MAX}."
            ),
            format!("{path}.output"),
        ));
    }
    Ok(format!("{text}\n"))
}

/// Reasoning stands right before what it led to.
fn check_reasoning(items: &[Node]) -> Result<(), Refusal> {
    for (at, item) in items.iter().enumerate() {
        if item.text_at("type") != Some("reasoning") {
            continue;
        }
        let next = items.get(at + 1);
        let is_followed = next.is_some_and(|next| {
            let kind = next.text_at("type").unwrap_or("message");
            next.text_at("role") == Some("assistant")
                || (kind != "message" && !kind.ends_with("_output"))
        });
        if !is_followed {
            return Err(invalid(
                format!(
                    "Item '{}' of type 'reasoning' was provided without its required following item.",
                    item.text_at("id").unwrap_or_default()
                ),
                "input",
            ));
        }
    }
    Ok(())
}

fn joined(item: &Node, list: &str) -> String {
    match item.get(list) {
        Some(Node::Text(text)) => text.clone(),
        Some(Node::List(parts)) => parts
            .iter()
            .filter_map(|part| part.text_at("text").or_else(|| part.text_at("refusal")))
            .collect(),
        _ => String::new(),
    }
}

/// Reads one of the assistant's items.
pub(super) fn spoken(item: &Node, at: usize) -> Spoken {
    let text = |key| item.text_at(key).unwrap_or_default().to_owned();
    let call = |arguments: String, without: &[&str]| {
        What::Call(Call {
            id: Some(text("call_id")),
            tool: text("name"),
            arguments: Arguments::Text(arguments),
            signature: None,
            rest: item.canonical_without(without),
        })
    };
    Spoken {
        at: Place::new(at, 0),
        what: match item.text_at("type").unwrap_or("message") {
            "message" => What::Text(joined(item, "content")),
            "reasoning" => What::Thinking {
                text: joined(item, "summary"),
                signature: Some(format!("{} {}", text("id"), text("encrypted_content"))),
            },
            "function_call" => call(text("arguments"), &["type", "call_id", "name", "arguments"]),
            "custom_tool_call" => call(text("input"), &["type", "call_id", "name", "input"]),
            _ => What::Opaque(item.canonical_without(&[])),
        },
    }
}
