//! Writes the results: one `tool` message for each call, directly after the message that asked.
//!
//! A `tool` message takes nothing but text. Images that the API reads follow in one `user` message behind
//! all results; a `tool` message in between would leave calls unanswered.

use std::borrow::Cow;

use callboard_coordinator_core::{CallReport, Report};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::naming::wire;
use crate::model::ToolUse;
use crate::provider::openai::{Piece, data_url, joined, pieces};
use crate::provider::text;

/// What the message with the images begins with, so that no model takes them for the user's.
const IMAGES_INTRODUCTION: &str =
    "The images of the tool results above. They come from the tools, not from the user.";

#[derive(Serialize)]
struct ToolMessage<'a> {
    role: &'static str,
    tool_call_id: &'a str,
    content: String,
}

#[derive(Serialize)]
struct UserMessage {
    role: &'static str,
    content: Vec<UserPart>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum UserPart {
    Text { text: String },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

/// Renders a report: one `tool` message for each call, in call order, and one `user` message if there are
/// images to show. The same report always gives the same bytes.
///
/// # Panics
/// Never: all keys are strings and writing to memory can't fail.
#[must_use]
pub fn render(calls: &[ToolUse], report: &Report) -> Vec<Box<RawValue>> {
    let mut images = Images::default();
    let mut messages: Vec<Box<RawValue>> = std::iter::zip(calls, &report.calls)
        .map(|(asked, call)| {
            raw(&ToolMessage {
                role: "tool",
                tool_call_id: wire(asked),
                content: content(asked, call, &mut images),
            })
        })
        .collect();
    if !images.parts.is_empty() {
        let introduction = UserPart::Text {
            text: IMAGES_INTRODUCTION.to_owned(),
        };
        images.parts.insert(0, introduction);
        messages.push(raw(&UserMessage {
            role: "user",
            content: images.parts,
        }));
    }
    messages
}

fn raw(message: &impl Serialize) -> Box<RawValue> {
    to_raw_value(message).expect("all keys are strings and memory can't fail")
}

/// The images of all results so far.
#[derive(Default)]
struct Images {
    parts: Vec<UserPart>,
    count: usize,
}

impl Images {
    /// Takes an image, and says where it went.
    fn take(&mut self, media_type: &str, data: &[u8], call: &ToolUse) -> String {
        self.count += 1;
        let number = self.count;
        self.parts.push(UserPart::Text {
            text: format!("Image {number}, of the result of {}:", wire(call)),
        });
        self.parts.push(UserPart::ImageUrl {
            image_url: ImageUrl {
                url: data_url(media_type, data),
            },
        });
        format!(
            "[image {number}: {media_type}, {} bytes; a tool result can't show it, so it follows in the message \
             behind the tool results]",
            data.len()
        )
    }
}

fn content(asked: &ToolUse, call: &CallReport, images: &mut Images) -> String {
    joined(pieces(&call.outcome).into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Image { media_type, data } => Cow::Owned(images.take(media_type, data, asked)),
        Piece::Pdf { part, .. } => Cow::Owned(text::part(part)),
    }))
}
