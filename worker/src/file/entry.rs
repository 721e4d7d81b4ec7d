//! One `[[tool]]`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use callboard_proto::{Affinity, Effect, Label, Manifest, Retry, ToolName};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::error::EntryError;
use crate::http::{HttpClients, HttpSpec, HttpTool};
use crate::process::{Host, ProcessSpec, ProcessTool};
use crate::tool::{Tool, ToolSpec, Tools, schema_cause, with_slots};

/// A tool as a file declares it. Every key is enforced; one that isn't known is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolEntry {
    /// Its name.
    pub name: String,
    /// What it is for, as the model reads it.
    pub description: String,
    /// What executing it does to the world.
    #[serde(default)]
    effect: EffectWord,
    /// Longest time for a call with all its attempts.
    #[serde(default, deserialize_with = "duration")]
    deadline: Option<Duration>,
    /// Longest time for one attempt.
    #[serde(default, deserialize_with = "duration")]
    attempt_timeout: Option<Duration>,
    /// Attempts in all, from 1.
    #[serde(default)]
    attempts: Option<u32>,
    /// Whether a run's calls must stay on one instance.
    #[serde(default)]
    affinity: AffinityWord,
    /// Labels that an instance must carry.
    #[serde(default)]
    require: Vec<String>,
    /// Labels that an instance should carry.
    #[serde(default)]
    prefer: Vec<String>,
    /// Largest result, in bytes, before it is cut to head and tail.
    #[serde(default)]
    output_bytes_max: Option<u64>,
    /// Calls of it that this worker executes at once.
    #[serde(default)]
    slots: Option<NonZeroU32>,
    /// The JSON Schema of its arguments, as a table or as JSON in a text.
    input_schema: Schema,
    /// It is a program.
    #[serde(default)]
    process: Option<ProcessSpec>,
    /// It is a request.
    #[serde(default)]
    http: Option<HttpSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a table, or JSON in a text")]
enum Schema {
    Text(String),
    Table(Map<String, Value>),
}

/// The closed set of words that a person may write; a wire's unknown word reads as `write` instead.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EffectWord {
    Read,
    Idempotent,
    #[default]
    Write,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AffinityWord {
    #[default]
    None,
    Run,
}

impl From<EffectWord> for Effect {
    fn from(word: EffectWord) -> Self {
        match word {
            EffectWord::Read => Self::Read,
            EffectWord::Idempotent => Self::Idempotent,
            EffectWord::Write => Self::Write,
        }
    }
}

impl From<AffinityWord> for Affinity {
    fn from(word: AffinityWord) -> Self {
        match word {
            AffinityWord::None => Self::None,
            AffinityWord::Run => Self::Run,
        }
    }
}

impl ToolEntry {
    pub(super) fn into_tool(
        self,
        host: &Host,
        clients: &HttpClients,
    ) -> Result<Arc<dyn Tool>, EntryError> {
        let spec = ToolSpec {
            name: ToolName::new(self.name.as_str()).map_err(EntryError::Name)?,
            description: self.description.clone(),
            input_schema: self.schema()?,
            manifest: self.manifest()?,
        };
        let tool: Arc<dyn Tool> = match (self.process, self.http) {
            (Some(process), None) => Arc::new(ProcessTool::new(spec, process, host.clone())?),
            (None, Some(http)) => Arc::new(HttpTool::new(spec, &http, clients)?),
            (None, None) => return Err(EntryError::Kind { found: 0 }),
            (Some(_), Some(_)) => return Err(EntryError::Kind { found: 2 }),
        };
        // What the whole worker would refuse is refused here, where the line is known.
        Tools::new([Arc::clone(&tool)])?;
        Ok(match self.slots {
            Some(slots) => with_slots(tool, slots),
            None => tool,
        })
    }

    fn schema(&self) -> Result<String, EntryError> {
        let value = match &self.input_schema {
            Schema::Table(table) => Value::Object(table.clone()),
            Schema::Text(text) => {
                serde_json::from_str(text).map_err(|error| EntryError::Schema {
                    path: String::new(),
                    cause: error.to_string(),
                })?
            }
        };
        jsonschema::meta::validate(&value).map_err(|error| EntryError::Schema {
            path: error.instance_path().to_string(),
            cause: schema_cause(&error),
        })?;
        Ok(value.to_string())
    }

    fn manifest(&self) -> Result<Manifest, EntryError> {
        let mut manifest = Manifest::new(self.effect.into());
        manifest.deadline_ms = self.deadline.map(in_ms);
        manifest.attempt_timeout_ms = self.attempt_timeout.map(in_ms);
        if let Some(attempts) = self.attempts {
            manifest.retry = Retry { attempts };
        }
        manifest.affinity = self.affinity.into();
        manifest.require = labels(&self.require)?;
        manifest.prefer = labels(&self.prefer)?;
        manifest.output_bytes_max = self.output_bytes_max;
        Ok(manifest)
    }
}

pub(super) fn labels(written: &[String]) -> Result<Vec<Label>, EntryError> {
    written
        .iter()
        .map(|label| {
            let is_pair = label
                .split_once('=')
                .is_some_and(|(key, _)| !key.is_empty());
            Label::new(label.as_str())
                .ok()
                .filter(|_| is_pair)
                .ok_or_else(|| EntryError::Label {
                    label: label.clone(),
                })
        })
        .collect()
}

pub(super) fn in_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map(Some).map_err(|error| {
        serde::de::Error::custom(format!("{text:?}: {error}; write it like \"30s\""))
    })
}
