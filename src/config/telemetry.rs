//! `[telemetry]`: what traces say, beside what the `OTEL_*` variables decide.

use serde::{Deserialize, Serialize};

use crate::exit::BadInput;

/// What traces say. Where they go is for the `OTEL_*` variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Telemetry {
    /// The name of the agent that runs are.
    pub(crate) agent: String,
    /// Whether traces hold the arguments and results of calls.
    pub(crate) content: bool,
    /// Where traces are shown, for links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jaeger_url: Option<String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            agent: "callboard".to_owned(),
            content: false,
            jaeger_url: None,
        }
    }
}

impl Telemetry {
    /// Checks whatever only its use would check.
    pub(super) fn check(&self) -> Result<(), BadInput> {
        match &self.jaeger_url {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(BadInput(format!(
                    "telemetry.jaeger_url = {url:?}: write it like \"http://127.0.0.1:16686\""
                )))
            }
            Some(_) | None => Ok(()),
        }
    }
}
