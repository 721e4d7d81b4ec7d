//! Reads one output item.

use callboard_proto::ToolUseId;
use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::model::{Reply, ToolUse};
use crate::provider::fields::{Fields, list};
use crate::provider::{Format, ParseError, openai};

const FORMAT: Format = Format::Responses;
/// Characters of an id that the API takes back, at most (its OpenAPI document, 2026-08-21).
const CALL_ID_CHARACTERS_MAX: usize = 64;
/// Characters of a bad id that are shown.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// An output item, as far as it counts here.
#[derive(Debug)]
pub(super) struct Item {
    /// What it is.
    pub(super) kind: Kind,
    /// Whether it was finished; one that doesn't say so was.
    pub(super) is_finished: bool,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Kind {
    /// A call for us to run.
    Call(ToolUse),
    /// What the model says.
    Message {
        /// Its text.
        text: String,
        /// Why it won't answer.
        refusal: String,
    },
    /// Reasoning, calls that the provider runs, and whatever else there is: repeated, not read.
    Other,
}

/// Whether an item of this type is a call for us to run.
pub(super) fn is_call(item_type: &str) -> bool {
    matches!(item_type, "function_call" | "custom_tool_call")
}

/// Reads the item at a position.
pub(super) fn read(raw: &RawValue, index: usize) -> Result<Item, ParseError> {
    let at = |source| ParseError::Block {
        format: FORMAT,
        index,
        source,
    };
    let fields = Fields::read(raw.get())
        .and_then(Fields::unique)
        .map_err(at)?;
    let status = fields.some_text("status");
    let is_finished =
        |unfinished: &dyn Fn(&str) -> bool| !status.as_deref().is_some_and(unfinished);
    let item_type = fields.string("type").map_err(at)?;
    Ok(match item_type.as_deref() {
        Some(item_type) if is_call(item_type) => Item {
            kind: Kind::Call(call(&fields, item_type, index)?),
            is_finished: is_finished(&|status| status != "completed"),
        },
        Some("function_call_output" | "custom_tool_call_output") => {
            return Err(at(serde_json::Error::custom(
                "it is a result, which only a request holds; give the output of the response alone",
            )));
        }
        // Requests may leave the type of a message out, and recordings of them do.
        Some("message") | None => Item {
            kind: message(&fields, index)?,
            is_finished: is_finished(&|status| status == "incomplete"),
        },
        Some(_) => Item {
            kind: Kind::Other,
            is_finished: is_finished(&|status| status == "incomplete"),
        },
    })
}

fn call(fields: &Fields<'_>, item_type: &str, index: usize) -> Result<ToolUse, ParseError> {
    let at = |source| ParseError::Block {
        format: FORMAT,
        index,
        source,
    };
    let id = id(fields, index)?;
    let Some(mut name) = fields.string("name").map_err(at)? else {
        return Err(ParseError::NoName {
            format: FORMAT,
            index,
        });
    };
    // Tools of two namespaces may have one name.
    if let Some(namespace) = fields.some_text("namespace") {
        name = format!("{namespace}.{name}");
    }
    let is_custom = item_type == "custom_tool_call";
    let arguments = if is_custom {
        let input = fields.string("input").map_err(at)?;
        openai::custom_arguments(&input.unwrap_or_default())
    } else {
        openai::arguments(fields.get("arguments")).map_err(at)?
    };
    Ok(ToolUse {
        id,
        name,
        arguments,
        reply: Reply {
            id: None,
            is_made_up: false,
            is_custom,
            repeat: fields
                .get("caller")
                .map(|caller| ("caller", caller.to_owned())),
        },
    })
}

/// The id by which a result finds its call: `call_id`, and not the item's own `id`.
fn id(fields: &Fields<'_>, index: usize) -> Result<ToolUseId, ParseError> {
    let Some(id) = fields.some_text("call_id") else {
        return Err(ParseError::EmptyId {
            format: FORMAT,
            index,
        });
    };
    let bad = || ParseError::BadId {
        format: FORMAT,
        index,
        id: id.chars().take(SHOWN_CHARACTERS_MAX).collect(),
    };
    if id.chars().count() > CALL_ID_CHARACTERS_MAX {
        return Err(bad());
    }
    ToolUseId::new(id.as_str()).map_err(|_| bad())
}

fn message(fields: &Fields<'_>, index: usize) -> Result<Kind, ParseError> {
    let at = |source| ParseError::Block {
        format: FORMAT,
        index,
        source,
    };
    let Some(role) = fields.string("role").map_err(at)? else {
        return Err(at(serde_json::Error::missing_field("type")));
    };
    if role != "assistant" {
        return Err(ParseError::NotAssistant { role });
    }
    let (mut text, mut refusal) = (String::new(), String::new());
    match fields.get("content") {
        Some(content) if content.get().starts_with('"') => {
            text = fields.string("content").map_err(at)?.unwrap_or_default();
        }
        Some(content) => {
            for part in list(content).map_err(at)? {
                let part = Fields::read(part.get()).map_err(at)?;
                text.push_str(&part.some_text("text").unwrap_or_default());
                refusal.push_str(&part.some_text("refusal").unwrap_or_default());
            }
        }
        None => {}
    }
    Ok(Kind::Message { text, refusal })
}
