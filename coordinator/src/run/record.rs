//! What is kept of a run while it goes on, for its report.

use std::time::Duration;

use callboard_coordinator_core::run::{Gathered, Usage};
use callboard_proto::{RunId, TraceContext, Turn};

use super::report::{CallSummary, EndSummary, RunReport, Tally, TurnSummary, UsageSummary, in_ms};
use crate::model::ModelAnswer;

/// What was said and done so far.
#[derive(Debug, Default)]
pub(super) struct Record {
    turns: Vec<TurnSummary>,
    tally: Tally,
    /// What the model said last.
    text: String,
    /// Whether what it says next belongs to the same message.
    is_continued: bool,
}

impl Record {
    /// The model answered; nothing is gathered yet.
    pub(super) fn answered(&mut self, turn: Turn, answer: &ModelAnswer) {
        if !std::mem::replace(&mut self.is_continued, answer.resume.is_some()) {
            self.text.clear();
        }
        self.text.push_str(&answer.text);
        let stop_reason = Some(answer.stop_reason.clone());
        self.turns.push(TurnSummary {
            text: answer.text.clone(),
            stop_reason: stop_reason.filter(|reason| !reason.is_empty()),
            ..empty(turn)
        });
    }

    /// The calls of the last answer are gathered, each under the name that the model used.
    ///
    /// # Panics
    /// When it was another turn's answer.
    pub(super) fn fed_back<'a>(
        &mut self,
        gathered: &Gathered,
        names: impl Iterator<Item = &'a str>,
    ) {
        self.tally.add(&gathered.report);
        let turn = gathered.report.turn.turn.0;
        let summary = self.turns.last_mut().filter(|last| last.turn == turn);
        fill(
            summary.expect("a turn is fed back only after its answer"),
            gathered,
            names,
        );
    }

    /// Calls that nobody reads are settled: their answer contradicted them, or never came.
    pub(super) fn discarded<'a>(
        &mut self,
        gathered: &Gathered,
        names: impl Iterator<Item = &'a str>,
        error: Option<String>,
    ) {
        self.tally.discarded += gathered.report.calls.len();
        let turn = gathered.report.turn.turn;
        if self.turns.last().is_none_or(|last| last.turn != turn.0) {
            self.turns.push(empty(turn));
        }
        let summary = self.turns.last_mut().expect("one was just found or pushed");
        summary.is_discarded = true;
        summary.error = error;
        fill(summary, gathered, names);
    }

    pub(super) fn into_report(
        self,
        run: RunId,
        model: &str,
        end: EndSummary,
        usage: Usage,
        elapsed: Duration,
        trace: Option<TraceContext>,
    ) -> RunReport {
        let Self {
            turns, tally, text, ..
        } = self;
        RunReport {
            run: run.to_string(),
            model: model.to_owned(),
            end,
            text,
            early_calls: turns.iter().map(|turn| turn.early_calls).sum(),
            hidden_ms: turns
                .iter()
                .filter_map(|turn| turn.hidden_ms)
                .reduce(|sum, more| sum + more),
            turns,
            tally,
            usage: UsageSummary {
                input_tokens: usage.input_tokens,
                output_tokens: usage.output_tokens,
            },
            elapsed_ms: in_ms(elapsed),
            trace_id: trace.map(|trace| trace.trace_text()),
        }
    }
}

fn empty(turn: Turn) -> TurnSummary {
    TurnSummary {
        turn: turn.0,
        text: String::new(),
        stop_reason: None,
        error: None,
        is_discarded: false,
        stopped: None,
        gathered_ms: None,
        early_calls: 0,
        hidden_ms: None,
        calls: Vec::new(),
    }
}

fn fill<'a>(summary: &mut TurnSummary, gathered: &Gathered, names: impl Iterator<Item = &'a str>) {
    let report = &gathered.report;
    summary.stopped = Some(report.stopped.as_str());
    summary.gathered_ms = Some(in_ms(report.elapsed));
    summary.early_calls = gathered.early_calls;
    summary.hidden_ms = (summary.early_calls > 0).then(|| in_ms(gathered.hidden));
    summary.calls = std::iter::zip(&report.calls, names)
        .map(|(call, name)| CallSummary::new(call, name))
        .collect();
}
