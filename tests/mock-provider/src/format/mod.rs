//! The four formats. Each reads requests into one view of a conversation, and renders answers and errors.

pub(crate) mod anthropic;
pub(crate) mod chat;
pub(crate) mod gemini;
mod openai;
mod read;
pub(crate) mod responses;

use std::fmt;

use hyper::StatusCode;

use crate::answer::{Answer, Asked};
use crate::carry::{Event, Extras};
use crate::conversation::rules::Dialect;
use crate::conversation::{History, Spoken, Violation};
use crate::json::Json;
use crate::refusal::Refusal;
use crate::request::Incoming;

pub(crate) use openai::unknown_model as openai_unknown_model;

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's Chat Completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Gemini's `generateContent`.
    Gemini,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::Chat, Self::Responses, Self::Gemini];

    /// How the format is called in options and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Chat => "openai-chat",
            Self::Responses => "openai",
            Self::Gemini => "gemini",
        }
    }

    /// What a client's base URL has behind the host.
    #[must_use]
    pub fn base_path(self) -> &'static str {
        match self {
            Self::Anthropic | Self::Gemini => "",
            Self::Chat | Self::Responses => "/v1",
        }
    }

    /// Headers that may carry a key.
    pub(crate) fn key_headers(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &["authorization", "x-api-key"],
            Self::Chat | Self::Responses => &["authorization"],
            Self::Gemini => &["x-goog-api-key"],
        }
    }

    /// The header that names a request.
    pub(crate) fn request_id_header(self) -> &'static str {
        match self {
            Self::Anthropic => "request-id",
            Self::Chat | Self::Responses | Self::Gemini => "x-request-id",
        }
    }

    /// The most bytes of a request. Anthropic's is documented; the others' are as large, chosen.
    pub(crate) const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

    /// How ids of calls begin.
    pub(crate) fn id_prefix(self) -> &'static str {
        match self {
            Self::Anthropic => "toolu_01",
            Self::Chat | Self::Responses => "call_",
            Self::Gemini => "",
        }
    }

    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Anthropic => anthropic::DIALECT,
            Self::Chat => chat::DIALECT,
            Self::Responses => responses::DIALECT,
            Self::Gemini => gemini::DIALECT,
        }
    }

    /// Reads a request.
    pub(crate) fn read(self, incoming: &Incoming<'_>) -> Result<(Asked, History), Refusal> {
        match self {
            Self::Anthropic => anthropic::request::read(incoming),
            Self::Chat => chat::request::read(incoming),
            Self::Responses => responses::request::read(incoming),
            Self::Gemini => gemini::request::read(incoming),
        }
    }

    /// The answer as one body.
    pub(crate) fn plain(self, answer: &Answer<'_>) -> Result<Json, Refusal> {
        match self {
            Self::Anthropic => anthropic::answer::plain(answer),
            Self::Chat => Ok(chat::answer::plain(answer)),
            Self::Responses => Ok(responses::answer::plain(answer)),
            Self::Gemini => gemini::answer::plain(answer),
        }
    }

    /// The answer as a stream.
    pub(crate) fn stream(self, answer: &Answer<'_>) -> Result<Vec<Event>, Refusal> {
        match self {
            Self::Anthropic => Ok(anthropic::stream::events(answer)),
            Self::Chat => Ok(chat::stream::events(answer)),
            Self::Responses => Ok(responses::stream::events(answer)),
            Self::Gemini => gemini::stream::events(answer),
        }
    }

    /// What the answer is when it comes back, read as any history is.
    pub(crate) fn echo(self, answer: &Answer<'_>) -> Vec<Spoken> {
        match self {
            Self::Anthropic => anthropic::answer::echo(answer),
            Self::Chat => chat::answer::echo(answer),
            Self::Responses => responses::answer::echo(answer),
            Self::Gemini => gemini::answer::echo(answer),
        }
    }

    /// Whether what comes after a pause belongs to the same message: the question is asked again with a token,
    /// and not with what was said so far.
    pub(crate) fn continues_within(self) -> bool {
        match self {
            Self::Anthropic | Self::Chat | Self::Responses => false,
            Self::Gemini => true,
        }
    }

    pub(crate) fn extras(self, answer: &Answer<'_>) -> Extras {
        match self {
            Self::Anthropic => anthropic::stream::extras(answer),
            Self::Chat => chat::stream::extras(answer),
            Self::Responses => responses::stream::extras(answer),
            Self::Gemini => gemini::stream::extras(answer),
        }
    }

    /// What the provider says of a broken history.
    pub(crate) fn violated(self, violation: &Violation) -> Refusal {
        match self {
            Self::Anthropic => anthropic::error::violated(violation),
            Self::Chat => chat::error::violated(violation),
            Self::Responses => responses::error::violated(violation),
            Self::Gemini => gemini::error::violated(violation),
        }
    }

    /// An error's status and body.
    pub(crate) fn error(self, refusal: &Refusal, request_id: &str) -> (StatusCode, Json) {
        match self {
            Self::Anthropic => anthropic::error::body(refusal, request_id),
            Self::Chat | Self::Responses => openai::body(refusal),
            Self::Gemini => gemini::error::body(refusal),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The status of a kind of error where all providers agree; Anthropic's and Gemini's own are theirs.
pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
