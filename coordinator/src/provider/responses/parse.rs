//! Takes a response apart.

use std::collections::BTreeMap;

use callboard_coordinator_core::run::{Stop, Usage};
use callboard_proto::ToolUseId;
use serde_json::value::RawValue;

use super::item::{self, Kind};
use crate::model::{ModelAnswer, ToolUse};
use crate::provider::chat::read_error;
use crate::provider::fields::{Fields, list};
use crate::provider::{ApiError, Format, ParseError, openai};

const FORMAT: Format = Format::Responses;
/// The status of a response that is an error.
pub(super) const FAILED: &str = "failed";

/// Takes a whole response, an object with its `output`, or the bare list of its output items apart. The echo is
/// each item as it came.
///
/// # Errors
/// When the input is no output of a model, or holds a call that can't be answered.
pub fn parse(input: &[u8]) -> Result<ModelAnswer, ParseError> {
    let text = openai::text(input)?;
    let not_a_message = openai::not_json(FORMAT);
    if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).map_err(not_a_message)?;
        return answer(&items, Ending::default());
    }
    let response = Fields::read(text)
        .and_then(Fields::unique)
        .map_err(not_a_message)?;
    let ending = Ending::read(&response).map_err(not_a_message)?;
    if ending.status.as_deref() == Some(FAILED) {
        return Err(ParseError::Refused {
            error: Box::new(ending.why()),
        });
    }
    let items = match response.get("output") {
        Some(output) => list(output).map_err(not_a_message)?,
        None if ending.error.is_some() && ending.status.is_some() => Vec::new(),
        None => return Err(openai::not_a_message(FORMAT, "missing field `output`")),
    };
    answer(&items, ending)
}

/// How a response ended.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// Its status; none for a bare list of items.
    pub(super) status: Option<String>,
    reason: Option<String>,
    error: Option<ApiError>,
    pub(super) usage: Option<Usage>,
}

impl Ending {
    pub(super) fn read(response: &Fields<'_>) -> Result<Self, serde_json::Error> {
        let details = response.get("incomplete_details");
        let details = details.map(|details| Fields::read(details.get()));
        Ok(Self {
            status: response.string("status")?,
            reason: details
                .transpose()?
                .and_then(|details| details.some_text("reason")),
            error: response
                .get("error")
                .map(|error| read_error(error.get().as_bytes())),
            usage: openai::usage(response.get("usage")),
        })
    }
}

impl Ending {
    /// Why a response failed.
    pub(super) fn why(self) -> ApiError {
        self.error.unwrap_or_else(|| ApiError {
            message: "the response failed, and doesn't say why".to_owned(),
            ..ApiError::default()
        })
    }
}

/// Takes output items apart that ended in some way.
pub(super) fn answer(items: &[&RawValue], ending: Ending) -> Result<ModelAnswer, ParseError> {
    let mut text = String::new();
    let mut refusal = String::new();
    let mut calls: Vec<ToolUse> = Vec::new();
    let mut seen: BTreeMap<ToolUseId, usize> = BTreeMap::new();
    let mut is_finished = true;
    for (index, raw) in items.iter().enumerate() {
        let item = item::read(raw, index)?;
        is_finished &= item.is_finished;
        match item.kind {
            Kind::Call(call) => {
                if let Some(first) = seen.insert(call.id.clone(), index) {
                    return Err(ParseError::DuplicateId {
                        format: FORMAT,
                        id: call.id.to_string(),
                        first,
                        second: index,
                    });
                }
                calls.push(call);
            }
            Kind::Message {
                text: said,
                refusal: refused,
            } => {
                text.push_str(&said);
                refusal.push_str(&refused);
            }
            Kind::Other => {}
        }
    }
    let is_refused = !refusal.is_empty();
    text.push_str(&refusal);
    let (stop, stop_reason) = stop(&ending, !calls.is_empty(), is_finished, is_refused);
    Ok(ModelAnswer {
        echo: items.iter().map(|raw| (*raw).to_owned()).collect(),
        text,
        calls,
        stop,
        stop_reason,
        usage: ending.usage,
        resume: None,
        account: None,
    })
}

/// What the loop does, and the provider's word for it. There is no status that asks for calls: a completed
/// response that holds some does.
fn stop(ending: &Ending, has_calls: bool, is_finished: bool, is_refused: bool) -> (Stop, String) {
    let status = ending.status.as_deref().unwrap_or_default();
    let stop = match status {
        "" | "completed" if !is_finished => return (Stop::Truncated, "incomplete".to_owned()),
        "" | "completed" if is_refused => return (Stop::Declined, "refusal".to_owned()),
        "" | "completed" if has_calls => Stop::Calls,
        "" | "completed" => Stop::Done,
        "incomplete" => {
            let reason = ending.reason.as_deref().unwrap_or("incomplete");
            let stop = match reason {
                "max_output_tokens" | "incomplete" => Stop::Truncated,
                "content_filter" => Stop::Declined,
                other => Stop::Unknown(other.to_owned()),
            };
            return (stop, reason.to_owned());
        }
        other => Stop::Unknown(match &ending.error {
            Some(error) if error.code.is_empty() => format!("{other}: {}", error.message),
            Some(error) => format!("{other}: {}: {}", error.code, error.message),
            None => other.to_owned(),
        }),
    };
    (stop, status.to_owned())
}
