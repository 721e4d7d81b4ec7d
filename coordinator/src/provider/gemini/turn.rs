//! What a response has said so far, chunk by chunk; a whole response is one chunk.

use bytes::Bytes;
use callboard_coordinator_core::run::{Stop, Usage};
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::naming::NAMING;
use super::parse::{WireCandidate, WireContent, WireResponse, object, usage};
use super::{history, merge};
use crate::model::{ModelAnswer, Reply, ToolUse};
use crate::provider::address::Addresses;
use crate::provider::{Format, ParseError};

const FORMAT: Format = Format::Gemini;
/// What stands for no reason at all.
const UNSPECIFIED: &str = "FINISH_REASON_UNSPECIFIED";
/// The reason with which a response is to be asked for on, by its token.
const CONTINUATION: &str = "CONTINUATION";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a part object")]
struct WirePart<'a> {
    text: Option<String>,
    thought: Option<bool>,
    #[serde(borrow, alias = "function_call")]
    function_call: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a functionCall object")]
struct WireCall<'a> {
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
    #[serde(borrow, alias = "partial_args")]
    partial_args: Option<&'a RawValue>,
    #[serde(alias = "will_continue")]
    will_continue: Option<bool>,
}

/// A call whose part may still be continued by a part without a name.
#[derive(Debug)]
struct OpenCall {
    id: Option<String>,
    name: String,
    arguments: Bytes,
}

/// A turn as far as it was received.
#[derive(Debug, Default)]
pub(super) struct Turn {
    parts: Vec<Box<RawValue>>,
    /// The content as it came, where it came in one piece and can be sent back like that.
    verbatim: Option<Box<RawValue>>,
    text: String,
    addresses: Addresses,
    /// Calls that nothing continues any more.
    calls: Vec<ToolUse>,
    /// The ids that calls were given in the place of ones that others have, by the calls' positions.
    new_ids: Vec<(usize, String)>,
    open: Option<OpenCall>,
    has_merged: bool,
    has_candidate: bool,
    stop_reason: Option<String>,
    /// Whether more was said behind a reason to stop, so that none of this server's is the end.
    goes_on: bool,
    /// The response's own id.
    id: Option<String>,
    /// Bytes of the parts.
    kept_bytes: usize,
    /// With what the same question is asked again to go on.
    continuation: Option<String>,
    blocked: Option<String>,
    usage: Option<Usage>,
}

impl Turn {
    /// Takes a response or a chunk of one, and returns the content that it holds.
    pub(super) fn take<'a>(
        &mut self,
        response: &WireResponse<'a>,
    ) -> Result<Option<&'a RawValue>, ParseError> {
        self.usage = response.usage_metadata.and_then(usage).or(self.usage);
        let blocked = response.prompt_feedback.as_ref();
        if let Some(reason) = blocked.and_then(|feedback| feedback.block_reason.as_deref()) {
            self.blocked = Some(reason.to_owned());
        }
        let candidate = response.candidates.as_ref().and_then(|all| all.first());
        let Some(candidate) = candidate else {
            return Ok(None);
        };
        let candidate: WireCandidate<'a> =
            object(candidate.get()).map_err(|source| ParseError::NotAMessage {
                format: FORMAT,
                source,
            })?;
        self.has_candidate = true;
        if let Some(content) = candidate.content {
            self.take_content(content)?;
        }
        let token = candidate.continuation_token.filter(|it| !it.is_empty());
        self.continuation = token.or(self.continuation.take());
        self.take_finish(candidate.finish_reason.as_deref());
        Ok(candidate.content)
    }

    /// Takes the parts of a content.
    pub(super) fn take_content(&mut self, content: &RawValue) -> Result<(), ParseError> {
        let content: WireContent<'_> =
            object(content.get()).map_err(|source| ParseError::NotAMessage {
                format: FORMAT,
                source,
            })?;
        self.has_candidate = true;
        match content.role.as_deref() {
            None | Some("" | "model") => {}
            Some(role) => {
                return Err(ParseError::NotAssistant {
                    role: role.to_owned(),
                });
            }
        }
        for part in content.parts.unwrap_or_default() {
            self.goes_on |= self.stop_reason.is_some();
            self.kept_bytes += part.get().len();
            self.take_part(part)?;
        }
        Ok(())
    }

    /// Takes a reason to stop, if it is one. The last one holds: some servers give one with every chunk.
    pub(super) fn take_finish(&mut self, reason: Option<&str>) {
        if let Some(reason) = reason.filter(|reason| !reason.is_empty() && *reason != UNSPECIFIED) {
            self.stop_reason = Some(reason.to_owned());
        }
    }

    /// Takes the id of the response that a chunk is of; whether it is another one's than before.
    pub(super) fn is_of_another(&mut self, id: Option<String>) -> bool {
        let is_other = id.is_some() && self.id.is_some() && id != self.id;
        self.id = self.id.take().or(id);
        is_other
    }

    /// Keeps a content that came whole for the echo, unless it names no role: without one the API would
    /// take it for the user's.
    pub(super) fn echo_as_it_came(&mut self, content: Option<&RawValue>) {
        let has_role = |content: &&RawValue| {
            object::<WireContent<'_>>(content.get())
                .is_ok_and(|read| read.role.as_deref() == Some("model"))
        };
        self.verbatim = content
            .filter(|_| !self.has_merged)
            .filter(has_role)
            .map(RawValue::to_owned);
    }

    fn take_part(&mut self, raw: &RawValue) -> Result<(), ParseError> {
        let index = self.parts.len();
        let at = |source| ParseError::Block {
            format: FORMAT,
            index,
            source,
        };
        let part: WirePart<'_> = object(raw.get()).map_err(at)?;
        let Some(call) = part.function_call else {
            self.close();
            if let Some(text) = part.text.filter(|_| part.thought != Some(true)) {
                self.text.push_str(&text);
            }
            self.parts.push(raw.to_owned());
            return Ok(());
        };
        let call: WireCall<'_> = object(call.get()).map_err(at)?;
        if call.partial_args.is_some() || call.will_continue == Some(true) {
            // Vertex sends these where it was asked to; to run what came so far would run half a call.
            return Err(at(serde_json::Error::custom(
                "the arguments come in pieces (`partialArgs`); ask for them whole",
            )));
        }
        if call.name.as_deref().is_some_and(|name| !name.is_empty()) {
            self.close();
            self.parts.push(raw.to_owned());
            return self.open_last();
        }
        // Servers were seen to send a call's name first, and its arguments in a part of their own.
        let first = self.parts.last().filter(|_| self.open.is_some());
        let Some(first) = first else {
            return Err(ParseError::NoName {
                format: FORMAT,
                index,
            });
        };
        let merged = merge::parts(first, raw).map_err(at)?;
        self.parts.pop();
        self.parts.push(merged);
        self.has_merged = true;
        self.open_last()
    }

    /// Opens the call that the last part is.
    fn open_last(&mut self) -> Result<(), ParseError> {
        let index = self.parts.len().saturating_sub(1);
        let at = |source| ParseError::Block {
            format: FORMAT,
            index,
            source,
        };
        let Some(last) = self.parts.last() else {
            return Ok(());
        };
        let part: WirePart<'_> = object(last.get()).map_err(at)?;
        let Some(call) = part.function_call else {
            return Ok(());
        };
        let call: WireCall<'_> = object(call.get()).map_err(at)?;
        self.open = Some(OpenCall {
            id: call.id.filter(|id| !id.is_empty()),
            name: call.name.unwrap_or_default(),
            arguments: call.args.map_or_else(
                || Bytes::from_static(b"{}"),
                |args| Bytes::copy_from_slice(args.get().as_bytes()),
            ),
        });
        Ok(())
    }

    /// Nothing continues the open call any more.
    fn close(&mut self) {
        if let Some(call) = self.open.take() {
            let own = call.id.as_deref();
            let address = self
                .addresses
                .next_if_named(own, &call.name, &call.arguments);
            let new_id = address.wire.clone().filter(|_| address.is_new);
            self.new_ids.extend(new_id.map(|id| (self.calls.len(), id)));
            self.calls.push(ToolUse {
                id: address.id,
                name: call.name,
                arguments: call.arguments,
                reply: Reply {
                    id: address.wire,
                    is_made_up: address.is_new,
                    ..Reply::default()
                },
            });
        }
    }

    /// The calls that are surely whole.
    pub(super) fn closed_calls(&self) -> &[ToolUse] {
        &self.calls
    }

    /// Whether a reason to stop was given, or the question was refused.
    pub(super) fn is_finished(&self) -> bool {
        self.stop_reason.is_some() || self.is_blocked()
    }

    /// Whether it was finished, and nothing was said since.
    pub(super) fn is_at_rest(&self) -> bool {
        self.is_finished() && !self.goes_on
    }

    /// Bytes of what is kept for the echo.
    pub(super) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// Whether there was nothing that a model, or the API in its place, said.
    pub(super) fn is_empty(&self) -> bool {
        !self.has_candidate && self.stop_reason.is_none() && self.blocked.is_none()
    }

    /// Whether the question was refused.
    pub(super) fn is_blocked(&self) -> bool {
        !self.has_candidate && self.blocked.is_some()
    }

    /// What was used, as far as it was said.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Why it stopped, as far as is known.
    pub(super) fn stop(&self) -> Stop {
        if self.is_blocked() {
            return Stop::Declined;
        }
        let has_calls = self.open.is_some() || !self.calls.is_empty();
        match self.stop_reason.as_deref().unwrap_or_default() {
            // A call in the middle of a message can't be answered before it has ended.
            CONTINUATION if self.continuation.is_some() && !has_calls => Stop::Paused,
            reason => stop(reason, has_calls),
        }
    }

    /// The answer, of all that was taken.
    pub(super) fn finish(mut self) -> ModelAnswer {
        self.close();
        let stop = self.stop();
        let stop_reason = if self.is_blocked() {
            self.blocked
        } else {
            self.stop_reason
        };
        let echo = if self.parts.is_empty() {
            None
        } else {
            let content = self.verbatim.unwrap_or_else(|| {
                let parts: Vec<&str> = self.parts.iter().map(|part| part.get()).collect();
                history::model(&parts)
            });
            Some(if self.new_ids.is_empty() {
                content
            } else {
                NAMING.with_ids(content.get(), &self.new_ids)
            })
        };
        ModelAnswer {
            echo: echo.into_iter().collect(),
            text: self.text,
            calls: self.calls,
            stop_reason: stop_reason.unwrap_or_default(),
            usage: self.usage,
            resume: self.continuation.filter(|_| stop == Stop::Paused),
            stop,
            account: None,
        }
    }
}

/// What the loop does for a reason; a content without one asks for its calls.
fn stop(reason: &str, has_calls: bool) -> Stop {
    match reason {
        "" | "STOP" if has_calls => Stop::Calls,
        "" | "STOP" => Stop::Done,
        "MAX_TOKENS" => Stop::Truncated,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "ESCALATION"
        | "PUP_LIMITED_DISABLED"
        | "MODEL_ARMOR" => Stop::Declined,
        // Malformed and unexpected calls among them.
        other => Stop::Unknown(other.to_owned()),
    }
}
