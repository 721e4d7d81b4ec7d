//! Takes an assistant message apart.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use callboard_coordinator_core::run::{Stop, Usage};
use callboard_proto::ToolUseId;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::tokens::Tokens;
use crate::model::{ModelAnswer, Reply, ToolUse};
use crate::provider::{Format, ParseError};

const FORMAT: Format = Format::Anthropic;
/// The reason to stop that asks for calls to be run, and the type of the blocks that hold them.
pub(super) const TOOL_USE: &str = "tool_use";

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
    #[serde(default, borrow)]
    usage: Option<&'a RawValue>,
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
    #[serde(default, borrow)]
    toolset_name: Option<&'a RawValue>,
}

/// Reads the type alone, so that a block of another kind may hold anything under the other names.
#[derive(Deserialize)]
#[serde(expecting = "a content block object")]
struct WireType<'a> {
    #[serde(borrow, rename = "type")]
    block_type: Cow<'a, str>,
}

/// Takes a message apart: a bare one (`role`, `content`) or a whole response. Blocks that aren't the
/// client's to run (`server_tool_use` and its like) are passed over. The echo is one assistant message
/// with the content as it came.
///
/// # Errors
/// When the input is no assistant message, or holds an id that can't be answered.
pub fn parse(input: &[u8]) -> Result<ModelAnswer, ParseError> {
    // Editors and shells of some systems put a byte order mark in front.
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let raw = Bytes::copy_from_slice(input.trim_ascii());
    let text = std::str::from_utf8(&raw).map_err(ParseError::NotUtf8)?;
    let message: WireMessage<'_> = object(text).map_err(|source| match source.classify() {
        Category::Data => ParseError::NotAMessage {
            format: FORMAT,
            source,
        },
        Category::Io | Category::Syntax | Category::Eof => ParseError::NotJson {
            format: FORMAT,
            source,
        },
    })?;
    if message.role != "assistant" {
        return Err(ParseError::NotAssistant {
            role: message.role.into_owned(),
        });
    }
    let usage = message.usage.and_then(Tokens::read).map(Tokens::usage);
    let stop_reason = message.stop_reason.unwrap_or_default();
    answer(&raw, message.content, stop_reason, usage)
}

/// Takes a message's content apart; it lies within `raw`, of which the arguments become slices.
pub(super) fn answer(
    raw: &Bytes,
    content: &RawValue,
    stop_reason: String,
    usage: Option<Usage>,
) -> Result<ModelAnswer, ParseError> {
    let (text, found) = if content.get().starts_with('"') {
        let text =
            serde_json::from_str(content.get()).map_err(|source| ParseError::NotAMessage {
                format: FORMAT,
                source,
            })?;
        (text, Vec::new())
    } else {
        blocks(content)?
    };
    let calls = calls(raw, found)?;
    Ok(ModelAnswer {
        echo: vec![echo(content)],
        text,
        stop: stop(&stop_reason, !calls.is_empty()),
        stop_reason,
        calls,
        usage,
        resume: None,
        account: None,
    })
}

/// The message that a conversation goes on with.
fn echo(content: &RawValue) -> Box<RawValue> {
    let message = format!("{{\"role\":\"assistant\",\"content\":{}}}", content.get());
    RawValue::from_string(message).expect("JSON around JSON is JSON")
}

/// What the loop does for a reason; a message without one asks for its calls.
fn stop(reason: &str, has_calls: bool) -> Stop {
    match reason {
        "" if has_calls => Stop::Calls,
        "" | "end_turn" | "stop_sequence" => Stop::Done,
        TOOL_USE => Stop::Calls,
        "pause_turn" | "compaction" => Stop::Paused,
        "max_tokens" | "model_context_window_exceeded" => Stop::Truncated,
        "refusal" => Stop::Declined,
        other => Stop::Unknown(other.to_owned()),
    }
}

type Found<'a> = Vec<(usize, WireBlock<'a>)>;

fn blocks(content: &RawValue) -> Result<(String, Found<'_>), ParseError> {
    let blocks: Vec<&RawValue> =
        serde_json::from_str(content.get()).map_err(|source| ParseError::NotAMessage {
            format: FORMAT,
            source,
        })?;
    let mut text = String::new();
    let mut found = Vec::new();
    for (index, block) in blocks.into_iter().enumerate() {
        let at = |source| ParseError::Block {
            format: FORMAT,
            index,
            source,
        };
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
    Ok((text, found))
}

/// Reads an object as a struct; serde alone would read a list of its values as well.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    if text.trim_start().starts_with('[') {
        return Err(serde::de::Error::custom(
            "an object is wanted, and not a list",
        ));
    }
    serde_json::from_str(text)
}

fn calls(raw: &Bytes, found: Found<'_>) -> Result<Vec<ToolUse>, ParseError> {
    let mut seen = Seen::default();
    found
        .into_iter()
        .map(|(index, block)| {
            let call = call(raw, index, block)?;
            seen.take(&call.id, index)?;
            Ok(call)
        })
        .collect()
}

/// The ids of a message's calls so far, with the positions of their blocks.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<ToolUseId, usize>);

impl Seen {
    /// Takes the id of the block at this position.
    pub(super) fn take(&mut self, id: &ToolUseId, index: usize) -> Result<(), ParseError> {
        match self.0.insert(id.clone(), index) {
            None => Ok(()),
            Some(first) => Err(ParseError::DuplicateId {
                format: FORMAT,
                id: id.to_string(),
                first,
                second: index,
            }),
        }
    }
}

/// What stands for an input that isn't there: no object, so the call is answered as invalid.
pub(super) const NO_INPUT: &str = "null";

/// Reads one `tool_use` block; its arguments become a slice of it.
pub(super) fn call_of(block: Bytes, index: usize) -> Result<ToolUse, ParseError> {
    let text = std::str::from_utf8(&block).map_err(ParseError::NotUtf8)?;
    let wire = object(text).map_err(|source| ParseError::Block {
        format: FORMAT,
        index,
        source,
    })?;
    call(&block, index, wire)
}

fn call(raw: &Bytes, index: usize, block: WireBlock<'_>) -> Result<ToolUse, ParseError> {
    let id = id(block.id.unwrap_or_default(), index)?;
    let Some(name) = block.name else {
        return Err(ParseError::NoName {
            format: FORMAT,
            index,
        });
    };
    // An empty slot is no empty object: what the model meant to give got lost.
    let arguments = block.input.map_or_else(
        || Bytes::from_static(NO_INPUT.as_bytes()),
        |input| raw.slice_ref(input.get().as_bytes()),
    );
    let repeat = block
        .toolset_name
        .map(|toolset| ("toolset_name", toolset.to_owned()));
    Ok(ToolUse {
        id,
        name,
        arguments,
        reply: Reply {
            repeat,
            ..Reply::default()
        },
    })
}

fn id(id: String, index: usize) -> Result<ToolUseId, ParseError> {
    if id.is_empty() {
        return Err(ParseError::EmptyId {
            format: FORMAT,
            index,
        });
    }
    let is_accepted = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let bad = || ParseError::BadId {
        format: FORMAT,
        index,
        id: id.chars().take(80).collect(),
    };
    if !is_accepted {
        return Err(bad());
    }
    ToolUseId::new(id.as_str()).map_err(|_| bad())
}
