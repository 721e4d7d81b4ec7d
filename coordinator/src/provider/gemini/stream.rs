//! Puts a streamed response together: chunks that are responses themselves, each with some parts.

use callboard_coordinator_core::run::{Stop, Usage};
use serde_json::value::RawValue;

use super::error::read_error;
use super::parse::{WireResponse, object};
use super::turn::Turn;
use crate::model::{ModelAnswer, ToolUse};
use crate::provider::StreamError;
use crate::provider::sse::Event;

/// Puts a streamed response together. The echo is one content with all parts in their order: each stays
/// as it came, text in as many parts as it had.
#[derive(Debug, Default)]
pub struct Assembler {
    turn: Turn,
    polled: usize,
    is_whole: bool,
}

impl Assembler {
    pub(in crate::provider) fn take(&mut self, event: &Event) -> Result<(), StreamError> {
        let data = event.data.trim();
        // The API ends its streams without a word; servers in front of it may not.
        if data == "[DONE]" {
            self.is_whole |= self.turn.is_finished();
            return Ok(());
        }
        if data.is_empty() || self.is_whole {
            return Ok(());
        }
        let unread = |source| StreamError::Event {
            name: if event.name.is_empty() {
                "chunk".to_owned()
            } else {
                event.name.clone()
            },
            source,
        };
        if data.starts_with('[') {
            let chunks: Vec<&RawValue> = serde_json::from_str(data).map_err(unread)?;
            for chunk in chunks {
                self.take_chunk(&object(chunk.get()).map_err(unread)?, data)?;
            }
            return Ok(());
        }
        self.take_chunk(&object(data).map_err(unread)?, data)
    }

    fn take_chunk(&mut self, chunk: &WireResponse<'_>, data: &str) -> Result<(), StreamError> {
        if chunk.error.is_some() {
            let error = read_error(data.as_bytes());
            return Err(StreamError::Provider(Box::new(error)));
        }
        let is_of_another = self.turn.is_of_another(chunk.response_id());
        if is_of_another && self.turn.is_finished() && chunk.candidates.is_some() {
            return Err(StreamError::Contradiction(
                "a second response began behind the end of the first".to_owned(),
            ));
        }
        self.turn.take(chunk)?;
        Ok(())
    }

    /// A call is sealed by the part that follows it, for a part without a name may continue it. The last
    /// one isn't before the stream has ended: a reason to stop may come with every chunk.
    pub(in crate::provider) fn poll_sealed(&mut self) -> Option<ToolUse> {
        if self.turn.is_finished() && self.turn.stop() != Stop::Calls {
            return None;
        }
        let call = self.turn.closed_calls().get(self.polled)?.clone();
        self.polled += 1;
        Some(call)
    }

    pub(in crate::provider) fn is_whole(&self) -> bool {
        self.is_whole || self.turn.is_blocked()
    }

    pub(in crate::provider) fn is_at_rest(&self) -> bool {
        self.turn.is_at_rest()
    }

    pub(in crate::provider) fn kept_bytes(&self) -> usize {
        self.turn.kept_bytes()
    }

    pub(in crate::provider) fn usage(&self) -> Option<Usage> {
        self.turn.usage()
    }

    pub(in crate::provider) fn finish(self) -> Result<ModelAnswer, StreamError> {
        if !self.turn.is_finished() {
            return Err(StreamError::Cut);
        }
        Ok(self.turn.finish())
    }
}
