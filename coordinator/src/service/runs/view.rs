//! What is told of runs.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Status;
use crate::run_log::Told;

/// A run, as it is told.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// Its id, which names the replica that holds it.
    pub id: String,
    /// Whether it still runs.
    pub status: Status,
    /// The model that drives it.
    pub model: String,
    /// The begin of its task.
    pub task: String,
    /// When it began, as RFC 3339 in UTC.
    pub started_at: String,
    /// The name of the token that began it.
    pub started_by: String,
    /// Whether its end was asked for and didn't come yet.
    pub cancelling: bool,
    /// Model responses so far.
    pub turns: u32,
    /// Calls that they asked for so far.
    pub calls: u64,
    /// Time from its start to its end, or until now, in milliseconds.
    pub elapsed_ms: f64,
    /// The trace, as 32 hex digits, where it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Where its trace is shown, where that is configured (`telemetry.jaeger_url`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_url: Option<String>,
    /// Whether its calls' arguments and results are kept (`telemetry.content`).
    #[serde(default)]
    pub keeps_content: bool,
    /// Why it ended, in one word such as `answered`; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What became of it; absent while it runs, and in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::run::RunReport>)]
    pub report: Option<Box<RawValue>>,
}

/// Some of the runs that a token sees, the latest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunView>,
    /// What to give as `before` for those that follow; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many there are in all.
    pub counts: RunCounts,
    /// Replicas that gave no answer: their runs are missing here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent_replicas: Vec<String>,
}

/// How many runs a token sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunCounts {
    /// Those that run.
    pub running: usize,
    /// Those that have ended and are still kept.
    pub ended: usize,
}

/// What a call was given, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallContent {
    /// Its arguments, as the model wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Excerpt>,
    /// Its result, or what the model was told of its failure; absent until its turn is reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Excerpt>,
}

/// A text, or its begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Excerpt {
    /// What is kept of it.
    pub text: String,
    /// Bytes of the whole: more than `text` has where it was cut.
    pub bytes: u64,
}

/// Some of a run's events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// The events, in order.
    pub entries: Vec<Told>,
    /// Where the first events after those that the reader has are kept no longer: the first that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_kept: Option<u64>,
    /// Whether the run is over and nothing follows these.
    pub is_last: bool,
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// The number of the last one that the reader has; 0 for none.
    pub after: u64,
    /// Events, at most.
    pub limit: usize,
    /// How long to wait for one, in milliseconds.
    pub wait_ms: u64,
}
