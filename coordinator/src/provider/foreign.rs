//! What isn't the provider's own: a proxy's page, a load balancer's text.

use serde_json::value::RawValue;

use super::error::ApiError;
use super::fields::{Fields, list};

/// What stands behind a text that was cut.
pub(crate) const CUT: char = '…';
/// Characters of an error's text that are kept: enough for what a provider says, and no page.
const MESSAGE_CHARACTERS_MAX: usize = 500;
/// Characters of a foreign body that are shown: enough to recognise who sent it.
const BODY_CHARACTERS_MAX: usize = 200;

/// An error's text as it can be shown and logged: in one line, without control characters, cut.
pub(super) fn message(text: &str) -> String {
    cut(&one_line(text), MESSAGE_CHARACTERS_MAX)
}

/// An error of which nothing is known but a body that is not the provider's.
pub(super) fn error(body: &[u8]) -> ApiError {
    ApiError {
        message: describe(body),
        ..ApiError::default()
    }
}

/// The error in an input that is one and no message, as each API wraps it: an object that holds `error`, or
/// that says of itself that it is one, perhaps alone in a list.
pub(super) fn refusal(input: &[u8]) -> Option<&[u8]> {
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let text = std::str::from_utf8(input.trim_ascii()).ok()?;
    let text = if text.starts_with('[') {
        let items: &RawValue = serde_json::from_str(text).ok()?;
        match list(items).ok()?.as_slice() {
            [only] => only.get(),
            _ => return None,
        }
    } else {
        text
    };
    let fields = Fields::read(text).ok()?;
    let is_named = |name| fields.some_text(name).as_deref() == Some("error");
    let is_error = fields.get("error").is_some() || is_named("type") || is_named("object");
    is_error.then_some(text.as_bytes())
}

/// Says what a body is that isn't the provider's JSON, and how it begins.
pub(crate) fn describe(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return "the body is empty".to_owned();
    }
    if text.starts_with('<') {
        let begin = cut(&one_line(&without_tags(text)), BODY_CHARACTERS_MAX);
        return if begin.is_empty() {
            "the body is an HTML page, and not the provider's JSON".to_owned()
        } else {
            format!("the body is an HTML page, and not the provider's JSON: {begin:?}")
        };
    }
    let begin = cut(&one_line(text), BODY_CHARACTERS_MAX);
    if serde_json::from_str::<&RawValue>(text).is_ok() {
        format!("the body is JSON, but none of the provider's: {begin}")
    } else {
        format!("the body isn't JSON: {begin:?}")
    }
}

/// The text between the tags, and none of scripts and styles.
fn without_tags(page: &str) -> String {
    let mut text = String::new();
    let mut skipped: Option<String> = None;
    for (at, piece) in page.split('<').enumerate() {
        let (tag, after) = match piece.split_once('>') {
            Some((tag, after)) if at > 0 => (tag, after),
            Some(_) | None if at == 0 => ("", piece),
            Some(_) | None => continue,
        };
        let name = tag.split_ascii_whitespace().next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        match &skipped {
            Some(until) if *until == name => skipped = None,
            Some(_) => continue,
            None if name == "script" || name == "style" => {
                skipped = Some(format!("/{name}"));
                continue;
            }
            None => {}
        }
        text.push(' ');
        text.push_str(after);
    }
    text
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}{CUT}", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_not_the_providers_is_named_and_shown() {
        let page = "\n<!DOCTYPE html><html><head><title>502 Bad  Gateway</title><style>a{b:c}</style>\
                    <script>if (a < b) { alert(1) }</script></head>\n<body><h1>nginx</h1></body></html>";
        let cases: [&[u8]; 8] = [
            page.as_bytes(),
            b"<>",
            b"",
            b"\xef\xbb\xbf \n",
            b"upstream connect error\r\nor disconnect \x1b[31mred",
            b"\xff\xfe",
            b"{\"detail\":\"Not Found\"}",
            &[b'x'; 300],
        ];
        let texts: Vec<String> = cases.map(describe).into();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
