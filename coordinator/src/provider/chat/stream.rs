//! Puts a streamed response together.
//!
//! The format has no event that ends a call. A call is whole once another one begins; of the last one
//! only the answer tells.

use callboard_coordinator_core::run::Usage;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::call::{Fragment, Given, StreamedCall};
use super::error::read_error;
use super::parse;
use super::pieces::Pieces;
use crate::model::{ModelAnswer, ToolUse};
use crate::provider::address::Addresses;
use crate::provider::fields::{Fields, list};
use crate::provider::sse::Event;
use crate::provider::{StreamError, openai};

/// What ends a stream, in place of an event.
const DONE: &str = "[DONE]";

/// Puts a streamed response together.
#[derive(Debug, Default)]
pub struct Assembler {
    message: Message,
    reason: Option<String>,
    usage: Option<Usage>,
    /// Whether the model said anything at all.
    has_begun: bool,
    is_whole: bool,
    /// Calls that were given early.
    given: usize,
    /// Whether anything was said since that the next of them may have waited for.
    may_give: bool,
    /// Whether no further call can be given before the response is whole.
    is_early_over: bool,
    addresses: Addresses,
    known: Given,
    /// The response's own id.
    id: Option<String>,
    /// Bytes of all that was added to the message.
    kept_bytes: usize,
}

/// The assistant message so far.
#[derive(Debug, Default)]
struct Message {
    role: String,
    others: Pieces,
    calls: Vec<StreamedCall>,
}

impl Assembler {
    pub(in crate::provider) fn take(&mut self, event: &Event) -> Result<(), StreamError> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(());
        }
        if data == DONE {
            self.is_whole = true;
            return Ok(());
        }
        let chunk = match Fields::read(data) {
            Ok(chunk) => chunk,
            // What a gateway adds behind the end.
            Err(_) if self.is_whole => return Ok(()),
            Err(source) => return Err(unreadable("data")(source)),
        };
        if self.begins_another(&chunk) {
            return Err(StreamError::Contradiction(
                "a second response began behind the end of the first".to_owned(),
            ));
        }
        if self.is_whole {
            return Ok(());
        }
        let is_error = chunk.get("error").is_some()
            || event.name == "error"
            || chunk.some_text("object").as_deref() == Some("error");
        if is_error {
            return Err(StreamError::Provider(Box::new(read_error(data.as_bytes()))));
        }
        let usage = openai::usage(chunk.get("usage"));
        self.usage = usage.or(self.usage);
        let choices = chunk.get("choices").map(list).transpose();
        let choices = choices.map_err(unreadable("choices"))?.unwrap_or_default();
        // The last chunk holds what was used, and nothing else.
        if choices.is_empty() && usage.is_some() && self.reason.is_some() {
            self.is_whole = true;
        }
        for choice in choices {
            let choice = Fields::read(choice.get()).map_err(unreadable("choices"))?;
            // Others come only to those who ask for several answers.
            if choice.get("index").is_none_or(|index| index.get() == "0") {
                self.take_choice(&choice)?;
            }
        }
        Ok(())
    }

    /// Whether the model says more behind its reason to stop, in what calls itself another response; behind
    /// the stream's last event, in whatever it is.
    fn begins_another(&mut self, chunk: &Fields<'_>) -> bool {
        let id = chunk.some_text("id");
        let is_other = id.is_some() && self.id.is_some() && id != self.id;
        if self.id.is_none() {
            self.id = id;
        }
        let has_ended = self.is_whole || (self.reason.is_some() && is_other);
        has_ended && says_something(chunk).unwrap_or_default()
    }

    fn take_choice(&mut self, choice: &Fields<'_>) -> Result<(), StreamError> {
        self.has_begun = true;
        if let Some(delta) = choice.get("delta") {
            self.kept_bytes += delta.get().len();
            let delta = Fields::read(delta.get()).map_err(unreadable("delta"))?;
            for (name, raw) in &delta.0 {
                match name.as_ref() {
                    "role" => {
                        if let Some(role) = delta.some_text("role") {
                            self.message.role = role;
                        }
                    }
                    // Padding, so that no listener can tell tokens by their length.
                    "obfuscation" => {}
                    "tool_calls" if raw.get() == "null" => {}
                    "tool_calls" => {
                        for fragment in list(raw).map_err(unreadable("tool_calls"))? {
                            self.take_fragment(fragment)?;
                        }
                    }
                    other => {
                        let merged = self.message.others.merge(other, raw);
                        merged.map_err(unreadable("delta"))?;
                    }
                }
            }
        }
        let reason = choice
            .string("finish_reason")
            .map_err(unreadable("finish_reason"))?;
        self.reason = reason
            .filter(|reason| !reason.is_empty())
            .or(self.reason.take());
        Ok(())
    }

    fn take_fragment(&mut self, raw: &RawValue) -> Result<(), StreamError> {
        let fragment = Fragment::read(raw).map_err(unreadable("tool_calls"))?;
        let calls = &mut self.message.calls;
        let known = fragment.continues(calls, self.known.knows(&fragment));
        let position = known.unwrap_or_else(|| {
            calls.push(StreamedCall::default());
            calls.len() - 1
        });
        self.may_give |= known.is_none() || position == self.given;
        if position < self.given && fragment.brings_nothing() {
            return Ok(());
        }
        let changes = calls[position]
            .merge(&fragment)
            .map_err(unreadable("tool_calls"))?;
        if changes && position < self.given {
            return Err(StreamError::Contradiction(format!(
                "tool call {position} went on after another one had begun"
            )));
        }
        Ok(())
    }

    /// A call before the last whose arguments are one JSON object. Empty arguments may be a call that hasn't begun
    /// to say them, where a server opens all calls first.
    pub(in crate::provider) fn poll_sealed(&mut self) -> Option<ToolUse> {
        if !self.may_give || self.is_early_over || self.is_whole || self.reason.is_some() {
            return None;
        }
        let call = self.sealed();
        self.may_give = call.is_some();
        self.given += usize::from(self.may_give);
        call
    }

    fn sealed(&mut self) -> Option<ToolUse> {
        let (_last, before) = self.message.calls.split_last()?;
        let call = before.get(self.given)?;
        if !call.has_whole_arguments() {
            return None;
        }
        let read = parse::call(&call.raw(), self.given, &mut self.addresses);
        // What can't be read now is for the whole response to tell.
        self.is_early_over = read.is_err();
        read.ok().map(|(call, _)| call)
    }

    pub(in crate::provider) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(in crate::provider) fn is_at_rest(&self) -> bool {
        self.is_whole || (self.has_begun && self.reason.is_some())
    }

    pub(in crate::provider) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    pub(in crate::provider) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    pub(in crate::provider) fn finish(self) -> Result<ModelAnswer, StreamError> {
        let has_ended = self.is_whole || self.reason.is_some();
        if !(self.has_begun && has_ended) {
            return Err(StreamError::Cut);
        }
        let message = serde_json::to_string(&self.message)
            .expect("all keys are strings and memory can't fail");
        Ok(parse::answer(&message, self.reason.as_deref(), self.usage)?)
    }
}

/// The message as a whole response would hold it.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let role = match self.role.as_str() {
            "" => "assistant",
            role => role,
        };
        map.serialize_entry("role", role)?;
        if !self.others.has("content") {
            map.serialize_entry("content", &())?;
        }
        self.others.write(&mut map)?;
        if !self.calls.is_empty() {
            map.serialize_entry("tool_calls", &self.calls)?;
        }
        map.end()
    }
}

/// Whether a chunk's answer says anything.
fn says_something(chunk: &Fields<'_>) -> Option<bool> {
    let choice = list(chunk.get("choices")?).ok()?;
    let choice = Fields::read(choice.first()?.get()).ok()?;
    let delta = Fields::read(choice.get("delta")?.get()).ok()?;
    let mut said = delta
        .0
        .iter()
        .filter(|(name, _)| name != "role" && name != "obfuscation");
    Some(said.any(|(_, raw)| !matches!(raw.get(), "null" | "\"\"" | "[]")))
}

fn unreadable(name: &'static str) -> impl Fn(serde_json::Error) -> StreamError {
    move |source| StreamError::Event {
        name: name.to_owned(),
        source,
    }
}
