//! What a request is made of.

use std::borrow::Cow;
use std::num::NonZeroU32;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, Tool};

/// How a model is asked, the same for all turns of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The model's name, as its provider writes it.
    pub model: String,
    /// Instructions for the whole conversation, if there are any.
    pub system: Option<String>,
    /// Tokens that a response may have, at most; `None` where the provider needs none and none is wanted.
    pub max_tokens: Option<u32>,
    /// Whether tools may, must or must not be used.
    pub tool_choice: ToolChoice,
    /// Whether the model may ask for several calls at once.
    pub parallel: Parallel,
    /// Whether the response comes as a stream.
    pub is_streamed: bool,
    /// What differs among servers that speak the Chat format.
    pub dialect: ChatDialect,
    /// Fields to add to the body's top level, as they are; they win over ours (`thinking`, `reasoning`, …).
    pub extra: Map<String, Value>,
}

impl Settings {
    /// Plain settings: streamed, tools as the model likes, 8,192 tokens (chosen, not measured) at most.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            system: None,
            max_tokens: Some(8_192),
            tool_choice: ToolChoice::Auto,
            parallel: Parallel::Auto,
            is_streamed: true,
            dialect: ChatDialect::default(),
            extra: Map::new(),
        }
    }

    /// The same, with the tool to call first under the name that the model sees, whichever it was given by.
    pub(super) fn named(&self, catalogue: &Catalogue) -> Cow<'_, Self> {
        let ToolChoice::Tool(name) = &self.tool_choice else {
            return Cow::Borrowed(self);
        };
        match catalogue.find(name).map(Tool::model_name) {
            Some(seen) if seen != name => Cow::Owned(Self {
                tool_choice: ToolChoice::Tool(seen.to_owned()),
                ..self.clone()
            }),
            Some(_) | None => Cow::Borrowed(self),
        }
    }
}

/// Whether the model may, must or must not use tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes; nothing is sent.
    #[default]
    Auto,
    /// At least one.
    Any,
    /// None at all; calls that come anyway are refused.
    None,
    /// This one, by its own name or the one that the model sees.
    Tool(String),
}

/// Whether the model may ask for several calls at once, and how many of a turn run together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parallel {
    /// As the model likes.
    #[default]
    Auto,
    /// One at a time: the provider is told where it can be, and a turn runs one call after the other in
    /// any case.
    Off,
    /// The model may ask for as many as it likes; so many of a turn run together.
    Limit(NonZeroU32),
}

impl Parallel {
    /// Calls of a turn in flight at once, at most.
    #[must_use]
    pub const fn calls_max(self) -> Option<u32> {
        match self {
            Self::Auto => None,
            Self::Off => Some(1),
            Self::Limit(calls) => Some(calls.get()),
        }
    }

    /// The same with no more than so many calls in flight; `None` and 0 are no limit.
    #[must_use]
    pub fn at_most(self, calls: Option<u32>) -> Self {
        match calls.and_then(NonZeroU32::new) {
            Some(calls) if self.calls_max().is_none_or(|own| calls.get() < own) => {
                Self::Limit(calls)
            }
            Some(_) | None => self,
        }
    }
}

/// What differs among servers that speak the Chat format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChatDialect {
    /// OpenAI itself: role `developer`, `max_completion_tokens`.
    #[default]
    OpenAi,
    /// vLLM, Ollama, llama.cpp and the like: role `system`, `max_tokens`.
    Compatible,
    /// Servers that refuse what they don't know: as `Compatible`, and neither `parallel_tool_calls` nor
    /// `stream_options` is sent.
    Minimal,
}

/// A request, but for its address and login.
#[derive(Clone, Debug)]
pub struct WireRequest {
    /// What is appended to the base URL, beginning with `/`, query included.
    pub path: String,
    /// The JSON body.
    pub body: Bytes,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use callboard_proto::{Digest, Effect, Manifest, ToolName, ToolSpec};

    use super::*;
    use crate::catalogue::Offer;
    use crate::model::Conversation;
    use crate::provider::Format;

    #[test]
    fn the_tool_to_call_first_goes_by_the_name_that_the_model_sees() {
        let offer = Offer {
            digest: Digest::new([1; 32]),
            spec: Arc::new(ToolSpec {
                name: ToolName::new("shop.find").expect("it is a tool's name"),
                description: String::new(),
                input_schema: "{}".to_owned(),
                manifest: Manifest::new(Effect::Read),
            }),
            instances: 1,
        };
        let conversation = Conversation {
            task: "Find it.".into(),
            catalogue: Arc::new(Catalogue::freeze([offer])),
            exchanges: Vec::new(),
        };
        for format in Format::ALL {
            for name in ["shop.find", "shop_find"] {
                let settings = Settings {
                    tool_choice: ToolChoice::Tool(name.to_owned()),
                    ..Settings::new("m")
                };
                let body = format.request(&settings, &conversation).body;
                let text = String::from_utf8_lossy(&body);
                assert!(!text.contains("shop.find"), "{format}: {text}");
                assert_eq!(text.matches("\"shop_find\"").count(), 2, "{format}: {text}");
            }
        }
    }
}
