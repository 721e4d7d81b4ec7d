//! The formats that are spoken, and what all of them can do.

use std::fmt;

use callboard_coordinator_core::Report;
use callboard_coordinator_core::run::Stop;
use serde_json::value::RawValue;

use super::error::{ApiError, ParseError};
use super::recording::ReadError;
use super::request::{Settings, WireRequest};
use super::stream::Assembler;
use super::{anthropic, chat, foreign, gemini, guess, recording, responses};
use crate::model::{Conversation, ModelAnswer, ToolUse};

/// A provider's wire format. Everything here is pure: bytes in, bytes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Chat Completions, and the servers that speak it too (vLLM, Ollama, llama.cpp).
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Gemini's `generateContent`.
    Gemini,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::Chat, Self::Responses, Self::Gemini];

    /// The word that configuration and command line use: `anthropic`, `openai-chat`, `openai`, `gemini`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Chat => "openai-chat",
            Self::Responses => "openai",
            Self::Gemini => "gemini",
        }
    }

    /// The API that speaks it, as a person would name it.
    #[must_use]
    pub const fn api(self) -> &'static str {
        match self {
            Self::Anthropic => "Anthropic's Messages API",
            Self::Chat => "OpenAI's Chat Completions",
            Self::Responses => "OpenAI's Responses API",
            Self::Gemini => "Gemini's generateContent",
        }
    }

    /// Whether a whole response always says why it stopped: one that doesn't isn't whole, as a stream isn't.
    pub(crate) const fn gives_reason(self) -> bool {
        match self {
            Self::Anthropic | Self::Gemini => true,
            // vLLM was seen to leave it out, and has an end of its own for streams.
            Self::Chat | Self::Responses => false,
        }
    }

    /// Whether the results of a turn are always exactly one message; else they are a list.
    #[must_use]
    pub const fn is_one_message(self) -> bool {
        match self {
            Self::Anthropic | Self::Gemini => true,
            Self::Chat | Self::Responses => false,
        }
    }

    /// What is read, as a person would name it.
    pub(crate) const fn input_noun(self) -> &'static str {
        match self {
            Self::Anthropic => "one assistant message as the Messages API returns it",
            Self::Chat => "one assistant message as Chat Completions returns it",
            Self::Responses => {
                "one response as the Responses API returns it, or its list of output items"
            }
            Self::Gemini => "one response as generateContent returns it, or its content",
        }
    }

    /// What the format calls a call.
    pub(crate) const fn call_noun(self) -> &'static str {
        match self {
            Self::Anthropic => "tool_use block",
            Self::Chat => "tool call",
            Self::Responses => "function_call item",
            Self::Gemini => "functionCall part",
        }
    }

    /// What the format calls the pieces of a message.
    pub(crate) const fn block_noun(self) -> &'static str {
        match self {
            Self::Anthropic => "content block",
            Self::Chat => "tool call",
            Self::Responses => "output item",
            Self::Gemini => "part",
        }
    }

    /// The ids that the API takes back.
    pub(crate) const fn id_rule(self) -> &'static str {
        match self {
            Self::Anthropic => "the API takes up to 256 letters, digits, '_' and '-'",
            Self::Responses => "the API takes up to 64 characters",
            Self::Chat | Self::Gemini => "up to 256 characters can be sent",
        }
    }

    /// Takes a bare message or a whole response apart, whatever it stopped for: a message without a
    /// reason to stop counts as one that asks for its calls. A recorded stream is read by [`Self::assembler`].
    ///
    /// # Errors
    /// When the input isn't what the model wrote, or holds a call that no result can be addressed to.
    /// Nothing may be run then, not even the calls that are in order: an answer to some of them would
    /// poison the conversation.
    pub fn parse(self, input: &[u8]) -> Result<ModelAnswer, ParseError> {
        let parsed = match self {
            Self::Anthropic => anthropic::parse(input),
            Self::Chat => chat::parse(input),
            Self::Responses => responses::parse(input),
            Self::Gemini => gemini::parse(input),
        };
        parsed.map_err(|error| match foreign::refusal(input) {
            Some(refusal) => ParseError::Refused {
                error: Box::new(self.read_error(refusal)),
            },
            None => error,
        })
    }

    /// Reads a bare message, a whole response or a recorded stream; the bytes tell which it is.
    ///
    /// # Errors
    /// As [`Self::parse`], or when a stream gives no answer. Nothing of it may be run then.
    pub fn read(self, input: &[u8]) -> Result<ModelAnswer, ReadError> {
        recording::read(self, input)
    }

    /// The format that an input looks like, if it looks like one: to name it to somebody who named
    /// another. What it looks like may still be wrong inside.
    #[must_use]
    pub fn guess(input: &[u8]) -> Option<Self> {
        guess::guess(input)
    }

    /// Whether an answer's calls may be run by whoever runs one turn of somebody else's conversation.
    ///
    /// # Errors
    /// When it holds no call, or its reason to stop says that its calls must not run.
    pub fn must_run(self, answer: &ModelAnswer) -> Result<(), ParseError> {
        if answer.calls.is_empty() {
            return Err(ParseError::NothingToRun { format: self });
        }
        if answer.stop != Stop::Calls {
            return Err(ParseError::Stopped {
                stop: answer.stop.clone(),
                stop_reason: answer.stop_reason.clone(),
                calls: answer.calls.len(),
            });
        }
        Ok(())
    }

    /// Renders a report: exactly one result for each call, in call order, as the messages or items that a
    /// conversation goes on with. The same calls and report always give the same bytes.
    ///
    /// # Panics
    /// When the report isn't that of these calls: as many, in the same order.
    #[must_use]
    pub fn render(self, calls: &[ToolUse], report: &Report) -> Vec<Box<RawValue>> {
        assert_eq!(
            calls.len(),
            report.calls.len(),
            "a report answers each call"
        );
        match self {
            Self::Anthropic => anthropic::render(calls, report),
            Self::Chat => chat::render(calls, report),
            Self::Responses => responses::render(calls, report),
            Self::Gemini => gemini::render(calls, report),
        }
    }

    /// Reads a streamed response, event by event.
    #[must_use]
    pub fn assembler(self) -> Assembler {
        match self {
            Self::Anthropic => Assembler::Anthropic(anthropic::Assembler::default()),
            Self::Chat => Assembler::Chat(chat::Assembler::default()),
            Self::Responses => Assembler::Responses(responses::Assembler::default()),
            Self::Gemini => Assembler::Gemini(gemini::Assembler::default()),
        }
    }

    /// The request that asks for the next turn of a conversation. What was sent before is a prefix of
    /// what is sent now, byte for byte, as long as the settings stay.
    #[must_use]
    pub fn request(self, settings: &Settings, conversation: &Conversation) -> WireRequest {
        let settings = settings.named(&conversation.catalogue);
        match self {
            Self::Anthropic => anthropic::request(&settings, conversation),
            Self::Chat => chat::request(&settings, conversation),
            Self::Responses => responses::request(&settings, conversation),
            Self::Gemini => gemini::request(&settings, conversation),
        }
    }

    /// Reads the body of an answer that isn't a success, or of an error in the middle of a stream. A
    /// body that isn't the provider's (a proxy's HTML page) gives an error without a code, and says so.
    #[must_use]
    pub fn read_error(self, body: &[u8]) -> ApiError {
        match self {
            Self::Anthropic => anthropic::read_error(body),
            Self::Chat | Self::Responses => chat::read_error(body),
            Self::Gemini => gemini::read_error(body),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
