//! What the mock says: a script that no provider's format has entered yet.
//!
//! ```toml
//! model = "mock-1"                 # the model that requests must name [default: "mock"]
//! api_key = "secret"               # the key that they must carry [default: any]
//!
//! [[turn]]
//! thinking = "Three things to look up."
//! text = "Let me see."
//! [[turn.call]]
//! tool = "fs_read"
//! arguments = { path = "README.md" }
//! [[turn.call]]
//! id = "b"
//! tool = "wait"
//! arguments_json = '{"ms": 3e2}'
//! [[turn.fault]]                   # the first request for this turn is refused
//! kind = "rate_limit"
//! retry_after_ms = 10
//!
//! [[turn]]
//! expect = ["Callboard"]           # what the results of the turn before must hold
//! text = "It is called Callboard."
//! ```

mod file;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::delivery::Delivery;
use crate::fault::FaultSpec;

pub use file::ScriptError;

/// The sequence that an answer names when it stopped for one.
pub(crate) const STOP_SEQUENCE: &str = "END";

/// A conversation's answers, in order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The model that requests must name.
    #[serde(default = "default_model")]
    pub model: String,
    /// The key that requests must carry; any, where there is none.
    pub api_key: Option<Key>,
    /// Assistant turns at the beginning of each conversation that somebody else wrote.
    #[serde(default)]
    pub foreign_turns: usize,
    /// Which rules are kept beyond the providers' own.
    #[serde(default)]
    pub strict: Strict,
    /// The answers.
    #[serde(default, rename = "turn")]
    pub turns: Vec<Turn>,
}

fn default_model() -> String {
    "mock".to_owned()
}

/// An API key: never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// Takes a key.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(crate) fn is(&self, given: &str) -> bool {
        self.0 == given
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The rules that can be switched off, for clients that a provider would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Strict {
    /// Results come in the order of their calls.
    pub call_order: bool,
    /// Assistant turns come back with every value as it was sent.
    pub echo: bool,
    /// Nothing before an answer changes after it.
    pub append_only: bool,
}

impl Default for Strict {
    fn default() -> Self {
        Self {
            call_order: true,
            echo: true,
            append_only: true,
        }
    }
}

/// One answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// What it says.
    pub text: String,
    /// What it thinks; signed.
    pub thinking: Option<String>,
    /// What it calls.
    #[serde(rename = "call")]
    pub calls: Vec<Call>,
    /// Whether it calls up to three tools whose names sound like reading, with arguments that fit their schemas.
    pub improvise: bool,
    /// Why it stops [default: follows from the calls].
    pub stop: Option<Stop>,
    /// Tokens that it names [default: a quarter of the bytes].
    pub usage: Option<Usage>,
    /// Time before the answer begins.
    pub delay_ms: u64,
    /// Whether the provider runs a tool of its own before the calls.
    pub server_tool: bool,
    /// Texts that the results just before must hold.
    pub expect: Vec<String>,
    /// Anthropic: another model takes over after so many calls.
    pub fallback_after: Option<usize>,
    /// How it is carried.
    pub delivery: Delivery,
    /// What goes wrong first.
    #[serde(rename = "fault")]
    pub faults: Vec<FaultSpec>,
}

/// One call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    /// Its id [default: made from the conversation before it].
    pub id: Option<String>,
    /// The tool's name.
    pub tool: String,
    /// The arguments.
    pub arguments: Option<Map<String, Value>>,
    /// The arguments as text, byte for byte; need not be JSON.
    pub arguments_json: Option<String>,
    /// Time before the call, in a stream.
    pub delay_ms: u64,
}

impl Call {
    /// The arguments as text.
    pub(crate) fn arguments_text(&self) -> String {
        match (&self.arguments_json, &self.arguments) {
            (Some(text), _) => text.clone(),
            (None, Some(arguments)) => {
                serde_json::to_string(arguments).expect("a map of JSON is JSON")
            }
            (None, None) => "{}".to_owned(),
        }
    }
}

/// Why an answer stops.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Stop {
    /// It is done.
    EndTurn,
    /// It wants results.
    Calls,
    /// A limit cut it off, in the middle of its last call if it has any.
    MaxTokens,
    /// It won't.
    Refusal,
    /// The provider wants the conversation back unchanged.
    Pause,
    /// A stop sequence came.
    StopSequence,
    /// Any word, as the provider would write it.
    Raw(String),
}

impl From<String> for Stop {
    fn from(word: String) -> Self {
        match word.as_str() {
            "end_turn" => Self::EndTurn,
            "calls" => Self::Calls,
            "max_tokens" => Self::MaxTokens,
            "refusal" => Self::Refusal,
            "pause" => Self::Pause,
            "stop_sequence" => Self::StopSequence,
            _ => Self::Raw(word),
        }
    }
}

/// Tokens of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Read.
    pub input_tokens: u64,
    /// Written.
    pub output_tokens: u64,
}

impl Default for Script {
    /// What the mock says where nobody has written a script.
    fn default() -> Self {
        Self::from_toml("the default script", include_str!("default.toml"))
            .expect("the default script is tested")
    }
}
