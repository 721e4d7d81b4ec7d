//! The file that holds a script.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use callboard_coordinator_core::Report;
use callboard_coordinator_core::run::{Stop, Usage};
use callboard_proto::{Outcome, ToolUseId};
use serde::{Deserialize, Deserializer};

use super::reference;

/// Why a file is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptFileError {
    /// The file can't be read.
    #[error("can't read the script {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file's name doesn't say what it holds.
    #[error("{}: a script is a .toml or a .json file; rename it to what it holds", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The TOML can't be read as a script.
    #[error("{origin} is no script")]
    Toml {
        /// The file.
        origin: String,
        /// Place and cause.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The JSON can't be read as a script.
    #[error("{origin} is no script")]
    Json {
        /// The file.
        origin: String,
        /// Place and cause.
        #[source]
        source: serde_json::Error,
    },
    /// The script contradicts itself.
    #[error("{origin}{}: [[turn]] {turn}: {problem}", at_line(*line))]
    Content {
        /// The file.
        origin: String,
        /// The line of the turn or call, where the format tells it.
        line: Option<usize>,
        /// The turn's position in the file, from 1.
        turn: usize,
        /// What is wrong, and the cure.
        problem: String,
    },
    /// There are no turns.
    #[error("{origin} holds no [[turn]], so the model could never answer")]
    Empty {
        /// The file.
        origin: String,
    },
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

/// What the results of the last turn were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Results {
    /// Every call completed, and no tool called its answer an error.
    AllCompleted,
    /// At least one call failed, or its tool called its answer an error.
    SomeFailed,
    /// No call gave a good answer.
    AllFailed,
}

impl Results {
    /// Whether the last results were so; never where there are none.
    pub(super) fn holds(self, last: Option<&Report>) -> bool {
        let Some(report) = last else {
            return false;
        };
        let is_good = |outcome: &Outcome| match outcome {
            Outcome::Completed(completed) => !completed.is_error,
            Outcome::Failed(_) => false,
        };
        let mut good = report.calls.iter().map(|call| is_good(&call.outcome));
        match self {
            Self::AllCompleted => good.all(|good| good),
            Self::SomeFailed => good.any(|good| !good),
            Self::AllFailed => good.all(|good| !good),
        }
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllCompleted => "that all calls completed",
            Self::SomeFailed => "that some calls failed",
            Self::AllFailed => "that all calls failed",
        })
    }
}

/// Why a scripted response stops, where it isn't plain from its calls.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StopWord {
    EndTurn,
    ToolUse,
    MaxTokens,
    Refusal,
}

impl StopWord {
    pub(super) fn stop(self) -> Stop {
        match self {
            Self::EndTurn => Stop::Done,
            Self::ToolUse => Stop::Calls,
            Self::MaxTokens => Stop::Truncated,
            Self::Refusal => Stop::Declined,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageSpec {
    input_tokens: u64,
    output_tokens: u64,
}

impl UsageSpec {
    pub(super) fn usage(self) -> Usage {
        Usage {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    pub(super) name: Option<String>,
    #[serde(default, rename = "turn")]
    pub(super) turns: Vec<TurnSpec>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TurnSpec {
    #[serde(default)]
    pub(super) text: String,
    pub(super) when: Option<Results>,
    pub(super) expect: Option<Results>,
    #[serde(default)]
    pub(super) delay_ms: u64,
    pub(super) stop: Option<StopWord>,
    pub(super) usage: Option<UsageSpec>,
    #[serde(default, rename = "call")]
    pub(super) calls: Vec<CallSpec>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallSpec {
    pub(super) tool: String,
    #[serde(default, deserialize_with = "tool_use_id")]
    pub(super) id: Option<ToolUseId>,
    pub(super) arguments: Option<serde_json::Map<String, serde_json::Value>>,
    pub(super) arguments_json: Option<String>,
}

fn tool_use_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ToolUseId>, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.contains(['/', '|', '{', '}']) {
        return Err(serde::de::Error::custom(
            "an id that references can name holds none of '/', '|', '{', '}'",
        ));
    }
    ToolUseId::new(id)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

impl Script {
    pub(super) fn from_file(path: &Path) -> Result<Self, ScriptFileError> {
        let parse = match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Self::from_toml,
            Some("json") => Self::from_json,
            Some(_) | None => {
                return Err(ScriptFileError::Extension {
                    path: path.to_owned(),
                });
            }
        };
        let text = std::fs::read_to_string(path).map_err(|source| ScriptFileError::Read {
            path: path.to_owned(),
            source,
        })?;
        parse(&path.display().to_string(), &text)
    }

    pub(super) fn from_toml(origin: &str, text: &str) -> Result<Self, ScriptFileError> {
        let script: Self = toml::from_str(text).map_err(|source| ScriptFileError::Toml {
            origin: origin.to_owned(),
            source: Box::new(source),
        })?;
        script.checked(origin, |turn, call| line(text, turn, call))
    }

    pub(super) fn from_json(origin: &str, text: &str) -> Result<Self, ScriptFileError> {
        let script: Self = serde_json::from_str(text).map_err(|source| ScriptFileError::Json {
            origin: origin.to_owned(),
            source,
        })?;
        script.checked(origin, |_, _| None)
    }

    fn checked(
        self,
        origin: &str,
        line: impl Fn(usize, Option<usize>) -> Option<usize>,
    ) -> Result<Self, ScriptFileError> {
        if self.turns.is_empty() {
            return Err(ScriptFileError::Empty {
                origin: origin.to_owned(),
            });
        }
        let mut earlier = BTreeSet::new();
        for (index, turn) in self.turns.iter().enumerate() {
            turn.check(&mut earlier)
                .map_err(|(call, problem)| ScriptFileError::Content {
                    origin: origin.to_owned(),
                    line: line(index, call),
                    turn: index + 1,
                    problem,
                })?;
        }
        Ok(self)
    }
}

impl TurnSpec {
    /// Checks what the types can't say; adds the turn's ids to those that later turns may refer to.
    fn check(&self, earlier: &mut BTreeSet<ToolUseId>) -> Result<(), (Option<usize>, String)> {
        reference::check_text(&self.text, earlier).map_err(|problem| (None, problem))?;
        let mut ids = BTreeSet::new();
        for (position, call) in self.calls.iter().enumerate() {
            let at = |problem: String| (Some(position), problem);
            let id = call
                .id
                .clone()
                .unwrap_or_else(|| ToolUseId::minted(position));
            if call.arguments.is_some() && call.arguments_json.is_some() {
                return Err(at(format!(
                    "the call {id} has both `arguments` and `arguments_json`; keep one"
                )));
            }
            if let Some(arguments) = &call.arguments {
                for value in arguments.values() {
                    reference::check(value, earlier).map_err(at)?;
                }
            }
            if !ids.insert(id.clone()) {
                return Err(at(format!(
                    "two calls have the id {id}; give each its own (calls without one are c0, c1, … by position)"
                )));
            }
        }
        if self
            .stop
            .is_some_and(|stop| matches!(stop, StopWord::ToolUse))
            && self.calls.is_empty()
        {
            return Err((
                None,
                "stop = \"tool_use\" needs at least one [[turn.call]]".to_owned(),
            ));
        }
        earlier.append(&mut ids);
        Ok(())
    }
}

/// The line of a turn, or of one of its calls, in TOML that was already read once.
fn line(text: &str, turn: usize, call: Option<usize>) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let turn = document.get_ref().get("turn")?.get_ref().get(turn)?;
    let span = match call {
        Some(call) => turn.get_ref().get("call")?.get_ref().get(call)?.span(),
        None => turn.span(),
    };
    Some(text.get(..span.start)?.matches('\n').count() + 1)
}
