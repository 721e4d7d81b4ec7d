//! Tells formats apart by what stands at the top, to name the right one to somebody who named another.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::format::Format;
use super::sse::{Decoder, is_stream};

/// Events of a stream that are looked at: the first may be a ping.
const EVENTS_MAX: usize = 8;
/// Bytes of a stream that are looked at. Chosen, not measured.
const STREAM_BYTES_MAX: usize = 256 * 1024;

/// What is telling about an object; whatever it holds otherwise.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    object: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    /// Gemini.
    candidates: Option<IgnoredAny>,
    #[serde(rename = "promptFeedback", alias = "prompt_feedback")]
    prompt_feedback: Option<IgnoredAny>,
    #[serde(rename = "usageMetadata", alias = "usage_metadata")]
    usage_metadata: Option<IgnoredAny>,
    parts: Option<IgnoredAny>,
    /// Chat.
    choices: Option<IgnoredAny>,
    tool_calls: Option<IgnoredAny>,
    /// Responses.
    output: Option<IgnoredAny>,
    /// Anthropic.
    stop_reason: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// The format that a message, a response, a list or a stream looks like, if it looks like one.
pub(super) fn guess(input: &[u8]) -> Option<Format> {
    if is_stream(input) {
        return stream(input);
    }
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let text = std::str::from_utf8(input).ok()?.trim();
    if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        return items.into_iter().find_map(|item| object(item.get()));
    }
    object(text)
}

fn stream(input: &[u8]) -> Option<Format> {
    let mut events = Vec::new();
    let begin = &input[..input.len().min(STREAM_BYTES_MAX)];
    // What can't be decoded ends the list, and isn't what is asked here.
    let _ = Decoder::default().take(begin, &mut events);
    events
        .iter()
        .take(EVENTS_MAX)
        .find_map(|event| object(&event.data))
}

fn object(text: &str) -> Option<Format> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let shape: Shape<'_> = serde_json::from_str(text).ok()?;
    let kind = shape.kind.as_deref().unwrap_or_default();
    let object = shape.object.as_deref().unwrap_or_default();
    let content = shape.content.map_or("", RawValue::get);
    let is_gemini = shape.candidates.is_some()
        || shape.prompt_feedback.is_some()
        || shape.usage_metadata.is_some()
        || shape.parts.is_some()
        || content.starts_with('{');
    if is_gemini {
        Some(Format::Gemini)
    } else if shape.choices.is_some()
        || shape.tool_calls.is_some()
        || object.starts_with("chat.completion")
    {
        Some(Format::Chat)
    } else if shape.output.is_some()
        || object == "response"
        || kind.starts_with("response.")
        || matches!(kind, "function_call" | "custom_tool_call" | "reasoning")
    {
        Some(Format::Responses)
    } else if shape.stop_reason.is_some() || kind == "message_start" {
        Some(Format::Anthropic)
    } else {
        blocks(content)
    }
}

/// Of the two formats whose content is a list of typed blocks, the one that these are of.
fn blocks(content: &str) -> Option<Format> {
    if !content.starts_with('[') {
        return None;
    }
    let blocks: Vec<Block> = serde_json::from_str(content).ok()?;
    blocks
        .iter()
        .find_map(|block| match block.kind.as_deref()? {
            "output_text" => Some(Format::Responses),
            "text" | "tool_use" | "thinking" | "redacted_thinking" | "server_tool_use" => {
                Some(Format::Anthropic)
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_wrote_is_told_from_what_the_others_write() {
        use Format::{Anthropic, Chat, Gemini, Responses};
        let text = r#"[{"type":"text","text":"a"}]"#;
        for (input, format) in [
            (format!(r#"{{"role":"assistant","content":{text}}}"#), Some(Anthropic)),
            (r#"{"type":"message","role":"assistant","content":[],"stop_reason":"tool_use"}"#.to_owned(), Some(Anthropic)),
            ("event: ping\ndata: {\"type\":\"ping\"}\n\nevent: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n".to_owned(), Some(Anthropic)),
            (r#"{"id":"c","object":"chat.completion","choices":[]}"#.to_owned(), Some(Chat)),
            (r#"{"role":"assistant","content":null,"tool_calls":[]}"#.to_owned(), Some(Chat)),
            (r#"[{"role":"user","content":"a"},{"role":"assistant","content":"a","tool_calls":[]}]"#.to_owned(), Some(Chat)),
            ("data: {\"object\":\"chat.completion.chunk\",\"choices\":[]}\n\n".to_owned(), Some(Chat)),
            (r#"{"object":"response","output":[]}"#.to_owned(), Some(Responses)),
            (r#"[{"type":"reasoning","summary":[]},{"type":"function_call","call_id":"c"}]"#.to_owned(), Some(Responses)),
            (r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}"#.to_owned(), Some(Responses)),
            ("event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n".to_owned(), Some(Responses)),
            (r#"{"candidates":[]}"#.to_owned(), Some(Gemini)),
            (r#"{"role":"model","parts":[]}"#.to_owned(), Some(Gemini)),
            (r#"[{"candidates":[]},{"candidates":[]}]"#.to_owned(), Some(Gemini)),
            (r#"{"content":{"parts":[]},"finishReason":"STOP"}"#.to_owned(), Some(Gemini)),
            ("data: {\"candidates\":[]}\r\n\r\n".to_owned(), Some(Gemini)),
            (r#"{"role":"assistant","content":"hello"}"#.to_owned(), None),
            ("\u{feff}{}".to_owned(), None),
            ("hello".to_owned(), None),
            ("7".to_owned(), None),
            ("[7]".to_owned(), None),
            ("data: hello\n\n".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(guess(input.as_bytes()), format, "{input}");
        }
        assert_eq!(guess(b"\xff"), None);
    }
}
