//! Streamed responses: events in, the same answer out that the whole response would have given.

use callboard_coordinator_core::run::Usage;

use super::error::StreamError;
use super::sse::Event;
use super::{anthropic, chat, gemini, responses};
use crate::model::{ModelAnswer, ToolUse};

/// Puts a streamed response together. After an error it takes nothing more.
#[derive(Debug)]
pub enum Assembler {
    /// Of Anthropic's Messages.
    Anthropic(anthropic::Assembler),
    /// Of Chat Completions.
    Chat(chat::Assembler),
    /// Of Responses.
    Responses(responses::Assembler),
    /// Of Gemini's `streamGenerateContent`.
    Gemini(gemini::Assembler),
}

impl Assembler {
    /// Takes the next event. Events and fields that aren't known are passed over, unless the
    /// conversation must repeat them.
    ///
    /// # Errors
    /// When the event is the provider's error, or contradicts what came before.
    pub fn take(&mut self, event: &Event) -> Result<(), StreamError> {
        match self {
            Self::Anthropic(assembler) => assembler.take(event),
            Self::Chat(assembler) => assembler.take(event),
            Self::Responses(assembler) => assembler.take(event),
            Self::Gemini(assembler) => assembler.take(event),
        }
    }

    /// The next call that is surely whole although the response goes on: the format's safe signal was
    /// seen (never a block's own end alone, for a response that is cut off ends its last block, too).
    /// Each is given once, in call order, as it will be in the answer.
    pub fn poll_sealed(&mut self) -> Option<ToolUse> {
        match self {
            Self::Anthropic(assembler) => assembler.poll_sealed(),
            Self::Chat(assembler) => assembler.poll_sealed(),
            Self::Responses(assembler) => assembler.poll_sealed(),
            Self::Gemini(assembler) => assembler.poll_sealed(),
        }
    }

    /// Whether the response is whole: nothing that may still come changes the answer.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Anthropic(assembler) => assembler.is_whole(),
            Self::Chat(assembler) => assembler.is_whole(),
            Self::Responses(assembler) => assembler.is_whole(),
            Self::Gemini(assembler) => assembler.is_whole(),
        }
    }

    /// Whether a reason to stop was given and nothing was said since: what is missing is a count of tokens or
    /// the connection's end, and the answer may be taken without.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        match self {
            Self::Anthropic(assembler) => assembler.is_whole(),
            Self::Chat(assembler) => assembler.is_at_rest(),
            Self::Responses(assembler) => assembler.is_whole(),
            Self::Gemini(assembler) => assembler.is_at_rest(),
        }
    }

    /// Bytes that are kept of the response, without the envelopes of what it came in; at most a little more
    /// than what is really held.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        match self {
            Self::Anthropic(assembler) => assembler.kept_bytes(),
            Self::Chat(assembler) => assembler.kept_bytes(),
            Self::Responses(assembler) => assembler.kept_bytes(),
            Self::Gemini(assembler) => assembler.kept_bytes(),
        }
    }

    /// What the response says it used, as far as it came.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::Anthropic(assembler) => assembler.usage(),
            Self::Chat(assembler) => assembler.usage(),
            Self::Responses(assembler) => assembler.usage(),
            Self::Gemini(assembler) => assembler.usage(),
        }
    }

    /// The answer, once the stream is at its end.
    ///
    /// # Errors
    /// When the stream ended before the response was whole, or what it gave can't be worked with.
    pub fn finish(self) -> Result<ModelAnswer, StreamError> {
        match self {
            Self::Anthropic(assembler) => assembler.finish(),
            Self::Chat(assembler) => assembler.finish(),
            Self::Responses(assembler) => assembler.finish(),
            Self::Gemini(assembler) => assembler.finish(),
        }
    }
}
