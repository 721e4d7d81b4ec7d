//! OpenAI's Responses.

use callboard_coordinator_core::Report;
use serde_json::value::RawValue;

use crate::model::{Conversation, ModelAnswer, ToolUse};
use crate::provider::sse::Event;
use crate::provider::{ParseError, Settings, StreamError, WireRequest};

/// Takes a message or response apart.
pub fn parse(_input: &[u8]) -> Result<ModelAnswer, ParseError> {
    unimplemented!()
}

/// Writes the results.
#[must_use]
pub fn render(_calls: &[ToolUse], _report: &Report) -> Vec<Box<RawValue>> {
    unimplemented!()
}

/// Writes the question.
#[must_use]
pub fn request(_settings: &Settings, _conversation: &Conversation) -> WireRequest {
    unimplemented!()
}

/// Puts a streamed response together.
#[derive(Debug, Default)]
pub struct Assembler {}

impl Assembler {
    pub(in crate::provider) fn take(&mut self, _event: &Event) -> Result<(), StreamError> {
        unimplemented!()
    }
    pub(in crate::provider) fn poll_sealed(&mut self) -> Option<ToolUse> {
        unimplemented!()
    }
    pub(in crate::provider) fn is_whole(&self) -> bool {
        unimplemented!()
    }
    pub(in crate::provider) fn finish(self) -> Result<ModelAnswer, StreamError> {
        unimplemented!()
    }
}
