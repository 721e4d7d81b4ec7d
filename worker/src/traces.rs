//! The spans of executed attempts, written down afterwards: `process …`, below the span under which the
//! coordinator posted the attempt.
//!
//! **Invariant:** an attempt whose coordinator doesn't record its trace costs nothing, and no attempt ever
//! waits for what is written about it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_proto::{AttemptKey, FailureKind, Outcome, Tenant, ToolName, TraceContext};
use callboard_telemetry::{
    Backlog, Clock, KeyValue, SpanDraft, SpanKind, SpanLink, Spans, Telemetry, semconv,
};
use callboard_worker_core::Identity;

/// Writes the spans of one worker.
#[derive(Debug)]
pub struct Traces {
    spans: Spans,
    executed: Backlog<Executed>,
    clock: Clock,
    worker: Identity,
    tenant: Tenant,
    system: &'static str,
}

/// Where an attempt's span belongs, while it is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    parent: TraceContext,
    own: TraceContext,
}

/// An attempt that was executed.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) place: Place,
    pub(crate) of: AttemptKey,
    pub(crate) tool: ToolName,
    /// At the worker, outside of its tool.
    pub(crate) queued: Duration,
    /// When that word was given.
    pub(crate) started: Instant,
    pub(crate) ended: Instant,
    /// Inside of its tool.
    pub(crate) executed: Duration,
    pub(crate) end: End,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    kind: Option<FailureKind>,
    is_error: bool,
}

impl Traces {
    /// Begins to write; nothing where no traces are exported. Messages come over `system`: `nats`, or
    /// `callboard` where coordinator and worker are one process.
    #[must_use]
    pub fn start(
        telemetry: &Telemetry,
        worker: Identity,
        tenant: Tenant,
        system: &'static str,
    ) -> Option<Arc<Self>> {
        let traces = Arc::new(Self {
            spans: telemetry.spans()?.clone(),
            executed: Backlog::new(telemetry),
            clock: Clock::now(),
            worker,
            tenant,
            system,
        });
        traces.executed.read_by(telemetry, &traces, Self::write);
        Some(traces)
    }

    /// Writes down what was executed until now. The reader does so by itself; who ends the process does so
    /// once more, before the telemetry is closed.
    pub fn write(&self) {
        for executed in self.executed.take() {
            self.spans.write(self.span(executed));
        }
    }

    pub(crate) fn tell(&self, executed: Executed) {
        self.executed.push(executed);
    }

    fn span(&self, executed: Executed) -> SpanDraft {
        let AttemptKey {
            run,
            turn,
            id,
            attempt,
            epoch: _,
        } = executed.of;
        let destination = semconv::destination(self.tenant.as_str(), executed.tool.as_str());
        let attributes = vec![
            KeyValue::new(semconv::MESSAGING_SYSTEM, self.system),
            KeyValue::new(semconv::MESSAGING_OPERATION_NAME, "process"),
            KeyValue::new(semconv::MESSAGING_OPERATION_TYPE, "process"),
            KeyValue::new(semconv::MESSAGING_DESTINATION_TEMPLATE, destination.clone()),
            KeyValue::new(semconv::MESSAGING_CONVERSATION_ID, run.to_string()),
            KeyValue::new(
                semconv::MESSAGING_CONSUMER_GROUP,
                self.worker.pool.to_string(),
            ),
            KeyValue::new(semconv::TOOL_CALL_ID, id.as_str().to_owned()),
            KeyValue::new(semconv::TURN, i64::from(turn.0)),
            KeyValue::new(semconv::ATTEMPT, i64::from(attempt.0)),
            KeyValue::new(semconv::WORKER, self.worker.worker.to_string()),
            KeyValue::new(semconv::WORKER_INSTANCE, self.worker.instance.to_string()),
            KeyValue::new(semconv::QUEUE_MS, in_ms(executed.queued)),
            KeyValue::new(semconv::EXEC_MS, in_ms(executed.executed)),
            KeyValue::new(semconv::OUTCOME, executed.end.as_str()),
        ];
        let Place { parent, own } = executed.place;
        SpanDraft {
            context: own,
            parent,
            is_remote: true,
            name: format!("process {destination}").into(),
            kind: SpanKind::Consumer,
            start: self.clock.at(executed.started),
            end: self.clock.at(executed.ended),
            attributes,
            events: Vec::new(),
            links: vec![SpanLink {
                to: parent,
                relation: "message",
            }],
            // One that was told to end has not failed: somebody else's answer came first, or nobody waits.
            error: executed
                .end
                .kind
                .filter(|kind| *kind != FailureKind::Cancelled)
                .map(FailureKind::as_str),
        }
    }
}

impl Place {
    /// A place below the span that a call carried; nothing where the call isn't recorded, or carried
    /// nothing that can be read.
    pub(crate) fn below(traceparent: Option<&str>) -> Option<Self> {
        let parent: TraceContext = traceparent?.parse().ok()?;
        if !parent.is_sampled() {
            return None;
        }
        let own = fastrand::u64(1..).to_be_bytes();
        Some(Self {
            parent,
            own: TraceContext::new(parent.trace_id(), own, true)?,
        })
    }

    /// The span of the attempt: what its tool's own spans belong below.
    pub(crate) const fn context(&self) -> TraceContext {
        self.own
    }
}

impl End {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let (kind, is_error) = match outcome {
            Outcome::Completed(completed) => (None, completed.is_error),
            Outcome::Failed(failure) => (Some(failure.kind), false),
        };
        Self { kind, is_error }
    }

    /// `completed`, `tool_error`, or the kind of failure.
    pub(crate) const fn as_str(self) -> &'static str {
        match self.kind {
            Some(kind) => kind.as_str(),
            None if self.is_error => "tool_error",
            None => "completed",
        }
    }

    /// The kind of failure; empty where there was none.
    pub(crate) const fn error(self) -> &'static str {
        match self.kind {
            Some(kind) => kind.as_str(),
            None => "",
        }
    }
}

fn in_ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
