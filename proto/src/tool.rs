//! What a worker declares about a tool. The digest covers all of it (P10).

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, word};
use crate::name::{Label, ToolName};

word!(
    /// Whether a run's calls must stay on one instance (P11). An unknown word reads as [`Affinity::Run`].
    Affinity, safe = Run,
    /// Any instance will do.
    None = "none",
    /// All calls of a run go to the instance that got the first.
    Run = "run",
);

/// How often a failed attempt is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, from 1; only `read` and `idempotent` tools are tried again after they ran.
    pub attempts: u32,
}

impl Default for Retry {
    /// Three attempts (chosen, not measured).
    fn default() -> Self {
        Self { attempts: 3 }
    }
}

/// What a tool declares beyond its schema. Every field is enforced; one that isn't known is refused
/// where a person writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What executing the tool does to the world.
    pub effect: Effect,
    /// Longest time for a call with all its attempts, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Longest time for one attempt, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_timeout_ms: Option<u64>,
    /// How often a failed attempt is tried again.
    #[serde(default)]
    pub retry: Retry,
    /// Whether a run's calls must stay on one instance.
    #[serde(default = "no_affinity")]
    pub affinity: Affinity,
    /// Labels that an instance must carry.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "crate::codec::grown"
    )]
    pub require: Vec<Label>,
    /// Labels that an instance should carry, if one with a free slot does.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "crate::codec::grown"
    )]
    pub prefer: Vec<Label>,
    /// Largest result, in bytes, before it is cut to head and tail; lower than the inline limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes_max: Option<u64>,
}

fn no_affinity() -> Affinity {
    Affinity::None
}

impl Manifest {
    /// A manifest that declares only its effect.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            deadline_ms: None,
            attempt_timeout_ms: None,
            retry: Retry::default(),
            affinity: Affinity::None,
            require: Vec::new(),
            prefer: Vec::new(),
            output_bytes_max: None,
        }
    }
}

/// A named function with a JSON schema and a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// The tool's name.
    pub name: ToolName,
    /// What the tool is for, as the model reads it.
    pub description: String,
    /// JSON Schema of the arguments, as JSON text; an object schema.
    pub input_schema: String,
    /// What the tool declares beyond its schema.
    pub manifest: Manifest,
}
