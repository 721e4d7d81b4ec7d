#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use callboard_coordinator_core::run::{RunEnd, Usage};
use callboard_coordinator_core::{CallReport, Counters, Report, StopReason};
use callboard_proto::{
    Completed, Executed, FailureKind, Outcome, RunId, ToolName, ToolUseId, Turn, TurnKey,
};
use callboard_telemetry::Telemetry;
use callboard_telemetry::metrics::{Metrics, Scope};

use super::{CoordinatorMetrics, MODELS_MAX, OTHER_MODEL};
use crate::dispatch::{ObserveCalls as _, Standing};
use crate::run::{Observe as _, RunEvent};

fn call(outcome: Outcome, elapsed_ms: u64) -> CallReport {
    CallReport {
        id: ToolUseId::minted(0),
        tool: Some(ToolName::new("orders").unwrap()),
        outcome,
        attempts: 1,
        worker: None,
        elapsed: Duration::from_millis(elapsed_ms),
        queued: Duration::ZERO,
        executed: Duration::from_millis(elapsed_ms / 2),
    }
}

#[test]
fn reports_runs_and_the_dispatcher_are_counted() {
    let scope = Scope::whole(Metrics::new(&Telemetry::off()).into());
    let metrics = CoordinatorMetrics::new(scope, "callboard", None);
    let turn = TurnKey {
        run: RunId::new(uuid::Uuid::nil()),
        turn: Turn(1),
    };
    let failed = Outcome::failed(FailureKind::TimedOut, "too late", Executed::Unknown);
    let report = Report {
        turn,
        calls: vec![
            call(Outcome::Completed(Completed::default()), 4),
            call(Outcome::Completed(Completed::default()), 50),
            call(failed, 3_000),
        ],
        stopped: StopReason::Deadline,
        elapsed: Duration::from_millis(3_001),
    };
    metrics.calls().reported(&report);
    let mut run = metrics.run("claude");
    let turn = turn.turn;
    run.observe(&RunEvent::Asked { turn });
    run.observe(&RunEvent::Answered {
        turn,
        text: "",
        calls: &[],
        stop_reason: "",
        usage: Some(Usage {
            input_tokens: 30,
            output_tokens: 4,
        }),
    });
    let time = Duration::from_secs(3);
    run.observe(&RunEvent::Opened { turn, time });
    run.observe(&RunEvent::Reported(&report));
    run.observe(&RunEvent::Ended(&RunEnd::Answered));
    metrics.standing.set(Standing {
        workers: Vec::new(),
        waiting_calls: 2,
        oldest_wait: Duration::from_millis(1_500),
        open_turns: 1,
        is_reading: false,
        replies_unsigned: 0,
        link_refused: 0,
        counters: Counters {
            attempts: 5,
            busy: 1,
            ..Counters::default()
        },
    });
    let text = metrics.text();
    for line in [
        "callboard_calls_total{tool=\"orders\",outcome=\"completed\"} 2.0",
        "callboard_calls_total{tool=\"orders\",outcome=\"timed_out\"} 1.0",
        "gen_ai_execute_tool_duration_seconds_bucket{le=\"0.01\",gen_ai_tool_name=\"orders\",gen_ai_tool_type=\"function\"} 1",
        "gen_ai_execute_tool_duration_seconds_count{gen_ai_tool_name=\"orders\",gen_ai_tool_type=\"function\",error_type=\"timed_out\"} 1",
        "callboard_schedule_to_start_seconds_count{tool=\"orders\"} 2",
        "callboard_turn_gather_duration_seconds_count{stopped=\"deadline\"} 1",
        "callboard_deadline_overshoot_seconds_bucket{le=\"0.001\"} 1",
        "callboard_runs_total{end=\"answered\"} 1.0",
        "gen_ai_client_inference_usage_input_tokens_total{gen_ai_request_model=\"claude\"} 30.0",
        "gen_ai_invoke_agent_duration_seconds_count{gen_ai_agent_name=\"callboard\"} 1",
        "callboard_queue_oldest_seconds 1.5",
        "callboard_attempts_total 5.0",
        "callboard_attempts_returned_total{reason=\"busy\"} 1.0",
        "callboard_workers{state=\"ready\"} 0.0",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn models_that_anybody_may_name_are_labels_up_to_a_number() {
    let scope = Scope::whole(Metrics::new(&Telemetry::off()).into());
    let metrics = CoordinatorMetrics::new(scope, "callboard", None);
    for number in 0..=MODELS_MAX {
        let name = format!("model-{number}");
        let expected = if number < MODELS_MAX {
            &name
        } else {
            OTHER_MODEL
        };
        assert_eq!(metrics.label(&name), expected);
    }
    assert_eq!(metrics.label("model-0"), "model-0");
}
