//! What is known of one run, and which spans it makes.

use std::time::{Duration, Instant};

use callboard_coordinator_core::EventKind;
use callboard_proto::{RunId, ToolUseId, TraceContext, Turn};
use callboard_telemetry::{
    Array, Clock, KeyValue, OpenSpan, SpanDraft, SpanKind, SpanLink, Value, semconv,
};
use rustc_hash::FxHashMap;

use super::call::{CallStory, Place};
use super::told::{Answered, Began, What};
use super::writer::Options;
use crate::run::in_ms;

/// One run that is recorded.
#[derive(Debug)]
pub(super) struct Story {
    run: String,
    context: TraceContext,
    clock: Clock,
    /// Until the run has ended.
    root: Option<OpenSpan>,
    model: String,
    provider: Option<String>,
    /// When the model was asked for a turn.
    asked: FxHashMap<u32, Instant>,
    /// The time that each turn has.
    times: FxHashMap<u32, Duration>,
    calls: FxHashMap<(u32, ToolUseId), CallStory>,
    turns: u32,
    calls_opened: u32,
}

impl Story {
    pub(super) fn new(run: RunId, began: Began) -> Self {
        Self {
            run: run.to_string(),
            context: began.root.context(),
            clock: began.clock,
            root: Some(began.root),
            model: began.model,
            provider: began.provider,
            asked: FxHashMap::default(),
            times: FxHashMap::default(),
            calls: FxHashMap::default(),
            turns: 0,
            calls_opened: 0,
        }
    }

    /// Takes notice, and gives the spans that are over.
    pub(super) fn tell(
        &mut self,
        options: &Options,
        at: Instant,
        what: What,
        spans: &mut Vec<SpanDraft>,
    ) {
        match what {
            What::Began(_) => {}
            What::Asked { turn } => {
                self.asked.insert(turn.0, at);
            }
            What::Answered(answered) => self.answered(*answered, at, spans),
            What::Failed { turn } => {
                self.chat(turn, at, Vec::new(), Some("model_failed"), spans);
            }
            What::Opened { turn, time } => {
                self.times.insert(turn.0, time);
            }
            What::Call { turn, id, kind } => self.call(options, turn, id, kind, at, spans),
            What::Reported {
                turn,
                stopped,
                elapsed,
                calls,
                results,
            } => {
                if let Some(root) = &mut self.root {
                    let attributes = vec![
                        KeyValue::new(semconv::TURN, i64::from(turn.0)),
                        KeyValue::new(semconv::STOPPED, stopped),
                        KeyValue::new(semconv::GATHER_MS, in_ms(elapsed)),
                        KeyValue::new(semconv::CALLS, i64::try_from(calls).unwrap_or(i64::MAX)),
                    ];
                    root.event("gathered", self.clock.at(at), attributes);
                }
                for (id, result) in results {
                    if let Some(call) = self.calls.get_mut(&(turn.0, id)) {
                        call.result = Some(result);
                    }
                }
                self.write_settled(options, Some(turn), spans);
                self.times.remove(&turn.0);
            }
            What::Ended { reason, is_error } => self.end(options, at, reason, is_error, spans),
        }
    }

    fn answered(&mut self, answered: Answered, at: Instant, spans: &mut Vec<SpanDraft>) {
        self.turns += 1;
        let turn = answered.turn;
        let tokens = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let mut attributes = vec![KeyValue::new(
            semconv::CALLS,
            i64::try_from(answered.calls).unwrap_or(i64::MAX),
        )];
        if let Some(usage) = answered.usage {
            attributes.extend([
                KeyValue::new(semconv::INPUT_TOKENS, tokens(usage.input_tokens)),
                KeyValue::new(semconv::OUTPUT_TOKENS, tokens(usage.output_tokens)),
            ]);
        }
        if !answered.stop_reason.is_empty() {
            let reasons = vec![answered.stop_reason.into()];
            let reasons = Value::Array(Array::String(reasons));
            attributes.push(KeyValue::new(semconv::FINISH_REASONS, reasons));
        }
        self.chat(turn, at, attributes, None, spans);
        for (id, arguments) in answered.arguments {
            // The call itself is opened after this, but for one that was posted early.
            let call = self.calls.entry((turn.0, id));
            call.or_insert_with(|| CallStory::new(at, None)).arguments = Some(arguments);
        }
    }

    /// The span of a question that was asked.
    fn chat(
        &mut self,
        turn: Turn,
        at: Instant,
        more: Vec<KeyValue>,
        error: Option<&'static str>,
        spans: &mut Vec<SpanDraft>,
    ) {
        let Some(asked) = self.asked.remove(&turn.0) else {
            return;
        };
        let Some(context) = random_below(&self.context) else {
            return;
        };
        let mut attributes = vec![
            KeyValue::new(semconv::OPERATION_NAME, semconv::CHAT),
            KeyValue::new(semconv::REQUEST_MODEL, self.model.clone()),
            KeyValue::new(semconv::CONVERSATION_ID, self.run.clone()),
            KeyValue::new(semconv::TURN, i64::from(turn.0)),
        ];
        let provider = self.provider.clone();
        attributes.extend(provider.map(|name| KeyValue::new(semconv::PROVIDER_NAME, name)));
        attributes.extend(more);
        spans.push(SpanDraft {
            context,
            parent: self.context,
            is_remote: false,
            name: format!("{} {}", semconv::CHAT, self.model).into(),
            kind: SpanKind::Client,
            start: self.clock.at(asked),
            end: self.clock.at(at),
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            error,
        });
    }

    fn call(
        &mut self,
        options: &Options,
        turn: Turn,
        id: ToolUseId,
        kind: EventKind,
        at: Instant,
        spans: &mut Vec<SpanDraft>,
    ) {
        let clock = self.clock;
        let key = (turn.0, id);
        match kind {
            EventKind::Opened { tool } => {
                self.calls_opened += 1;
                let mut call = CallStory::new(at, tool);
                // What it was given may have been told before.
                call.arguments = self.calls.remove(&key).and_then(|told| told.arguments);
                self.calls.insert(key, call);
            }
            EventKind::LateResult { attempt, kind } => {
                let id = &key.1;
                let Some(context) = random_below(&self.context) else {
                    return;
                };
                let outcome = kind.map_or("completed", |kind| kind.as_str());
                spans.push(SpanDraft {
                    context,
                    parent: self.context,
                    is_remote: false,
                    name: "late_result".into(),
                    kind: SpanKind::Internal,
                    start: clock.at(at),
                    end: clock.at(at),
                    attributes: vec![
                        KeyValue::new(semconv::TURN, i64::from(turn.0)),
                        KeyValue::new(semconv::TOOL_CALL_ID, id.as_str().to_owned()),
                        KeyValue::new(semconv::ATTEMPT, i64::from(attempt.0)),
                        KeyValue::new(semconv::OUTCOME, outcome),
                    ],
                    events: Vec::new(),
                    links: vec![SpanLink {
                        to: self.context.of_attempt(turn, id, attempt),
                        relation: "late_result_of",
                    }],
                    error: None,
                });
            }
            EventKind::Posted { .. }
            | EventKind::Running { .. }
            | EventKind::Granted { .. }
            | EventKind::Progress { .. }
            | EventKind::Returned { .. }
            | EventKind::Settled { .. } => {
                let Some(call) = self.calls.get_mut(&key) else {
                    return;
                };
                call.tell(kind, at, clock);
                // What it answered comes with the report.
                if call.is_settled() && !options.captures_content {
                    self.write(options, key, spans);
                }
            }
        }
    }

    fn write(&mut self, options: &Options, key: (u32, ToolUseId), spans: &mut Vec<SpanDraft>) {
        let Some(call) = self.calls.remove(&key) else {
            return;
        };
        let (turn, id) = key;
        let place = Place {
            options,
            clock: self.clock,
            root: self.context,
            run: &self.run,
            turn: Turn(turn),
            id: &id,
            time: self.times.get(&turn).copied(),
        };
        call.into_spans(&place, spans);
    }

    /// Writes what is settled, of one turn or of all.
    fn write_settled(&mut self, options: &Options, turn: Option<Turn>, spans: &mut Vec<SpanDraft>) {
        if !options.captures_content {
            return;
        }
        let is_of = |of: u32| turn.is_none_or(|turn| turn.0 == of);
        let settled = self
            .calls
            .iter()
            .filter(|(key, call)| is_of(key.0) && call.is_settled());
        let settled: Vec<_> = settled.map(|(key, _)| key.clone()).collect();
        for key in settled {
            self.write(options, key, spans);
        }
    }

    fn end(
        &mut self,
        options: &Options,
        at: Instant,
        reason: &'static str,
        is_error: bool,
        spans: &mut Vec<SpanDraft>,
    ) {
        self.write_settled(options, None, spans);
        let asked: Vec<u32> = self.asked.keys().copied().collect();
        for turn in asked {
            self.chat(Turn(turn), at, Vec::new(), None, spans);
        }
        self.calls.clear();
        if let Some(root) = self.root.take() {
            let attributes = vec![
                KeyValue::new(semconv::END, reason),
                KeyValue::new(semconv::TURNS, i64::from(self.turns)),
                KeyValue::new(semconv::CALLS, i64::from(self.calls_opened)),
            ];
            root.end(self.clock.at(at), attributes, is_error.then_some(reason));
        }
    }
}

/// A place of its own in the same trace, for a span that nobody else knows of.
fn random_below(parent: &TraceContext) -> Option<TraceContext> {
    TraceContext::new(
        parent.trace_id(),
        fastrand::u64(1..).to_be_bytes(),
        parent.is_sampled(),
    )
}
