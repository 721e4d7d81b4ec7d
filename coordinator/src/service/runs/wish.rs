//! What a client asks a run to be.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use callboard_coordinator_core::run::Budgets;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::model::Opening;
use crate::provider::Parallel;
use crate::service::refusal::Refusal;

/// A run to be started: a prompt or messages, and what differs from the service's configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// What the model is asked to do. Either this or `messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// A conversation to go on with, in the format of the model: Anthropic's and Chat's `messages`,
    /// the Responses API's `input` items, Gemini's `contents`. Repeated byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub messages: Option<Vec<Box<RawValue>>>,
    /// The model, as `anthropic/…`, `openai/…`, `openai-chat/…`, `gemini/…` or `script/…`; the
    /// configured one where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Instructions for the whole conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The tools that the model may use, by name; all that the token may use where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// `auto`, `any`, `none`, or the name of the tool to use first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<String>,
    /// Tokens of each response, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub max_tokens: Option<NonZeroU32>,
    /// Calls of a turn that run together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<ParallelWish>,
    /// Calls that start while their response still streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eager: Option<EagerWish>,
    /// What the run may spend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<BudgetsWish>,
}

/// Calls of a turn that run together: `auto`, `off`, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "write \"auto\", \"off\", or a number of calls from 1"
)]
pub enum ParallelWish {
    /// As the model likes, or one at a time.
    Word(ParallelWord),
    /// So many.
    #[schema(value_type = u32)]
    Calls(NonZeroU32),
}

/// A word for how many calls run together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParallelWord {
    /// As many as the model asks for.
    Auto,
    /// One at a time.
    Off,
}

/// Calls that start while their response still streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EagerWish {
    /// None.
    Off,
    /// The first calls of tools that only read.
    Read,
}

/// What a run may spend; the configuration's where a field is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetsWish {
    /// Model responses, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub turns: Option<NonZeroU32>,
    /// Calls, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// Tokens in and out of all responses together, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1)]
    pub tokens: Option<NonZeroU64>,
    /// Time for the whole run, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1)]
    pub time_ms: Option<NonZeroU64>,
    /// Time for the calls of each turn, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1)]
    pub turn_time_ms: Option<NonZeroU64>,
    /// Time for each call, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 1)]
    pub call_time_ms: Option<NonZeroU64>,
}

/// Characters of a task that a list shows.
const TASK_SHOWN: usize = 200;

impl NewRun {
    /// Checks what its form alone doesn't say.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, run_time_max: Duration) -> Result<(), Refusal> {
        let wrong = |why: String| Err(Refusal::Body { why });
        match (&self.prompt, &self.messages) {
            (Some(_), Some(_)) => {
                return wrong("prompt and messages both begin the run; give one".into());
            }
            (None, None) => return wrong("give a prompt, or messages".into()),
            (Some(prompt), None) if prompt.trim().is_empty() => {
                return wrong("prompt is empty".into());
            }
            (None, Some(messages)) if messages.is_empty() => {
                return wrong("messages is empty".into());
            }
            (None, Some(messages)) => {
                if let Some(at) = messages.iter().position(|raw| !raw.get().starts_with('{')) {
                    return wrong(format!("messages[{at}] is no object"));
                }
            }
            (Some(_), None) => {}
        }
        let time = self.budgets.unwrap_or_default().time_ms;
        if let Some(time) = time.filter(|time| u128::from(time.get()) > run_time_max.as_millis()) {
            return wrong(format!(
                "budgets.time_ms is {time}, and a run gets at most {}",
                run_time_max.as_millis()
            ));
        }
        Ok(())
    }

    /// What the conversation begins with. To be asked after [`Self::check`].
    pub(super) fn opening(&self) -> Opening {
        match &self.messages {
            Some(messages) => Opening::Messages(messages.clone()),
            None => Opening::Prompt(self.prompt.clone().unwrap_or_default()),
        }
    }

    /// The begin of the task, for lists.
    pub(super) fn shown(&self) -> String {
        match (&self.prompt, &self.messages) {
            (Some(prompt), _) => prompt.chars().take(TASK_SHOWN).collect(),
            (None, messages) => {
                format!("({} messages)", messages.as_ref().map_or(0, Vec::len))
            }
        }
    }
}

impl BudgetsWish {
    /// These budgets, and the configured ones where it says nothing.
    pub(super) fn over(self, configured: Budgets) -> Budgets {
        let ms = |wish: Option<NonZeroU64>, or: Duration| {
            wish.map_or(or, |ms| Duration::from_millis(ms.get()))
        };
        Budgets {
            turns: self.turns.map_or(configured.turns, NonZeroU32::get),
            calls: self.calls.unwrap_or(configured.calls),
            tokens: self.tokens.map(NonZeroU64::get).or(configured.tokens),
            time: ms(self.time_ms, configured.time),
            turn_time: ms(self.turn_time_ms, configured.turn_time),
        }
    }
}

impl From<ParallelWish> for Parallel {
    fn from(wish: ParallelWish) -> Self {
        match wish {
            ParallelWish::Word(ParallelWord::Auto) => Self::Auto,
            ParallelWish::Word(ParallelWord::Off) => Self::Off,
            ParallelWish::Calls(calls) => Self::Limit(calls),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_checked_and_what_is_unknown_refused() {
        let hour = Duration::from_secs(3600);
        let told: Vec<String> = [
            r#"{}"#,
            r#"{"prompt":"a","messages":[{}]}"#,
            r#"{"prompt":" "}"#,
            r#"{"messages":[]}"#,
            r#"{"messages":[{},7]}"#,
            r#"{"prompt":"a","budgets":{"time_ms":3600001}}"#,
            r#"{"prompt":"a","budgets":{"turns":0}}"#,
            r#"{"prompt":"a","parallel":"many"}"#,
            r#"{"prompt":"a","tool":["x"]}"#,
        ]
        .map(|text| match serde_json::from_str::<NewRun>(text) {
            Ok(wish) => wish.check(hour).unwrap_err().message(),
            Err(error) => error.to_string(),
        })
        .into();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn messages_keep_their_bytes() {
        let text =
            r#"{"messages":[{"role":"user", "content" : 1.0e5}],"parallel":3,"eager":"read"}"#;
        let wish: NewRun = serde_json::from_str(text).unwrap();
        wish.check(Duration::from_secs(1)).unwrap();
        let Opening::Messages(messages) = wish.opening() else {
            panic!("they are messages");
        };
        assert_eq!(messages[0].get(), r#"{"role":"user", "content" : 1.0e5}"#);
        let parallel: Parallel = wish.parallel.unwrap().into();
        assert_eq!(parallel.calls_max(), Some(3));
    }
}
