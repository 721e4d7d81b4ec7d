//! A model that answers from a file: for tests, demos, and where no provider is configured.
//!
//! ```toml
//! name = "demo"                      # optional
//!
//! [[turn]]
//! text = "I look the customer up."   # optional
//! delay_ms = 300                     # optional: how long the model "thinks"
//! [[turn.call]]
//! id = "customer"                    # optional; minted as c0, c1, … in each turn
//! tool = "get_customer"
//! arguments = { email = "ada@example.com" }
//!
//! [[turn]]
//! when = "all_completed"             # optional: skip this turn unless the last results were so
//! [[turn.call]]
//! tool = "get_order"
//! arguments = { order_id = "{{customer/orders/0}}" }
//!
//! [[turn]]
//! expect = "all_completed"           # optional: fail the run unless the last results were so
//! text = "The order costs {{c0/total|an unknown amount}}."
//! ```
//!
//! `{{id/pointer}}` stands for a value in the result of the latest earlier call with that id: a JSON
//! pointer into it, or all of it. Where it is a whole string, the value keeps its type; inside of a
//! text it is written into it. `|` gives a default for a call that failed or holds no such value.
//! `arguments_json` takes the place of `arguments` for bytes that are posted as they stand. Other
//! keys: `stop` (`max_tokens`, `refusal`) and `usage = { input_tokens = 1, output_tokens = 1 }`. The
//! same in JSON has the same names.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use callboard_coordinator_core::Report;
use callboard_coordinator_core::run::Stop;
use callboard_proto::{Outcome, ToolUseId};

use super::{Conversation, Model, ModelAnswer, ModelError, Question, Reply, ToolUse};
use file::{CallSpec, Script, TurnSpec};

mod file;
mod reference;
#[cfg(test)]
mod tests;

pub use file::{Results, ScriptFileError};
pub use reference::ReferenceError;

/// Why a script can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The script is at its end, and was asked again.
    #[error(
        "the script has no turn left for these results; end it with a [[turn]] that has a text and no calls, \
         or give a turn another `when`"
    )]
    Exhausted,
    /// The results aren't what the script expects.
    #[error("[[turn]] {turn} of the script expects {expected}, and {found}")]
    Unexpected {
        /// The turn's position in the file, from 1.
        turn: usize,
        /// What it expects.
        expected: Results,
        /// What was there.
        found: String,
    },
    /// A reference leads nowhere.
    #[error("[[turn]] {turn} of the script refers to what isn't there")]
    Reference {
        /// The turn's position in the file, from 1.
        turn: usize,
        /// Why.
        #[source]
        source: ReferenceError,
    },
}

/// A model that answers from a script. A clone goes on where the original stands.
#[derive(Clone, Debug)]
pub struct ScriptedModel {
    name: String,
    turns: Vec<TurnSpec>,
    /// Position of the next turn that may be taken.
    next: usize,
}

impl ScriptedModel {
    /// Reads a script from a `.toml` or `.json` file.
    ///
    /// # Errors
    /// When the file can't be read, or isn't a script; the error names the place and the cure.
    pub fn from_file(path: &Path) -> Result<Self, ScriptFileError> {
        Script::from_file(path).map(Self::new)
    }

    /// Reads a script from TOML; `origin` names it in errors.
    ///
    /// # Errors
    /// When it isn't a script; the error names the place and the cure.
    pub fn from_toml(origin: &str, text: &str) -> Result<Self, ScriptFileError> {
        Script::from_toml(origin, text).map(Self::new)
    }

    /// Reads a script from JSON; `origin` names it in errors.
    ///
    /// # Errors
    /// When it isn't a script; the error names the place and the cure.
    pub fn from_json(origin: &str, text: &str) -> Result<Self, ScriptFileError> {
        Script::from_json(origin, text).map(Self::new)
    }

    /// The same under another name.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The tools that the script calls, each time that it does.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.turns
            .iter()
            .flat_map(|turn| &turn.calls)
            .map(|call| call.tool.as_str())
    }

    fn new(script: Script) -> Self {
        Self {
            name: script.name.unwrap_or_else(|| "script".to_owned()),
            turns: script.turns,
            next: 0,
        }
    }

    /// Takes the next turn that fits the last results.
    fn take(&mut self, last: Option<&Report>) -> Result<(usize, TurnSpec), ScriptError> {
        let found = self
            .turns
            .iter()
            .enumerate()
            .skip(self.next)
            .find(|(_, turn)| turn.when.is_none_or(|when| when.holds(last)))
            .map(|(index, turn)| (index, turn.clone()));
        let Some((index, turn)) = found else {
            return Err(ScriptError::Exhausted);
        };
        self.next = index + 1;
        if let Some(expected) = turn.expect
            && !expected.holds(last)
        {
            return Err(ScriptError::Unexpected {
                turn: index + 1,
                expected,
                found: describe(last),
            });
        }
        Ok((index, turn))
    }

    fn say(
        index: usize,
        turn: TurnSpec,
        conversation: &Conversation,
    ) -> Result<ModelAnswer, ScriptError> {
        let at = |source| ScriptError::Reference {
            turn: index + 1,
            source,
        };
        let text = reference::fill_text(&turn.text, conversation).map_err(at)?;
        let stop = turn.stop.map_or_else(
            || {
                if turn.calls.is_empty() {
                    Stop::Done
                } else {
                    Stop::Calls
                }
            },
            file::StopWord::stop,
        );
        let calls = turn
            .calls
            .into_iter()
            .enumerate()
            .map(|(position, call)| say_call(position, call, conversation))
            .collect::<Result<_, _>>()
            .map_err(at)?;
        Ok(ModelAnswer {
            echo: Vec::new(),
            text,
            calls,
            stop,
            stop_reason: String::new(),
            usage: turn.usage.map(file::UsageSpec::usage),
            resume: None,
            account: None,
        })
    }
}

fn say_call(
    position: usize,
    call: CallSpec,
    conversation: &Conversation,
) -> Result<ToolUse, ReferenceError> {
    let arguments = match (call.arguments_json, call.arguments) {
        (Some(raw), _) => Bytes::from(raw),
        (None, Some(arguments)) => {
            let filled = reference::fill(serde_json::Value::Object(arguments), conversation)?;
            Bytes::from(filled.to_string())
        }
        (None, None) => Bytes::from_static(b"{}"),
    };
    Ok(ToolUse {
        id: call.id.unwrap_or_else(|| ToolUseId::minted(position)),
        name: call.tool,
        arguments,
        reply: Reply::default(),
    })
}

/// The last results in words.
fn describe(last: Option<&Report>) -> String {
    let Some(report) = last else {
        return "no calls were made before".to_owned();
    };
    let calls: Vec<String> = report
        .calls
        .iter()
        .map(|call| {
            let word = match &call.outcome {
                Outcome::Completed(completed) if completed.is_error => "completed with an error",
                Outcome::Completed(_) => "completed",
                Outcome::Failed(failure) => failure.kind.as_str(),
            };
            format!("{} {word}", call.id)
        })
        .collect();
    format!("the results were: {}", calls.join(", "))
}

impl Model for ScriptedModel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn answer(
        &mut self,
        conversation: &Conversation,
        _question: &mut Question,
    ) -> Result<ModelAnswer, ModelError> {
        let last = conversation
            .exchanges
            .last()
            .and_then(|exchange| exchange.report.as_ref());
        let (index, turn) = self.take(last)?;
        if turn.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(turn.delay_ms)).await;
        }
        Ok(Self::say(index, turn, conversation)?)
    }
}
