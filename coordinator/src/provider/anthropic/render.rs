//! Writes the one user message with all results.
//!
//! The API refuses a whole conversation, for ever, over one block that it doesn't like. So what tools
//! give is fitted to its rules: a text block isn't empty or blank, an error has text and nothing but
//! text, images and documents are of the types that it reads.

use std::borrow::Cow;

use callboard_coordinator_core::{CallReport, Report};
use callboard_proto::{Outcome, Part};
use data_encoding::BASE64;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::ToolUse;
use crate::provider::text;

/// Image types that the API reads.
const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/// Characters of a blank text that are shown.
const BLANK_CHARACTERS_MAX: usize = 40;

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Vec<ToolResult<'a>>,
}

#[derive(Serialize)]
struct ToolResult<'a> {
    #[serde(rename = "type")]
    block_type: &'static str,
    tool_use_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    content: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    is_error: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    toolset_name: Option<&'a RawValue>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: Source<'a>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<Cow<'a, str>>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'a> {
    Base64 {
        media_type: &'a str,
        data: String,
    },
    Text {
        media_type: &'static str,
        data: Cow<'a, str>,
    },
}

/// Renders a report: one `tool_result` for each call, in call order, in exactly one message. The same
/// report always gives the same bytes.
///
/// # Panics
/// Never: all keys are strings and writing to memory can't fail.
#[must_use]
pub fn render(calls: &[ToolUse], report: &Report) -> Vec<Box<RawValue>> {
    let message = Message {
        role: "user",
        content: std::iter::zip(calls, &report.calls)
            .map(|(asked, call)| result(asked, call))
            .collect(),
    };
    let message = serde_json::value::to_raw_value(&message)
        .expect("all keys are strings and memory can't fail");
    vec![message]
}

fn result<'a>(asked: &'a ToolUse, call: &'a CallReport) -> ToolResult<'a> {
    let (content, is_error) = match &call.outcome {
        Outcome::Completed(completed) if completed.is_error => {
            let texts: Vec<Block<'_>> = completed
                .content
                .iter()
                .filter_map(|part| match part {
                    Part::Text(text) | Part::Json(text) => text_block(text),
                    Part::Image { .. }
                    | Part::Document { .. }
                    | Part::Resource { .. }
                    | Part::Unknown { .. } => owned_text_block(text::part(part)),
                })
                .collect();
            let texts = if texts.is_empty() {
                vec![Block::Text {
                    text: text::EMPTY_ERROR.into(),
                }]
            } else {
                texts
            };
            (texts, true)
        }
        Outcome::Completed(completed) => {
            (completed.content.iter().filter_map(block).collect(), false)
        }
        Outcome::Failed(failure) => (
            owned_text_block(text::failure(failure))
                .into_iter()
                .collect(),
            true,
        ),
    };
    ToolResult {
        block_type: "tool_result",
        tool_use_id: asked.reply.id.as_deref().unwrap_or(call.id.as_str()),
        content,
        is_error,
        toolset_name: asked.reply.repeat.as_ref().map(|(_, raw)| raw.as_ref()),
    }
}

fn block(part: &Part) -> Option<Block<'_>> {
    match part {
        Part::Text(text) | Part::Json(text) => text_block(text),
        Part::Image { media_type, data } => match IMAGE_TYPES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(essence(media_type)))
        {
            Some(media_type) if !data.is_empty() => Some(Block::Image {
                source: Source::Base64 {
                    media_type,
                    data: BASE64.encode(data),
                },
            }),
            Some(_) | None => owned_text_block(text::part(part)),
        },
        Part::Document {
            media_type,
            name,
            data,
        } => document(part, essence(media_type), name.as_deref(), data),
        Part::Resource { .. } | Part::Unknown { .. } => owned_text_block(text::part(part)),
    }
}

fn document<'a>(
    part: &'a Part,
    media_type: &'a str,
    name: Option<&'a str>,
    data: &'a [u8],
) -> Option<Block<'a>> {
    let source = if media_type.eq_ignore_ascii_case("application/pdf") && !data.is_empty() {
        Source::Base64 {
            media_type: "application/pdf",
            data: BASE64.encode(data),
        }
    } else if media_type.eq_ignore_ascii_case("text/plain") && !data.trim_ascii().is_empty() {
        let text = match String::from_utf8_lossy(data) {
            Cow::Borrowed(text) => without_nul(text),
            Cow::Owned(text) => Cow::Owned(without_nul(&text).into_owned()),
        };
        Source::Text {
            media_type: "text/plain",
            data: text,
        }
    } else {
        return owned_text_block(text::part(part));
    };
    Some(Block::Document {
        source,
        title: name.filter(|name| !name.trim().is_empty()).map(without_nul),
    })
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type
        .split_once(';')
        .map_or(media_type, |(essence, _)| essence)
        .trim()
}

fn text_block(text: &str) -> Option<Block<'_>> {
    let text = without_nul(text);
    if text.is_empty() {
        return None;
    }
    if text.trim().is_empty() {
        let shown: String = text.chars().take(BLANK_CHARACTERS_MAX).collect();
        return Some(Block::Text {
            text: format!("[blank text: {shown:?}]").into(),
        });
    }
    Some(Block::Text { text })
}

fn owned_text_block(text: String) -> Option<Block<'static>> {
    match text_block(&text)? {
        Block::Text { text } => Some(Block::Text {
            text: text.into_owned().into(),
        }),
        Block::Image { .. } | Block::Document { .. } => None,
    }
}

/// The text with U+FFFD for NUL, which stores behind the API can't hold.
fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}
