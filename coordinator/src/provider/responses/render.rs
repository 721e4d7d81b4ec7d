//! Writes the results: one output item for each call, in call order.

use callboard_coordinator_core::{CallReport, Report};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::model::ToolUse;
use crate::provider::openai::{Piece, data_url, joined, pieces};

/// What a document is called that has no name: the API wants one.
const DOCUMENT_NAME: &str = "document.pdf";

#[derive(Serialize)]
struct WireOutput<'a> {
    #[serde(rename = "type")]
    item_type: &'static str,
    call_id: &'a str,
    output: Output<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Output<'a> {
    Text(String),
    Parts(Vec<OutputPart<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum OutputPart<'a> {
    #[serde(rename = "input_text")]
    Text { text: String },
    #[serde(rename = "input_image")]
    Image { image_url: String },
    #[serde(rename = "input_file")]
    File {
        filename: &'a str,
        file_data: String,
    },
}

/// Renders a report: one `function_call_output` or `custom_tool_call_output` for each call, in call order.
/// The same report always gives the same bytes.
///
/// # Panics
/// Never: all keys are strings and writing to memory can't fail.
#[must_use]
pub fn render(calls: &[ToolUse], report: &Report) -> Vec<Box<RawValue>> {
    std::iter::zip(calls, &report.calls)
        .map(|(asked, call)| {
            let item = WireOutput {
                item_type: if asked.reply.is_custom {
                    "custom_tool_call_output"
                } else {
                    "function_call_output"
                },
                call_id: asked.reply.id.as_deref().unwrap_or(call.id.as_str()),
                output: output(call),
                caller: asked.reply.repeat.as_ref().map(|(_, raw)| raw.as_ref()),
            };
            to_raw_value(&item).expect("all keys are strings and memory can't fail")
        })
        .collect()
}

/// A text where that says it all: every server that speaks the format takes one.
fn output(call: &CallReport) -> Output<'_> {
    let pieces = pieces(&call.outcome);
    let is_text = pieces.iter().all(|piece| match piece {
        Piece::Text(_) => true,
        Piece::Image { .. } | Piece::Pdf { .. } => false,
    });
    let parts = pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) => OutputPart::Text {
            text: text.into_owned(),
        },
        Piece::Image { media_type, data } => OutputPart::Image {
            image_url: data_url(media_type, data),
        },
        Piece::Pdf { name, data, .. } => OutputPart::File {
            filename: name.unwrap_or(DOCUMENT_NAME),
            file_data: data_url("application/pdf", data),
        },
    });
    if !is_text {
        return Output::Parts(parts.collect());
    }
    Output::Text(joined(parts.filter_map(|part| match part {
        OutputPart::Text { text } => Some(text.into()),
        OutputPart::Image { .. } | OutputPart::File { .. } => None,
    })))
}
