//! What is known of one call, until its spans are written.

use std::time::{Duration, Instant};

use callboard_coordinator_core::EventKind;
use callboard_proto::{
    Attempt, Executed, FailureKind, InstanceId, ToolName, ToolUseId, TraceContext, Turn, WorkerName,
};
use callboard_telemetry::{Clock, Event, KeyValue, SpanDraft, SpanKind, SpanLink, semconv};

use super::writer::Options;
use crate::run::in_ms;

/// The tool's name of a call that names none of the run's tools: what the model made up is not for labels.
const NO_TOOL: &str = "unknown";

/// One call that isn't written.
#[derive(Debug)]
pub(super) struct CallStory {
    opened: Instant,
    tool: Option<ToolName>,
    attempts: Vec<AttemptStory>,
    events: Vec<Event>,
    ended: Option<Ended>,
    pub(super) arguments: Option<String>,
    pub(super) result: Option<String>,
}

/// One attempt of it.
#[derive(Debug)]
struct AttemptStory {
    number: Attempt,
    posted: Instant,
    worker: WorkerName,
    instance: InstanceId,
    events: Vec<Event>,
    /// When it ended without settling the call, and how.
    returned: Option<(Instant, &'static str)>,
}

#[derive(Debug)]
struct Ended {
    at: Instant,
    kind: Option<FailureKind>,
    is_error: bool,
    executed: Executed,
    worker: Option<WorkerName>,
    attempts: u32,
    queued: Duration,
    ran_for: Duration,
}

/// Where a call's spans belong.
pub(super) struct Place<'a> {
    pub(super) options: &'a Options,
    pub(super) clock: Clock,
    pub(super) root: TraceContext,
    pub(super) run: &'a str,
    pub(super) turn: Turn,
    pub(super) id: &'a ToolUseId,
    pub(super) time: Option<Duration>,
}

impl CallStory {
    pub(super) fn new(opened: Instant, tool: Option<ToolName>) -> Self {
        Self {
            opened,
            tool,
            attempts: Vec::new(),
            events: Vec::new(),
            ended: None,
            arguments: None,
            result: None,
        }
    }

    /// Takes notice of what becomes of it.
    pub(super) fn tell(&mut self, kind: EventKind, at: Instant, clock: Clock) {
        let when = clock.at(at);
        match kind {
            EventKind::Opened { .. } | EventKind::LateResult { .. } => {}
            EventKind::Posted {
                attempt,
                worker,
                instance,
            } => self.attempts.push(AttemptStory {
                number: attempt,
                posted: at,
                worker,
                instance,
                events: Vec::new(),
                returned: None,
            }),
            EventKind::Running { attempt } => {
                self.note(attempt, Event::new("running", when, Vec::new(), 0));
            }
            EventKind::Granted { attempt } => {
                self.note(attempt, Event::new("granted", when, Vec::new(), 0));
            }
            // What a tool says of its progress is content; how far it is, the live views tell.
            EventKind::Progress { .. } => {}
            EventKind::Returned {
                attempt,
                why,
                delay,
            } => {
                if let Some(story) = self.attempt(attempt) {
                    story.returned.get_or_insert((at, why));
                }
                let attributes = vec![
                    KeyValue::new(semconv::ATTEMPT, i64::from(attempt.0)),
                    KeyValue::new(semconv::RETURNED, why),
                    KeyValue::new(semconv::DELAY_MS, in_ms(delay)),
                ];
                self.events
                    .push(Event::new("returned", when, attributes, 0));
            }
            EventKind::Settled {
                kind,
                is_error,
                message: _,
                executed,
                worker,
                attempts,
                elapsed: _,
                queued,
                ran_for,
            } => {
                self.ended = Some(Ended {
                    at,
                    kind,
                    is_error,
                    executed,
                    worker,
                    attempts,
                    queued,
                    ran_for,
                });
            }
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.ended.is_some()
    }

    fn attempt(&mut self, number: Attempt) -> Option<&mut AttemptStory> {
        let mut attempts = self.attempts.iter_mut().rev();
        attempts.find(|attempt| attempt.number == number)
    }

    fn note(&mut self, number: Attempt, event: Event) {
        if let Some(attempt) = self.attempt(number) {
            attempt.events.push(event);
        }
    }

    /// The spans of the call and of its attempts. One that isn't settled has none.
    pub(super) fn into_spans(self, place: &Place<'_>, spans: &mut Vec<SpanDraft>) {
        let Some(ended) = self.ended else {
            return;
        };
        let context = place.root.of_call(place.turn, place.id);
        let tool = self.tool.as_ref().map_or(NO_TOOL, ToolName::as_str);
        let settled_by = ended.worker.as_ref().and_then(|worker| {
            let mut attempts = self.attempts.iter().rev();
            attempts
                .find(|attempt| attempt.returned.is_none() && attempt.worker == *worker)
                .map(|attempt| (attempt.number, attempt.posted))
        });
        let first_posted = self.attempts.first().map(|attempt| attempt.posted);
        let mut attributes = vec![
            KeyValue::new(semconv::OPERATION_NAME, semconv::EXECUTE_TOOL),
            KeyValue::new(semconv::TOOL_NAME, tool.to_owned()),
            KeyValue::new(semconv::TOOL_TYPE, semconv::FUNCTION),
            KeyValue::new(semconv::TOOL_CALL_ID, place.id.as_str().to_owned()),
            KeyValue::new(semconv::CONVERSATION_ID, place.run.to_owned()),
            KeyValue::new(semconv::TURN, i64::from(place.turn.0)),
            KeyValue::new(semconv::ATTEMPTS, i64::from(ended.attempts)),
            KeyValue::new(
                semconv::OUTCOME,
                match ended.kind {
                    Some(kind) => kind.as_str(),
                    None if ended.is_error => "tool_error",
                    None => "completed",
                },
            ),
            KeyValue::new(semconv::EXECUTED, ended.executed.as_str()),
        ];
        if let Some(time) = place.time {
            attributes.push(KeyValue::new(semconv::DEADLINE_MS, in_ms(time)));
        }
        if let Some(posted) = first_posted {
            let waited = posted.saturating_duration_since(self.opened);
            attributes.push(KeyValue::new(semconv::WAIT_MS, in_ms(waited)));
        }
        if let Some((_, posted)) = settled_by {
            let away = ended.at.saturating_duration_since(posted);
            let transfer = away.saturating_sub(ended.queued + ended.ran_for);
            attributes.extend([
                KeyValue::new(semconv::QUEUE_MS, in_ms(ended.queued)),
                KeyValue::new(semconv::EXEC_MS, in_ms(ended.ran_for)),
                KeyValue::new(semconv::TRANSFER_MS, in_ms(transfer)),
            ]);
        }
        if let Some(worker) = &ended.worker {
            attributes.push(KeyValue::new(semconv::WORKER, worker.to_string()));
        }
        attributes.extend(
            self.arguments
                .map(|text| KeyValue::new(semconv::TOOL_CALL_ARGUMENTS, text)),
        );
        attributes.extend(
            self.result
                .map(|text| KeyValue::new(semconv::TOOL_CALL_RESULT, text)),
        );
        spans.push(SpanDraft {
            context,
            parent: place.root,
            is_remote: false,
            name: format!("{} {tool}", semconv::EXECUTE_TOOL).into(),
            kind: SpanKind::Internal,
            start: place.clock.at(self.opened),
            end: place.clock.at(ended.at),
            attributes,
            events: self.events,
            links: Vec::new(),
            error: ended.kind.map(FailureKind::as_str),
        });
        let mut previous = None;
        for attempt in self.attempts {
            let number = attempt.number;
            let settles = settled_by.is_some_and(|(settled, _)| settled == number);
            let end = if settles {
                (ended.at, None, ended.kind.map(FailureKind::as_str))
            } else {
                // One that nobody waits for any more has not failed.
                let (at, why) = attempt.returned.unwrap_or((ended.at, "given_up"));
                (at, Some(why), failure(why))
            };
            spans.push(attempt.into_span(place, context, tool, previous, end));
            previous = Some(number);
        }
    }
}

impl AttemptStory {
    fn into_span(
        self,
        place: &Place<'_>,
        call: TraceContext,
        tool: &str,
        previous: Option<Attempt>,
        (at, returned, error): (Instant, Option<&'static str>, Option<&'static str>),
    ) -> SpanDraft {
        let options = place.options;
        let destination = semconv::destination(options.tenant.as_str(), tool);
        let mut attributes = vec![
            KeyValue::new(semconv::MESSAGING_SYSTEM, options.system),
            KeyValue::new(semconv::MESSAGING_OPERATION_NAME, "publish"),
            KeyValue::new(semconv::MESSAGING_OPERATION_TYPE, "send"),
            KeyValue::new(semconv::MESSAGING_DESTINATION_TEMPLATE, destination.clone()),
            KeyValue::new(semconv::MESSAGING_CONVERSATION_ID, place.run.to_owned()),
            KeyValue::new(semconv::TOOL_CALL_ID, place.id.as_str().to_owned()),
            KeyValue::new(semconv::ATTEMPT, i64::from(self.number.0)),
            KeyValue::new(semconv::WORKER, self.worker.to_string()),
            KeyValue::new(semconv::WORKER_INSTANCE, self.instance.to_string()),
        ];
        attributes.extend(returned.map(|why| KeyValue::new(semconv::RETURNED, why)));
        let links = previous.map(|previous| SpanLink {
            to: place.root.of_attempt(place.turn, place.id, previous),
            relation: "previous_attempt",
        });
        SpanDraft {
            context: place.root.of_attempt(place.turn, place.id, self.number),
            parent: call,
            is_remote: false,
            name: format!("publish {destination}").into(),
            kind: SpanKind::Producer,
            start: place.clock.at(self.posted),
            end: place.clock.at(at),
            attributes,
            events: self.events,
            links: links.into_iter().collect(),
            error,
        }
    }
}

/// The kind of failure that an attempt came back with; `busy` and its like are none.
fn failure(why: &'static str) -> Option<&'static str> {
    let is_kind = |kind: &&FailureKind| kind.as_str() == why;
    FailureKind::ALL
        .iter()
        .any(|kind| is_kind(&kind))
        .then_some(why)
}
