//! Takes an assistant message apart.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use callboard_proto::ToolUseId;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::model::ToolUse;

/// The reason to stop that asks for calls to be run.
const TOOL_USE: &str = "tool_use";

/// An assistant message that asks for calls.
#[derive(Clone, Debug)]
pub struct AssistantMessage {
    /// The message as it came; a conversation goes on with exactly these bytes.
    pub raw: Bytes,
    /// The text blocks, joined.
    pub text: String,
    /// The `tool_use` blocks, in order; at least one, and no id twice. Each one's arguments are the
    /// model's own bytes.
    pub calls: Vec<ToolUse>,
}

/// Why a message can't be run. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The input isn't UTF-8, so it isn't JSON either.
    #[error("the input isn't UTF-8; save it as UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// The input isn't JSON.
    #[error("the input isn't JSON; give one assistant message as the Messages API returns it")]
    NotJson(#[source] serde_json::Error),
    /// The input is JSON, and no message.
    #[error(
        "the input is no message; give one object with \"role\" and \"content\" as the Messages API returns it"
    )]
    NotAMessage(#[source] serde_json::Error),
    /// The message isn't the assistant's.
    #[error("the message's role is {role:?}; only an assistant's message asks for calls")]
    NotAssistant {
        /// The role that it names.
        role: String,
    },
    /// A content block can't be read.
    #[error("content block {index} can't be read")]
    Block {
        /// Its position, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// There is nothing to run.
    #[error("the message holds no tool_use block, so there is nothing to run")]
    NothingToRun,
    /// The response was not finished, or declined.
    #[error(
        "the response stopped for {stop_reason:?}, so its {calls} calls may be incomplete or unwanted and none was run; \
         only \"tool_use\" asks for calls: request the response again, with a higher max_tokens if it was cut off"
    )]
    Stopped {
        /// The reason that it names.
        stop_reason: String,
        /// Calls that it holds.
        calls: usize,
    },
    /// A `tool_use` block has no id.
    #[error("the tool_use in content block {index} has no id, so no result can name it")]
    EmptyId {
        /// The block's position, from 0.
        index: usize,
    },
    /// A `tool_use` block's id isn't one that the API takes back.
    #[error(
        "the id {id:?} of the tool_use in content block {index} can't be answered: the API takes up to 256 \
         letters, digits, '_' and '-'"
    )]
    BadId {
        /// The block's position, from 0.
        index: usize,
        /// The id, cut to 80 characters.
        id: String,
    },
    /// Two `tool_use` blocks share an id: the API refuses two results for it.
    #[error(
        "the content blocks {first} and {second} are both tool_use with the id {id:?}; the API takes one result \
         for each id, so nothing was run"
    )]
    DuplicateId {
        /// The id.
        id: String,
        /// Position of the first block, from 0.
        first: usize,
        /// Position of the second block, from 0.
        second: usize,
    },
    /// A `tool_use` block names no tool.
    #[error("the tool_use in content block {index} names no tool")]
    NoName {
        /// The block's position, from 0.
        index: usize,
    },
}

impl ParseError {
    /// A stable code for programs and for `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8(_) => "message_not_utf8",
            Self::NotJson(_) => "message_not_json",
            Self::NotAMessage(_) => "message_not_a_message",
            Self::NotAssistant { .. } => "message_not_assistant",
            Self::Block { .. } => "message_block",
            Self::NothingToRun => "message_nothing_to_run",
            Self::Stopped { .. } => "message_stopped",
            Self::EmptyId { .. } => "tool_use_id_empty",
            Self::BadId { .. } => "tool_use_id_bad",
            Self::DuplicateId { .. } => "tool_use_id_duplicate",
            Self::NoName { .. } => "tool_use_no_name",
        }
    }
}

/// The parts of a message that count here; all others stay in the raw bytes.
#[derive(Deserialize)]
#[serde(expecting = "a message object")]
struct WireMessage<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a content block object")]
struct WireBlock<'a> {
    #[serde(borrow, rename = "type")]
    block_type: Cow<'a, str>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, borrow)]
    input: Option<&'a RawValue>,
}

/// Reads the type alone, so that a block of another kind may hold anything under the other names.
#[derive(Deserialize)]
#[serde(expecting = "a content block object")]
struct WireType<'a> {
    #[serde(borrow, rename = "type")]
    block_type: Cow<'a, str>,
}

/// Takes a message apart: a bare one (`role`, `content`) or a whole response. Blocks that aren't the
/// client's to run (`server_tool_use` and its like) are passed over.
///
/// # Errors
/// When the input is no assistant message, asks for nothing, says by its `stop_reason` that its calls
/// must not run, or holds an id that can't be answered. Nothing may be run then, not even the calls
/// that are in order: an answer to some of them would poison the conversation.
pub fn parse(input: &[u8]) -> Result<AssistantMessage, ParseError> {
    // Editors and shells of some systems put a byte order mark in front.
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let raw = Bytes::copy_from_slice(input.trim_ascii());
    let text = std::str::from_utf8(&raw).map_err(ParseError::NotUtf8)?;
    let message: WireMessage<'_> = object(text).map_err(|error| match error.classify() {
        Category::Data => ParseError::NotAMessage(error),
        Category::Io | Category::Syntax | Category::Eof => ParseError::NotJson(error),
    })?;
    if message.role != "assistant" {
        return Err(ParseError::NotAssistant {
            role: message.role.into_owned(),
        });
    }
    if message.content.get().starts_with('"') {
        return Err(ParseError::NothingToRun);
    }
    let blocks: Vec<&RawValue> =
        serde_json::from_str(message.content.get()).map_err(ParseError::NotAMessage)?;
    let mut text = String::new();
    let mut found: Vec<(usize, WireBlock<'_>)> = Vec::new();
    for (index, block) in blocks.into_iter().enumerate() {
        let at = |source| ParseError::Block { index, source };
        let head: WireType<'_> = object(block.get()).map_err(at)?;
        if head.block_type != TOOL_USE && head.block_type != "text" {
            continue;
        }
        let block: WireBlock<'_> = object(block.get()).map_err(at)?;
        if block.block_type == TOOL_USE {
            found.push((index, block));
        } else {
            text.push_str(block.text.as_deref().unwrap_or_default());
        }
    }
    if found.is_empty() {
        return Err(ParseError::NothingToRun);
    }
    if let Some(stop_reason) = message.stop_reason
        && stop_reason != TOOL_USE
    {
        return Err(ParseError::Stopped {
            stop_reason,
            calls: found.len(),
        });
    }
    let calls = calls(&raw, found)?;
    Ok(AssistantMessage { raw, text, calls })
}

/// Reads an object as a struct; serde alone would read a list of its values as well.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    if text.starts_with('[') {
        return Err(serde::de::Error::custom(
            "an object is wanted, and not a list",
        ));
    }
    serde_json::from_str(text)
}

fn calls(raw: &Bytes, found: Vec<(usize, WireBlock<'_>)>) -> Result<Vec<ToolUse>, ParseError> {
    let mut seen: BTreeMap<ToolUseId, usize> = BTreeMap::new();
    let mut calls = Vec::with_capacity(found.len());
    for (index, block) in found {
        let id = id(block.id.unwrap_or_default(), index)?;
        if let Some(first) = seen.insert(id.clone(), index) {
            return Err(ParseError::DuplicateId {
                id: id.to_string(),
                first,
                second: index,
            });
        }
        let Some(name) = block.name else {
            return Err(ParseError::NoName { index });
        };
        let arguments = block.input.map_or_else(
            || Bytes::from_static(b"{}"),
            |input| raw.slice_ref(input.get().as_bytes()),
        );
        calls.push(ToolUse {
            id,
            name,
            arguments,
        });
    }
    Ok(calls)
}

fn id(id: String, index: usize) -> Result<ToolUseId, ParseError> {
    if id.is_empty() {
        return Err(ParseError::EmptyId { index });
    }
    let is_accepted = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let bad = || ParseError::BadId {
        index,
        id: id.chars().take(80).collect(),
    };
    if !is_accepted {
        return Err(bad());
    }
    ToolUseId::new(id.as_str()).map_err(|_| bad())
}
