//! What `execute --json` prints.

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::message::{Message, Results};

/// The report of one executed message.
#[derive(Debug, Deserialize)]
pub struct Report {
    /// Why gathering stopped, such as `settled`.
    pub stopped: String,
    /// Time from opening the turn to its report, in milliseconds.
    pub elapsed_ms: f64,
    /// The calls, in order.
    pub calls: Vec<Call>,
    message: Box<RawValue>,
}

/// One call of a report.
#[derive(Debug, Deserialize)]
pub struct Call {
    /// Its `tool_use_id`.
    pub id: String,
    /// `completed`, `tool_error`, or the kind of failure.
    pub outcome: String,
    /// Whether the tool may have run.
    pub executed: String,
    /// Attempts made.
    pub attempts: u32,
    /// The worker whose answer settled it.
    pub worker: Option<String>,
}

impl Report {
    /// Reads the report of `message` and checks the results in it.
    ///
    /// # Errors
    /// It is no report, or a call is missing, doubled or out of order.
    pub fn of(message: &Message, text: &str) -> anyhow::Result<(Self, Results)> {
        let report: Self =
            serde_json::from_str(text).with_context(|| format!("no report: {text:?}"))?;
        let ids: Vec<&str> = report.calls.iter().map(|call| call.id.as_str()).collect();
        anyhow::ensure!(
            ids == message.ids(),
            "{ids:?} reported for {:?}",
            message.ids()
        );
        let results = Results::of(message, report.message.get())?;
        Ok((report, results))
    }

    /// One call.
    ///
    /// # Errors
    /// There is none of that id.
    pub fn call(&self, id: &str) -> anyhow::Result<&Call> {
        let found = self.calls.iter().find(|call| call.id == id);
        found.with_context(|| format!("no call {id}"))
    }
}
