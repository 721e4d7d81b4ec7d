//! One answer, before a format renders it.

use std::time::Duration;

use crate::conversation::echo::Freedom;
use crate::delivery::{Delivery, Quirk};
use crate::digest::Digest;
use crate::format::Format;
use crate::improvise;
use crate::json::{Json, Node};
use crate::script::{Stop, Turn, Usage};

/// When all answers are given: 2026-11-22, so that the same request gets the same bytes.
pub(crate) const CREATED: u64 = 1_795_305_600;

/// What a format is told besides the script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Whether several calls may come at once.
    pub(crate) parallel: bool,
    /// Chat: whether the stream ends with a chunk of usage.
    pub(crate) include_usage: bool,
    /// Responses: whether reasoning is handed out encrypted. Gemini: whether thoughts are shown.
    pub(crate) show_thinking: bool,
    /// Gemini: the token with which a paused answer is to go on.
    pub(crate) continuation: Option<String>,
    /// How many paused answers this one goes on from, without a message between.
    pub(crate) hop: usize,
    /// Gemini: whether a stream is one JSON list, not events.
    pub(crate) as_list: bool,
    /// Responses: fields that an answer repeats.
    pub(crate) repeated: Vec<(&'static str, Json)>,
    /// The tools on offer, in order.
    pub(crate) offered: Vec<Offered>,
    /// Bytes of the request.
    pub(crate) bytes: usize,
}

/// A tool on offer.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) name: String,
    /// The schema of its arguments; none where the provider runs it, or where they are free text.
    pub(crate) schema: Option<Node>,
}

impl Offered {
    /// A function that the client runs; without a schema it takes nothing.
    pub(crate) fn function(name: &str, schema: Option<&Node>) -> Self {
        let nothing = || Node::Object(Vec::new());
        Self {
            name: name.to_owned(),
            schema: Some(schema.cloned().unwrap_or_else(nothing)),
        }
    }

    /// Any other tool.
    pub(crate) fn other(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            schema: None,
        }
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) delivery: &'a Delivery,
    /// Everything before it.
    pub(crate) seed: Digest,
    pub(crate) stop: Stop,
    pub(crate) usage: Usage,
    pub(crate) parts: Vec<Part<'a>>,
}

/// A part of an answer, in order.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    Thinking(&'a str),
    Text(&'a str),
    /// A tool that the provider itself ran, and its result.
    ServerTool,
    Call(Call<'a>),
    /// Another model takes over.
    Fallback,
}

/// A call before the answer that it is part of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Planned<'a> {
    pub(crate) id: Option<String>,
    pub(crate) tool: &'a str,
    pub(crate) arguments: String,
    pub(crate) delay: Duration,
}

#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Its position among the calls.
    pub(crate) index: usize,
    pub(crate) id: Option<String>,
    pub(crate) tool: &'a str,
    /// All of it, or what the limit left.
    pub(crate) arguments: String,
    pub(crate) is_whole: bool,
    pub(crate) delay: Duration,
}

impl<'a> Answer<'a> {
    /// Puts an answer together; `calls_max` cuts its calls, `id_prefix` is how the format's ids begin.
    pub(crate) fn new(
        turn: &'a Turn,
        asked: &'a Asked,
        seed: Digest,
        id_prefix: &str,
        calls_max: usize,
        is_truncated: bool,
    ) -> Self {
        let improvised = if turn.improvise {
            improvise::calls(&asked.offered)
        } else {
            Vec::new()
        };
        let scripted = turn.calls.iter().map(|call| Planned {
            id: call.id.clone(),
            tool: &call.tool,
            arguments: call.arguments_text(),
            delay: Duration::from_millis(call.delay_ms),
        });
        let planned: Vec<Planned<'a>> = scripted.chain(improvised).take(calls_max).collect();
        let calls = planned.len();
        let stop = match &turn.stop {
            _ if is_truncated => Stop::MaxTokens,
            Some(stop) => stop.clone(),
            None if calls == 0 => Stop::EndTurn,
            None => Stop::Calls,
        };
        let mut parts = Vec::new();
        parts.extend(turn.thinking.as_deref().map(Part::Thinking));
        if !turn.text.is_empty() {
            parts.push(Part::Text(&turn.text));
        }
        if turn.server_tool {
            parts.push(Part::ServerTool);
        }
        for (index, call) in planned.into_iter().enumerate() {
            if turn.fallback_after == Some(index) {
                parts.push(Part::Fallback);
            }
            let is_whole = stop != Stop::MaxTokens || index + 1 < calls;
            let id = if turn.delivery.has(Quirk::MissingIds) {
                None
            } else if turn.delivery.has(Quirk::DuplicateIds) {
                Some("call_0".to_owned())
            } else {
                let made = || seed.id(id_prefix, &format!("call {index}"));
                Some(call.id.unwrap_or_else(made))
            };
            parts.push(Part::Call(Call {
                index,
                id,
                tool: call.tool,
                arguments: if is_whole {
                    call.arguments
                } else {
                    cut(&call.arguments)
                },
                is_whole,
                delay: call.delay,
            }));
        }
        if turn.fallback_after == Some(calls) {
            parts.push(Part::Fallback);
        }
        let written: usize = parts.iter().map(Part::bytes).sum();
        // A token is about four bytes of English; every answer has at least one.
        let usage = turn.usage.unwrap_or(Usage {
            input_tokens: asked.bytes as u64 / 4 + 1,
            output_tokens: written as u64 / 4 + 1,
        });
        Self {
            asked,
            delivery: &turn.delivery,
            seed,
            stop,
            usage,
            parts,
        }
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.delivery.has(quirk)
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call<'a>> {
        self.parts.iter().filter_map(|part| match part {
            Part::Call(call) => Some(call),
            Part::Thinking(_) | Part::Text(_) | Part::ServerTool | Part::Fallback => None,
        })
    }

    /// What of it a client may bring back otherwise than it was sent.
    pub(crate) fn freedom(&self) -> Freedom {
        Freedom {
            ids: self.has(Quirk::MissingIds) || self.has(Quirk::DuplicateIds),
            arguments: self.has(Quirk::ArgumentsAsObject),
        }
    }

    /// Whether a format can bring every call back: where arguments are objects, broken ones can't.
    pub(crate) fn can_be_compared(&self, format: Format) -> bool {
        match format {
            Format::Chat | Format::Responses => true,
            Format::Anthropic | Format::Gemini => self
                .calls()
                .all(|call| call.is_empty() || call.object().is_some()),
        }
    }

    /// Whether the limit cut a call, so that nobody can say what comes back.
    pub(crate) fn is_cut(&self) -> bool {
        self.calls().any(|call| !call.is_whole)
    }
}

impl Part<'_> {
    fn bytes(&self) -> usize {
        match self {
            Self::Thinking(text) | Self::Text(text) => text.len(),
            Self::Call(call) => call.tool.len() + call.arguments.len(),
            Self::ServerTool | Self::Fallback => 0,
        }
    }
}

impl Call<'_> {
    /// The arguments, if they are an object: those of a cut call and of broken ones are not.
    pub(crate) fn object(&self) -> Option<Json> {
        Json::verbatim(&self.arguments).filter(|_| self.arguments.trim_start().starts_with('{'))
    }

    /// Whether there is nothing in the arguments.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.arguments.trim(), "" | "{}")
    }
}

/// The first half of a text: what a limit leaves of it.
fn cut(text: &str) -> String {
    let chars = text.chars().count() / 2;
    text.chars().take(chars).collect()
}
