//! Anthropic's Messages format: an assistant message in, exactly one user message with all
//! `tool_result` blocks out.

mod parse;
mod render;
#[cfg(test)]
mod tests;

use crate::model::{Conversation, ModelAnswer, ToolUse};
use crate::provider::sse::Event;
use crate::provider::{Settings, StreamError, WireRequest};

pub use parse::parse;
pub use render::render;

/// Writes the question.
#[must_use]
pub fn request(_settings: &Settings, _conversation: &Conversation) -> WireRequest {
    unimplemented!()
}

/// Reads an error's body.
#[must_use]
pub fn read_error(_body: &[u8]) -> crate::provider::ApiError {
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
