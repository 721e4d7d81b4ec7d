//! Outcomes as text and pictures. Neither format has a mark for errors, so the text says it.

use std::borrow::Cow;

use callboard_proto::{Outcome, Part};
use data_encoding::BASE64;

use crate::provider::text;

/// What stands for a result without content: some compatible servers drop a message without text.
const EMPTY_RESULT: &str = "The tool finished and gave no output.";
/// What an error of the tool itself begins with.
const TOOL_ERROR: &str = "Error: the tool reported an error.\nDetails: ";
/// Image types that the API reads.
const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// One piece of a result.
#[derive(Debug)]
pub(in crate::provider) enum Piece<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// An image of a type that the API reads.
    Image {
        /// The type, as the API writes it.
        media_type: &'static str,
        /// Its bytes, at least one.
        data: &'a [u8],
    },
    /// A PDF document.
    Pdf {
        /// The part that it is.
        part: &'a Part,
        /// Its name, if it has one.
        name: Option<&'a str>,
        /// Its bytes, at least one.
        data: &'a [u8],
    },
}

/// The pieces of an outcome, at least one; an error has text and nothing else.
pub(in crate::provider) fn pieces(outcome: &Outcome) -> Vec<Piece<'_>> {
    let found: Vec<Piece<'_>> = match outcome {
        Outcome::Completed(completed) if completed.is_error => {
            let parts: Vec<String> = completed.content.iter().map(in_words).collect();
            let details = parts.join("\n");
            let error = if details.trim().is_empty() {
                format!("Error: {}", text::EMPTY_ERROR)
            } else {
                format!("{TOOL_ERROR}{}", details.trim())
            };
            vec![Piece::Text(error.into())]
        }
        Outcome::Completed(completed) => completed.content.iter().map(piece).collect(),
        Outcome::Failed(failure) => vec![Piece::Text(text::failure(failure).into())],
    };
    let mut pieces: Vec<Piece<'_>> = found.into_iter().filter_map(fitted).collect();
    if pieces.is_empty() {
        pieces.push(Piece::Text(EMPTY_RESULT.into()));
    }
    pieces
}

/// The piece as it may be sent: without NUL, which stores behind the API can't hold, and not empty.
fn fitted(piece: Piece<'_>) -> Option<Piece<'_>> {
    match piece {
        Piece::Text(text) if text.is_empty() => None,
        Piece::Text(text) if text.contains('\0') => {
            Some(Piece::Text(text.replace('\0', "\u{fffd}").into()))
        }
        Piece::Text(_) | Piece::Image { .. } | Piece::Pdf { .. } => Some(piece),
    }
}

fn piece(part: &Part) -> Piece<'_> {
    match part {
        Part::Text(text) | Part::Json(text) => Piece::Text(text.into()),
        Part::Image { media_type, data } => match IMAGE_TYPES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(essence(media_type)))
        {
            Some(media_type) if !data.is_empty() => Piece::Image { media_type, data },
            Some(_) | None => Piece::Text(text::part(part).into()),
        },
        Part::Document {
            media_type,
            name,
            data,
        } if essence(media_type).eq_ignore_ascii_case("application/pdf") && !data.is_empty() => {
            Piece::Pdf {
                part,
                name: name.as_deref().filter(|name| !name.trim().is_empty()),
                data,
            }
        }
        Part::Document { .. } | Part::Resource { .. } | Part::Unknown { .. } => {
            Piece::Text(in_words(part).into())
        }
    }
}

/// A part in words; a document that is text is its text.
fn in_words(part: &Part) -> String {
    if let Part::Document {
        media_type,
        name,
        data,
    } = part
        && is_textual(essence(media_type))
        && let Ok(content) = std::str::from_utf8(data)
    {
        let name = name
            .as_ref()
            .map_or_else(String::new, |name| format!("{name:?}, "));
        return format!("[document {name}{media_type}]\n{content}");
    }
    text::part(part)
}

fn is_textual(essence: &str) -> bool {
    let essence = essence.to_ascii_lowercase();
    essence.starts_with("text/") || essence == "application/json"
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type
        .split_once(';')
        .map_or(media_type, |(essence, _)| essence)
        .trim()
}

/// The texts of pieces, one under the other.
pub(in crate::provider) fn joined<'a>(texts: impl IntoIterator<Item = Cow<'a, str>>) -> String {
    let texts: Vec<Cow<'_, str>> = texts.into_iter().collect();
    texts.join("\n")
}

/// Bytes as both formats take them.
pub(in crate::provider) fn data_url(media_type: &str, data: &[u8]) -> String {
    format!("data:{media_type};base64,{}", BASE64.encode(data))
}
