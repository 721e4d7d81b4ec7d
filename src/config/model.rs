//! `[model]`: which model drives a run, and how it is asked.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use callboard_coordinator::core::run::Eager;
use callboard_coordinator::provider::{Format, Parallel, Settings, ToolChoice};
use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::exit::BadInput;

/// What `parallel_hint = true` appends to the instructions.
const PARALLEL_HINT: &str = "When several tool calls don't need each other's results, ask for all of them in one turn: \
    they run at the same time, and a turn takes as long as its slowest call. Ask in a later turn only for calls that need a \
    result you don't have yet.";

/// `[model]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Model {
    /// Format and model: `anthropic/…`, `openai/…`, `openai-chat/…` or `gemini/…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Tokens that a response may have, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<NonZeroU32>,
    /// Instructions for the whole conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system: Option<String>,
    /// A file with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system_file: Option<PathBuf>,
    /// `auto`, `any`, `none`, or the name of the tool to use.
    pub(crate) tool_choice: String,
    /// Whether the model may ask for several calls at once, and how many run together.
    pub(crate) parallel: ParallelWord,
    /// Whether it is told to do so, and in which words.
    pub(crate) parallel_hint: Hint,
    /// Which calls start while the response still streams.
    pub(crate) eager: EagerWord,
    /// Whether responses come as streams.
    pub(crate) stream: bool,
    /// Fields to add to each request, as they are.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub(crate) extra: serde_json::Map<String, serde_json::Value>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            name: None,
            max_tokens: None,
            system: None,
            system_file: None,
            tool_choice: "auto".to_owned(),
            parallel: ParallelWord::default(),
            parallel_hint: Hint::Flag(false),
            eager: EagerWord::Off,
            stream: true,
            extra: serde_json::Map::new(),
        }
    }
}

/// `auto`, `off`, or how many calls run together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ParallelWord(pub(crate) Parallel);

impl FromStr for ParallelWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self(Parallel::Auto)),
            "off" => Ok(Self(Parallel::Off)),
            _ => text
                .parse()
                .map(|calls| Self(Parallel::Limit(calls)))
                .map_err(|_| "write auto, off, or a number of calls from 1".to_owned()),
        }
    }
}

impl fmt::Display for ParallelWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Parallel::Auto => f.write_str("auto"),
            Parallel::Off => f.write_str("off"),
            Parallel::Limit(calls) => write!(f, "{calls}"),
        }
    }
}

impl Serialize for ParallelWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Parallel::Auto | Parallel::Off => serializer.collect_str(self),
            Parallel::Limit(calls) => calls.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ParallelWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "write \"auto\", \"off\", or a number of calls from 1"
        )]
        enum Wire {
            Calls(NonZeroU32),
            Word(String),
        }
        match Wire::deserialize(deserializer)? {
            Wire::Calls(calls) => Ok(Self(Parallel::Limit(calls))),
            Wire::Word(word) => word.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// `false`, `true` for the words that Callboard has for it, or words of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "write true, false, or the text of the hint")]
pub(crate) enum Hint {
    /// Callboard's words, or none.
    Flag(bool),
    /// These words.
    Text(String),
}

impl Hint {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Flag(false) => None,
            Self::Flag(true) => Some(PARALLEL_HINT),
            Self::Text(text) => Some(text),
        }
    }
}

/// Which calls start while the response still streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EagerWord {
    /// None.
    Off,
    /// Those of tools that only read.
    Read,
}

impl EagerWord {
    /// What a run makes of it.
    pub(crate) const fn eager(self) -> Eager {
        match self {
            Self::Off => Eager::Off,
            Self::Read => Eager::Read,
        }
    }
}

impl Model {
    /// The format and the model's name in it.
    pub(crate) fn target(&self) -> anyhow::Result<Option<(Format, &str)>> {
        let Some(name) = &self.name else {
            return Ok(None);
        };
        let target = name.split_once('/').and_then(|(word, model)| {
            let format = Format::ALL
                .into_iter()
                .find(|format| format.as_str() == word)?;
            (!model.trim().is_empty()).then_some((format, model))
        });
        match target {
            Some(target) => Ok(Some(target)),
            None => Err(BadInput(format!(
                "model.name = {name:?}: write the provider's format and the model, such as anthropic/claude-sonnet-5-5, \
                 openai/…, openai-chat/… or gemini/…"
            ))
            .into()),
        }
    }

    /// How the model is asked.
    pub(crate) fn settings(&self, model: &str) -> anyhow::Result<Settings> {
        let mut settings = Settings::new(model);
        if let Some(tokens) = self.max_tokens {
            settings.max_tokens = Some(tokens.get());
        }
        let system = self.system()?;
        let texts: Vec<&str> = system
            .iter()
            .map(String::as_str)
            .chain(self.parallel_hint.text())
            .filter(|text| !text.trim().is_empty())
            .collect();
        settings.system = (!texts.is_empty()).then(|| texts.join("\n\n"));
        settings.tool_choice = match self.tool_choice.as_str() {
            "auto" => ToolChoice::Auto,
            "any" => ToolChoice::Any,
            "none" => ToolChoice::None,
            tool => ToolChoice::Tool(tool.to_owned()),
        };
        settings.parallel = self.parallel.0;
        settings.is_streamed = self.stream;
        settings.extra = self.extra.clone();
        Ok(settings)
    }

    fn system(&self) -> anyhow::Result<Option<String>> {
        match (&self.system, &self.system_file) {
            (Some(_), Some(_)) => Err(BadInput(
                "model.system and model.system_file both hold the instructions; give one"
                    .to_owned(),
            )
            .into()),
            (Some(text), None) => Ok(Some(text.clone())),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Some(text.trim_end().to_owned())),
                Err(error) => Err(BadInput(format!(
                    "model.system_file: {} can't be read: {error}",
                    path.display()
                ))
                .into()),
            },
            (None, None) => Ok(None),
        }
    }

    /// Checks whatever only its use would check.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let target = self.target()?;
        self.settings(target.map_or("", |(_, model)| model))?;
        if self.tool_choice.trim().is_empty() {
            return Err(BadInput(
                "model.tool_choice is empty; write auto, any, none, or the name of a tool"
                    .to_owned(),
            )
            .into());
        }
        if self.eager == EagerWord::Read && !self.stream {
            return Err(BadInput(
                "model.eager = \"read\" starts calls while the response streams, and model.stream is false; \
                 change one of them"
                    .to_owned(),
            )
            .into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn model(text: &str) -> Model {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_name_is_format_and_model() {
        let target = |name: &str| {
            let model = model(&format!("name = {name:?}"));
            model
                .target()
                .map(|target| target.map(|(format, model)| (format, model.to_owned())))
        };
        for (name, format, rest) in [
            ("anthropic/claude-x", Format::Anthropic, "claude-x"),
            ("openai/gpt-x", Format::Responses, "gpt-x"),
            ("openai-chat/org/m:7b", Format::Chat, "org/m:7b"),
            ("gemini/models/g", Format::Gemini, "models/g"),
        ] {
            assert_eq!(target(name).unwrap(), Some((format, rest.to_owned())));
        }
        for name in ["", "claude-x", "anthropic/", "claude/x", "/x"] {
            assert!(target(name).is_err(), "{name}");
        }
        assert_eq!(Model::default().target().unwrap(), None);
    }

    #[test]
    fn what_is_set_becomes_settings() {
        let model = model(
            "max_tokens = 7\nsystem = \"Be brief.\"\nparallel_hint = \"All at once.\"\nparallel = 3\ntool_choice = \"any\"\n\
             stream = false\nextra = { thinking = { type = \"adaptive\" } }\n",
        );
        let settings = model.settings("m").unwrap();
        assert_eq!(settings.max_tokens, Some(7));
        assert_eq!(
            settings.system.as_deref(),
            Some("Be brief.\n\nAll at once.")
        );
        assert_eq!(settings.parallel.calls_max(), Some(3));
        assert_eq!(settings.tool_choice, ToolChoice::Any);
        assert!(!settings.is_streamed);
        assert_eq!(settings.extra["thinking"]["type"], "adaptive");
        let hinted = Model {
            parallel_hint: Hint::Flag(true),
            ..Model::default()
        };
        assert_eq!(
            hinted.settings("m").unwrap().system.as_deref(),
            Some(PARALLEL_HINT)
        );
        assert_eq!(Model::default().settings("m").unwrap().system, None);
    }

    #[test]
    fn what_can_not_be_is_refused_in_words() {
        for (text, expected) in [
            ("parallel = 0", "write \"auto\", \"off\""),
            ("parallel = \"many\"", "write auto, off"),
            ("parallel_hint = 7", "write true, false"),
            ("eager = \"all\"", "`off` or `read`"),
            ("max_tokens = 0", "nonzero"),
        ] {
            let error = toml::from_str::<Model>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        for text in [
            "system = \"a\"\nsystem_file = \"b\"",
            "system_file = \"/nowhere/b\"",
            "tool_choice = \" \"",
            "eager = \"read\"\nstream = false",
        ] {
            assert!(model(text).check().is_err(), "{text}");
        }
    }
}
