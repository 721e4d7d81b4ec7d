//! A run as people read it at its end.

use callboard_coordinator::run::RunReport;

use crate::output;
use crate::view::plain;

/// The run as people read it: each turn with its calls, then the answer.
pub(super) fn with_turns(report: &RunReport) -> String {
    let mut rows = vec![
        [
            "TURN", "CALL", "TOOL", "OUTCOME", "RAN", "TRIES", "WORKER", "TIME",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for turn in &report.turns {
        for call in &turn.calls {
            rows.push(vec![
                turn.turn.to_string(),
                call.id.clone(),
                call.tool.clone(),
                call.outcome.to_owned(),
                call.executed.to_owned(),
                call.attempts.to_string(),
                call.worker.clone().unwrap_or_else(|| "-".to_owned()),
                format!("{:.0} ms", call.elapsed_ms),
            ]);
        }
    }
    let mut text = String::new();
    if rows.len() > 1 {
        text.push_str(&output::table(&rows));
        text.push_str("\n\n");
    }
    for call in report.turns.iter().flat_map(|turn| &turn.calls) {
        if let Some(message) = &call.message {
            text.push_str(&format!("{}: {message}\n", call.id));
        }
    }
    if !report.text.is_empty() {
        text.push_str(&format!("{}\n\n", report.text));
    }
    text.push_str(&summary(report));
    text
}

/// Why the run ended, and what it took.
pub(super) fn summary(report: &RunReport) -> String {
    let why = match &report.end.message {
        Some(message) => format!("{}: {message}", report.end.reason),
        None => report.end.reason.to_owned(),
    };
    let refused = match report.tally.refused {
        0 => String::new(),
        refused => format!(" ({refused} of them refused)"),
    };
    format!(
        "{why}. {}, {}{refused}, {:.0} ms",
        counted(report.turns.len(), "turn"),
        counted(report.tally.calls, "call"),
        report.elapsed_ms
    )
}

/// So many of something.
fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// What the model said last. A terminal isn't shown what would steer it.
pub(super) fn text(report: &RunReport, is_terminal: bool) -> String {
    if is_terminal {
        plain::lines(&report.text)
    } else {
        report.text.clone()
    }
}
