#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use callboard_coordinator_core::run::{RunEnd, Usage};
use callboard_coordinator_core::{
    CallEvent, CallReport, EventKind, Report, StopReason, TurnOptions,
};
use callboard_proto::{
    Attempt, CallKey, Completed, Executed, FailureKind, InstanceId, Outcome, Part, RunId, Tenant,
    ToolName, ToolUseId, TraceContext, Turn, TurnKey, WorkerName,
};
use callboard_telemetry::{Service, Telemetry, semconv};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SpanData};
use uuid::Uuid;

use super::*;
use crate::dispatch::ObserveCalls as _;
use crate::model::ToolUse;
use crate::run::{Observe as _, RunEvent};

const CANARY: &str = "canary-5e1c";

struct Stage {
    telemetry: Telemetry,
    exporter: InMemorySpanExporter,
    traces: std::sync::Arc<Traces>,
    run: RunId,
}

impl Stage {
    fn set(captures_content: bool, sampler: Sampler) -> Self {
        let exporter = InMemorySpanExporter::default();
        let service = Service {
            name: "callboard-coordinator",
            version: "1".to_owned(),
            instance: "one".to_owned(),
        };
        let telemetry = Telemetry::with_exporter(exporter.clone(), Some(sampler), &service);
        let telemetry = telemetry.unwrap();
        let options = Options {
            agent: "callboard".to_owned(),
            tenant: Tenant::new("default").unwrap(),
            system: "nats",
            captures_content,
        };
        Self {
            traces: Traces::start(&telemetry, options).unwrap(),
            telemetry,
            exporter,
            run: RunId::new(Uuid::from_u128(7)),
        }
    }

    fn call(&self, id: &str, kind: EventKind) {
        self.traces.observe(&CallEvent {
            call: CallKey {
                run: self.run,
                turn: Turn(1),
                id: ToolUseId::new(id).unwrap(),
            },
            kind,
        });
    }

    fn posted(&self, id: &str, attempt: u32, worker: &str) {
        self.call(
            id,
            EventKind::Posted {
                attempt: Attempt(attempt),
                worker: WorkerName::new(worker).unwrap(),
                instance: InstanceId::new(Uuid::from_u128(u128::from(attempt))),
            },
        );
    }

    fn settled(&self, id: &str, kind: Option<FailureKind>, attempts: u32, worker: &str) {
        self.call(
            id,
            EventKind::Settled {
                kind,
                is_error: false,
                message: CANARY.to_owned(),
                executed: Executed::Yes,
                worker: Some(WorkerName::new(worker).unwrap()),
                attempts,
                elapsed: Duration::from_millis(5),
                queued: Duration::ZERO,
                ran_for: Duration::ZERO,
            },
        );
    }

    fn report(&self) -> Report {
        let call = CallReport {
            id: ToolUseId::new("a").unwrap(),
            tool: Some(ToolName::new("orders").unwrap()),
            outcome: Outcome::Completed(Completed {
                content: vec![Part::Text(format!("result {CANARY}"))],
                is_error: false,
            }),
            attempts: 1,
            worker: None,
            elapsed: Duration::ZERO,
            queued: Duration::ZERO,
            executed: Duration::ZERO,
        };
        Report {
            turn: TurnKey {
                run: self.run,
                turn: Turn(1),
            },
            calls: vec![call],
            stopped: StopReason::Settled,
            elapsed: Duration::from_millis(9),
        }
    }

    async fn spans(&self) -> Vec<SpanData> {
        self.traces.write();
        self.telemetry.flush().await;
        self.exporter.get_finished_spans().unwrap()
    }

    /// A run of one turn: a call that a second worker completes, and one that fails.
    fn play(&self) -> Option<TraceContext> {
        let origin = Origin {
            parent: None,
            model: "claude".to_owned(),
            provider: Some("anthropic".to_owned()),
        };
        let mut recorder = self.traces.begin_run(self.run, origin)?;
        let context = recorder.context();
        let turn = Turn(1);
        recorder.observe(&RunEvent::Asked { turn });
        let arguments = format!("{{\"secret\":\"{CANARY}\"}}");
        let uses = [ToolUse::new(
            ToolUseId::new("a").unwrap(),
            "orders",
            arguments,
        )];
        recorder.observe(&RunEvent::Answered {
            turn,
            text: CANARY,
            calls: &uses,
            stop_reason: "tool_use",
            usage: Some(Usage {
                input_tokens: 3,
                output_tokens: 4,
            }),
        });
        let time = Duration::from_secs(30);
        recorder.observe(&RunEvent::Opened { turn, time });
        let tool = Some(ToolName::new("orders").unwrap());
        self.call("a", EventKind::Opened { tool: tool.clone() });
        self.call("b", EventKind::Opened { tool });
        self.posted("a", 1, "red");
        self.posted("b", 1, "red");
        let worker_lost = EventKind::Returned {
            attempt: Attempt(1),
            why: "worker_lost",
            delay: Duration::ZERO,
        };
        self.call("a", worker_lost);
        self.posted("a", 2, "blue");
        self.settled("a", None, 2, "blue");
        self.settled("b", Some(FailureKind::TimedOut), 1, "red");
        recorder.observe(&RunEvent::Reported(&self.report()));
        recorder.observe(&RunEvent::Ended(&RunEnd::Answered));
        let late = EventKind::LateResult {
            attempt: Attempt(1),
            kind: None,
        };
        self.call("a", late);
        Some(context)
    }
}

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let found = span
        .attributes
        .iter()
        .find(|pair| pair.key.as_str() == name);
    found.map(|pair| pair.value.to_string())
}

/// One line for each span, below its parent, without times and ids.
fn tree(spans: &[SpanData]) -> String {
    let by_id: HashMap<_, _> = spans
        .iter()
        .map(|span| (span.span_context.span_id(), span))
        .collect();
    let mut lines: Vec<String> = spans
        .iter()
        .map(|span| {
            let mut path = vec![span];
            while let Some(parent) = by_id.get(&path[path.len() - 1].parent_span_id) {
                path.push(parent);
            }
            let name = |span: &&SpanData| {
                let call = attribute(span, semconv::TOOL_CALL_ID).unwrap_or_default();
                let attempt = attribute(span, semconv::ATTEMPT).unwrap_or_default();
                format!("{} {call} {attempt}", span.name).trim().to_owned()
            };
            let path: Vec<String> = path.iter().rev().map(name).collect();
            let error = attribute(span, semconv::ERROR_TYPE).unwrap_or_default();
            let links = span.links.len();
            format!(
                "{} [{:?} {error} links={links}]",
                path.join(" > "),
                span.span_kind
            )
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

#[tokio::test]
async fn a_run_is_one_tree() {
    let stage = Stage::set(false, Sampler::AlwaysOn);
    let context = stage.play().unwrap();
    let spans = stage.spans().await;
    assert!(
        spans
            .iter()
            .all(|span| span.span_context.trace_id().to_bytes() == context.trace_id())
    );
    insta::assert_snapshot!(tree(&spans), @r"
    invoke_agent callboard > chat claude [Client  links=0]
    invoke_agent callboard > execute_tool orders a > publish tools.default.orders a 1 [Producer worker_lost links=0]
    invoke_agent callboard > execute_tool orders a > publish tools.default.orders a 2 [Producer  links=1]
    invoke_agent callboard > execute_tool orders a [Internal  links=0]
    invoke_agent callboard > execute_tool orders b > publish tools.default.orders b 1 [Producer timed_out links=0]
    invoke_agent callboard > execute_tool orders b [Internal timed_out links=0]
    invoke_agent callboard > late_result a 1 [Internal  links=1]
    invoke_agent callboard [Internal  links=0]
    ");
    let all = format!("{spans:?}");
    assert!(!all.contains(CANARY), "content isn't captured");
    let call = |name: &str| {
        let mut calls = spans
            .iter()
            .filter(|span| span.name == "execute_tool orders");
        calls.find(|span| attribute(span, semconv::TOOL_CALL_ID).as_deref() == Some(name))
    };
    let (a, b) = (call("a").unwrap(), call("b").unwrap());
    assert_eq!(attribute(a, semconv::ATTEMPTS).as_deref(), Some("2"));
    assert_eq!(attribute(a, semconv::DEADLINE_MS).as_deref(), Some("30000"));
    assert!(attribute(a, semconv::TRANSFER_MS).is_some());
    assert_eq!(attribute(a, semconv::OUTCOME).as_deref(), Some("completed"));
    assert_eq!(attribute(b, semconv::OUTCOME).as_deref(), Some("timed_out"));
    // Where the workers' spans belong was known before.
    let id = ToolUseId::new("a").unwrap();
    let second = context.of_attempt(Turn(1), &id, Attempt(2)).span_id();
    assert!(
        spans
            .iter()
            .any(|span| span.span_context.span_id().to_bytes() == second)
    );
}

#[tokio::test]
async fn content_is_captured_where_it_is_asked_for() {
    let stage = Stage::set(true, Sampler::AlwaysOn);
    stage.play().unwrap();
    let spans = stage.spans().await;
    let mut captured = Vec::new();
    for span in &spans {
        for pair in &span.attributes {
            if pair.value.to_string().contains(CANARY) {
                captured.push(format!("{}: {}", span.name, pair.key));
            }
        }
    }
    captured.sort();
    assert_eq!(
        captured,
        [
            "execute_tool orders: gen_ai.tool.call.arguments",
            "execute_tool orders: gen_ai.tool.call.result"
        ]
    );
}

#[tokio::test]
async fn a_run_that_nobody_wants_to_see_is_not_told() {
    let stage = Stage::set(false, Sampler::AlwaysOff);
    assert!(stage.play().is_none());
    stage.call("a", EventKind::Opened { tool: None });
    assert!(stage.spans().await.is_empty());
}

#[tokio::test]
async fn a_turn_goes_on_with_the_trace_of_who_asked() {
    let stage = Stage::set(false, Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
    let parent = TraceContext::new([3; 16], [4; 8], true).unwrap();
    let origin = Origin {
        parent: Some(parent),
        ..Origin::default()
    };
    let recorder = stage.traces.begin_turn(stage.run, origin).unwrap();
    let mut options = TurnOptions::until(Instant::now());
    recorder.opened(Turn(1), &[], &mut options);
    assert_eq!(options.trace, Some(recorder.context()));
    recorder.reported(&stage.report());
    let spans = stage.spans().await;
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].span_context.trace_id().to_bytes(), [3; 16]);
    assert_eq!(spans[0].parent_span_id.to_bytes(), [4; 8]);
    assert!(spans[0].parent_span_is_remote);
}
