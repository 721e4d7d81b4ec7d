//! One thing that was looked at.

use serde::Serialize;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// It works, or isn't needed.
    Ok,
    /// Something is missing that some will want.
    Warning,
    /// What is configured can't work.
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What.
    pub(super) what: &'static str,
    pub(super) status: Status,
    /// What was found.
    pub(super) finding: String,
    /// What helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cure: Option<String>,
    /// Whether it is the server's side that must change.
    #[serde(skip)]
    pub(super) is_remote: bool,
}

impl Check {
    fn new(what: &'static str, status: Status, finding: String, cure: Option<String>) -> Self {
        Self {
            what,
            status,
            finding,
            cure,
            is_remote: false,
        }
    }

    pub(super) fn ok(what: &'static str, finding: impl Into<String>) -> Self {
        Self::new(what, Status::Ok, finding.into(), None)
    }

    pub(super) fn warning(
        what: &'static str,
        finding: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self::new(what, Status::Warning, finding.into(), Some(cure.into()))
    }

    pub(super) fn failed(
        what: &'static str,
        finding: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self::new(what, Status::Failed, finding.into(), Some(cure.into()))
    }

    /// The server's side must change.
    pub(super) fn remote(self) -> Self {
        Self {
            is_remote: true,
            ..self
        }
    }

    /// The check as lines for people.
    pub(super) fn text(&self) -> String {
        let status = match self.status {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Failed => "FAILED",
        };
        let mut text = format!("{status:<9}{:<14}{}", self.what, self.finding);
        if let Some(cure) = &self.cure {
            text.push_str(&format!("\n{:23}{cure}", ""));
        }
        text
    }
}
