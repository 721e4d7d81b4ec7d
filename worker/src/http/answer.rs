//! What came back, as a model reads it.

use std::time::SystemTime;

use callboard_proto::{Completed, Executed, FailureKind, Part};
use encoding_rs::{Encoding, UTF_8};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use serde::de::IgnoredAny;

use super::exchange::{Reply, Trouble};
use super::status::{Verdict, retry_after, verdict, words};
use crate::plain::plain;
use crate::tool::{Answer, ToolError, ToolResult};

/// Bytes of a body that the text of a failure quotes, at most. Chosen, not measured.
const QUOTE_BYTES_MAX: usize = 2 * 1024;
/// Images that providers take.
const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// What a body is, by what its server calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// Type and subtype in lower case, without parameters; empty where none is named.
    pub(crate) essence: String,
    charset: Option<String>,
}

impl Media {
    pub(crate) fn of(reply: &Reply) -> Self {
        let text = reply
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut parts = text.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let charset = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let is_charset = name.trim().eq_ignore_ascii_case("charset");
            is_charset.then(|| value.trim().trim_matches('"').to_owned())
        });
        Self { essence, charset }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.essence == "application/json" || self.essence.ends_with("+json")
    }

    pub(crate) fn is_html(&self) -> bool {
        matches!(self.essence.as_str(), "text/html" | "application/xhtml+xml")
    }

    fn is_text(&self) -> bool {
        self.essence.starts_with("text/")
            || self.essence.ends_with("+xml")
            || matches!(
                self.essence.as_str(),
                "application/xml"
                    | "application/javascript"
                    | "application/ecmascript"
                    | "application/x-ndjson"
                    | "application/jsonl"
                    | "application/yaml"
                    | "application/x-yaml"
                    | "application/toml"
                    | "application/sql"
                    | "application/graphql"
                    | "application/x-www-form-urlencoded"
            )
    }
}

/// The body as text, if it is one, without what steers terminals.
pub(crate) fn text(reply: &Reply, media: &Media) -> Option<String> {
    let body = &reply.body;
    let is_text = media.is_json() || media.is_text() || {
        // Nobody says what it is, so it says so itself.
        media.essence.is_empty() && !body.contains(&0) && is_utf8(body, reply.cut_at.is_some())
    };
    if !is_text {
        return None;
    }
    let named = media
        .charset
        .as_ref()
        .and_then(|charset| Encoding::for_label(charset.as_bytes()));
    let (text, _, _) = named.unwrap_or(UTF_8).decode(body);
    let mut text = plain(&text);
    if reply.cut_at.is_some() {
        // The last character may be one that was cut in two.
        text.truncate(text.trim_end_matches('\u{fffd}').len());
    }
    Some(text)
}

fn is_utf8(body: &[u8], is_cut: bool) -> bool {
    match std::str::from_utf8(body) {
        Ok(_) => true,
        Err(error) => is_cut && error.error_len().is_none(),
    }
}

/// The parts of an answer: JSON as JSON, text as text, images as images; of all else what it is.
pub(crate) fn parts(reply: Reply) -> Vec<Part> {
    let media = Media::of(&reply);
    let bytes = reply.body.len();
    let encoding = reply
        .headers
        .get(CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok());
    if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return vec![Part::Text(format!(
            "[The server sent a body that is compressed as {}, which was not asked for; it can't be shown.]",
            plain(encoding)
        ))];
    }
    if bytes == 0 && reply.cut_at.is_none() {
        return vec![Part::Text(format!(
            "[The server answered {} without a body.]",
            words(reply.status)
        ))];
    }
    if let Some(mut text) = text(&reply, &media) {
        let is_json = reply.cut_at.is_none() && (media.is_json() || media.essence.is_empty());
        if is_json && serde_json::from_str::<IgnoredAny>(&text).is_ok() {
            return vec![Part::Json(text.trim().to_owned())];
        }
        if let Some(bytes_max) = reply.cut_at {
            text.push_str(&cut_note(bytes_max));
        }
        return vec![Part::Text(text)];
    }
    let what = if media.essence.is_empty() {
        "of no named type".to_owned()
    } else {
        format!("of the type {}", plain(&media.essence))
    };
    if let Some(bytes_max) = reply.cut_at {
        return vec![Part::Text(format!(
            "[The response is {what} and larger than the {bytes_max} bytes that are read; it can't be shown.]"
        ))];
    }
    if IMAGES.contains(&media.essence.as_str()) {
        return vec![Part::Image {
            media_type: media.essence,
            data: reply.body,
        }];
    }
    if media.essence == "application/pdf" {
        return vec![Part::Document {
            media_type: media.essence,
            name: None,
            data: reply.body,
        }];
    }
    vec![Part::Text(format!(
        "[The response is {what} and has {bytes} bytes; it is neither text nor an image and can't be shown.]"
    ))]
}

/// What follows a text that went on.
pub(crate) fn cut_note(bytes_max: usize) -> String {
    format!("\n[… cut here: the response is larger than the {bytes_max} bytes that are read]")
}

/// The result of a call that was answered, by the table of statuses.
pub(crate) fn of_reply(reply: Reply) -> ToolResult {
    let status = reply.status;
    match verdict(status, reply.headers.contains_key(RETRY_AFTER)) {
        Verdict::Answer => Ok(Answer::parts(parts(reply))),
        Verdict::Error => Ok(error_answer(reply)),
        Verdict::Failure(kind, executed) => {
            let wish = retry_after(&reply.headers, SystemTime::now());
            let error = ToolError::new(kind, said(status, reply), executed);
            Err(match wish {
                Some(wish) => error.retry_after(wish),
                None => error,
            })
        }
    }
}

fn error_answer(reply: Reply) -> Answer {
    let mut content = vec![Part::Text(format!(
        "The server answered {}.",
        words(reply.status)
    ))];
    if !reply.body.is_empty() {
        content.extend(parts(reply));
    }
    Answer::from(Completed {
        content,
        is_error: true,
    })
}

/// What a server says of its failure, in one text.
fn said(status: StatusCode, reply: Reply) -> String {
    let mut said = format!("the server answered {}", words(status));
    let media = Media::of(&reply);
    let body = text(&reply, &media).unwrap_or_default();
    let body = body.trim();
    if !body.is_empty() && !media.is_html() {
        let quote = &body[..body.floor_char_boundary(QUOTE_BYTES_MAX)];
        let more = if quote.len() < body.len() { "…" } else { "" };
        said.push_str(&format!(": {quote}{more}"));
    }
    said
}

/// The end of a call that was not answered.
pub(super) fn of_trouble(trouble: &Trouble, executed: Executed) -> ToolError {
    let message = trouble.to_string();
    match trouble {
        Trouble::Blocked(_) => ToolError::new(FailureKind::Refused, message, executed),
        Trouble::Redirect { .. } => ToolError::from(Answer::error(sentence(&message))),
        Trouble::Unreachable { .. } | Trouble::Broken { .. } => {
            ToolError::new(FailureKind::Crashed, message, executed)
        }
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), characters.as_str()),
        None => String::new(),
    }
}
