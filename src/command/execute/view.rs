//! What is printed: what a conversation goes on with, or the report around it.

use callboard_coordinator::core::Report;
use callboard_coordinator::model::ModelAnswer;
use callboard_coordinator::provider::Format;
use callboard_coordinator::run::CallSummary;
use serde::Serialize;
use serde_json::value::RawValue;

/// The line for standard output: the one message, or the list of them in a format whose results may be several.
pub(super) fn line(format: Format, messages: &[Box<RawValue>]) -> String {
    match messages {
        [message] if format.is_one_message() => message.get().to_owned(),
        all => {
            let all: Vec<&str> = all.iter().map(|message| message.get()).collect();
            format!("[{}]", all.join(","))
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct View<'a> {
    stopped: &'static str,
    elapsed_ms: f64,
    calls: Vec<CallSummary>,
    /// There in the formats whose results are always one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a RawValue>,
    messages: &'a [Box<RawValue>],
    /// What the model said, as a conversation has to repeat it in front of the messages.
    echo: &'a [Box<RawValue>],
}

impl<'a> View<'a> {
    pub(super) fn new(
        format: Format,
        answer: &'a ModelAnswer,
        report: &Report,
        messages: &'a [Box<RawValue>],
    ) -> Self {
        let first = messages.first().map(AsRef::as_ref);
        Self {
            stopped: report.stopped.as_str(),
            elapsed_ms: report.elapsed.as_secs_f64() * 1000.0,
            calls: std::iter::zip(&report.calls, &answer.calls)
                .map(|(call, asked)| CallSummary::new(call, &asked.name))
                .collect(),
            message: first.filter(|_| format.is_one_message()),
            messages,
            echo: &answer.echo,
        }
    }
}
