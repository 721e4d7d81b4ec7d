//! Takes a response apart.

use callboard_coordinator_core::run::Usage;
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::turn::Turn;
use crate::model::ModelAnswer;
use crate::provider::fields::Fields;
use crate::provider::{Format, ParseError};

/// A response, a chunk of a streamed one, one candidate of it, or a bare content: what counts of each.
/// The API takes and the SDK's `model_dump` gives names in snake case, too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a response object")]
pub(super) struct WireResponse<'a> {
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<&'a RawValue>>,
    #[serde(alias = "prompt_feedback")]
    pub(super) prompt_feedback: Option<WireFeedback>,
    #[serde(borrow, alias = "usage_metadata")]
    pub(super) usage_metadata: Option<&'a RawValue>,
    #[serde(borrow, alias = "response_id")]
    response_id: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(alias = "finish_reason")]
    finish_reason: Option<String>,
    role: Option<String>,
    #[serde(borrow)]
    parts: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a promptFeedback object")]
pub(super) struct WireFeedback {
    #[serde(alias = "block_reason")]
    pub(super) block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a candidate object")]
pub(super) struct WireCandidate<'a> {
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(alias = "finish_reason")]
    pub(super) finish_reason: Option<String>,
    #[serde(alias = "continuation_token")]
    pub(super) continuation_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a content object")]
pub(super) struct WireContent<'a> {
    pub(super) role: Option<String>,
    #[serde(borrow)]
    pub(super) parts: Option<Vec<&'a RawValue>>,
}

impl WireResponse<'_> {
    /// The response's own id, if it is one.
    pub(super) fn response_id(&self) -> Option<String> {
        let id: String = serde_json::from_str(self.response_id?.get()).ok()?;
        (!id.is_empty()).then_some(id)
    }
}

/// Tokens; the API leaves out what is zero. Nothing where that can't be read, for no answer should fail
/// for it.
pub(super) fn usage(raw: &RawValue) -> Option<Usage> {
    let fields = Fields::read(raw.get()).ok()?;
    let tokens = |names: [&str; 2]| {
        names
            .into_iter()
            .find_map(|name| serde_json::from_str::<u64>(fields.get(name)?.get()).ok())
    };
    let sum = |counts: [Option<u64>; 2]| {
        let counts = counts.into_iter().flatten();
        counts.reduce(u64::saturating_add)
    };
    let input_tokens = sum([
        tokens(["promptTokenCount", "prompt_token_count"]),
        tokens(["toolUsePromptTokenCount", "tool_use_prompt_token_count"]),
    ]);
    let output_tokens = sum([
        tokens(["candidatesTokenCount", "candidates_token_count"]),
        tokens(["thoughtsTokenCount", "thoughts_token_count"]),
    ]);
    (input_tokens.is_some() || output_tokens.is_some()).then(|| Usage {
        input_tokens: input_tokens.unwrap_or_default(),
        output_tokens: output_tokens.unwrap_or_default(),
    })
}

/// Takes a response apart: a whole one, one candidate of it, or its bare content; also a list of
/// responses, which is what `streamGenerateContent` answers without `alt=sse`. Of several candidates
/// the first counts. Parts that aren't the client's to run are passed over. The echo is the content as
/// it came.
///
/// # Errors
/// When the input is nothing that a model wrote, or a call in it names no tool.
pub fn parse(input: &[u8]) -> Result<ModelAnswer, ParseError> {
    // Editors and shells of some systems put a byte order mark in front.
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let text = std::str::from_utf8(input.trim_ascii()).map_err(ParseError::NotUtf8)?;
    let mut turn = Turn::default();
    if text.starts_with('[') {
        let responses: Vec<&RawValue> = serde_json::from_str(text).map_err(unread)?;
        let is_one = responses.len() == 1;
        for response in responses {
            take(&mut turn, response.get(), is_one)?;
        }
    } else {
        take(&mut turn, text, true)?;
    }
    if turn.is_empty() {
        return Err(no_message("it holds no candidate"));
    }
    Ok(turn.finish())
}

/// Takes one response of the input; the only one of it is echoed as it came.
fn take(turn: &mut Turn, text: &str, is_whole: bool) -> Result<(), ParseError> {
    let response: WireResponse<'_> = object(text).map_err(unread)?;
    if response.error.is_some() {
        return Err(no_message("it is an error that the API answered with"));
    }
    if response.candidates.is_some() || response.prompt_feedback.is_some() {
        let only = turn.take(&response)?;
        if is_whole {
            turn.echo_as_it_came(only);
        }
        return Ok(());
    }
    turn.take_finish(response.finish_reason.as_deref());
    let content = if let Some(content) = response.content {
        content.to_owned()
    } else if response.parts.is_some() || response.role.as_deref() == Some("model") {
        RawValue::from_string(text.to_owned()).map_err(unread)?
    } else if response.finish_reason.is_some() || response.usage_metadata.is_some() {
        return Ok(());
    } else {
        return Err(no_message("there is neither `candidates` nor `parts`"));
    };
    turn.take_content(&content)?;
    if is_whole {
        turn.echo_as_it_came(Some(&content));
    }
    Ok(())
}

fn unread(source: serde_json::Error) -> ParseError {
    let format = Format::Gemini;
    match source.classify() {
        Category::Data => ParseError::NotAMessage { format, source },
        Category::Io | Category::Syntax | Category::Eof => ParseError::NotJson { format, source },
    }
}

fn no_message(why: &str) -> ParseError {
    ParseError::NotAMessage {
        format: Format::Gemini,
        source: serde_json::Error::custom(why),
    }
}

/// Reads an object as a struct; serde alone would read a list of its values as well.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    if text.starts_with('[') {
        return Err(serde_json::Error::custom(
            "an object is wanted, and not a list",
        ));
    }
    serde_json::from_str(text)
}
