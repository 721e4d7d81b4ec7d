//! Calls that start while their response still streams, on a dispatcher that isn't there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_coordinator_core::CancelReason;
use callboard_coordinator_core::run::{Eager, Stop};
use callboard_proto::Effect;

use super::fake_gather::FakeGather;
use super::fake_model::{FakeModel, Response, call, done};
use super::{offers, options};
use crate::provider::ToolChoice;
use crate::run::{RunEvent, RunHandle, RunOptions, RunReport};

fn eager() -> RunOptions {
    RunOptions {
        catalogue: Arc::new(offers([
            ("echo", Effect::Read),
            ("slow", Effect::Read),
            ("pay", Effect::Write),
        ])),
        eager: Eager::Read,
        ..options()
    }
}

struct Played {
    report: RunReport,
    gathered: Vec<String>,
    asked_with: Vec<String>,
    events: Vec<String>,
}

fn event(event: &RunEvent<'_>) -> String {
    match event {
        RunEvent::Asked { turn } => format!("asked {}", turn.0),
        RunEvent::Opened { turn, .. } => format!("opened {}", turn.0),
        RunEvent::StartedEarly { turn, call, tool } => format!("early {} {call} {tool}", turn.0),
        RunEvent::Answered { turn, calls, .. } => format!("answered {} {}", turn.0, calls.len()),
        RunEvent::Failed { turn, message } => format!("failed {}: {message}", turn.0),
        RunEvent::Reported(report) => format!("reported {}", report.turn.turn.0),
        RunEvent::Discarded(report) => format!("discarded {}", report.turn.turn.0),
        RunEvent::Hidden {
            turn,
            early_calls,
            hidden,
        } => format!("hidden {} {early_calls} {hidden:?}", turn.0),
        RunEvent::Ended(end) => format!("ended {}", end.as_str()),
    }
}

async fn play<const N: usize>(options: RunOptions, responses: [Response; N]) -> Played {
    let model = FakeModel::new(responses);
    let asked_with = model.asked_with();
    let gather = FakeGather::new();
    let events: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&events);
    let observer = move |seen: &RunEvent<'_>| log.lock().unwrap().push(event(seen));
    let report = RunHandle::start(options, model, gather.clone(), observer)
        .finished()
        .await;
    Played {
        report,
        gathered: gather.seen(),
        asked_with: asked_with.lock().unwrap().clone(),
        events: events.lock().unwrap().clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_runs_under_the_stream() {
    let first = Response::streaming([(100, call("a", "echo")), (150, call("b", "ecko"))]).answers(
        1_000,
        Stop::Calls,
        [call("c", "pay")],
    );
    let played = play(eager(), [first, done()]).await;
    assert_eq!(
        played.gathered,
        [
            "turn 1: echo {}",
            "add 1: unknown_tool",
            "add 1: pay {}",
            "seal 1",
            "end"
        ]
    );
    assert_eq!(played.asked_with, ["", "1*"]);
    assert_eq!(
        played.events,
        [
            "asked 1",
            "opened 1",
            "early 1 a echo",
            "answered 1 3",
            "reported 1",
            "hidden 1 1 0ns",
            "asked 2",
            "answered 2 0",
            "ended answered"
        ],
        "nothing is hidden: the write takes as long as the read, and starts last"
    );
    let turn = &played.report.turns[0];
    assert_eq!(turn.early_calls, 1);
    let ids: Vec<_> = turn.calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"], "the report is in call order");
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_writes_is_over_with_its_response() {
    let response = || {
        let calls = [(100, call("a", "echo")), (150, call("b", "echo"))];
        Response::streaming(calls).answers(1_000, Stop::Calls, [])
    };
    let played = play(eager(), [response(), response(), done()]).await;
    assert_eq!(played.report.elapsed_ms, 2_100.0);
    assert_eq!(played.report.hidden_ms, Some(600.0));
    assert_eq!(played.report.early_calls, 4);
    assert_eq!(played.report.turns[1].hidden_ms, Some(300.0));

    let off = RunOptions {
        eager: Eager::Off,
        ..eager()
    };
    let played = play(off, [response(), response(), done()]).await;
    assert_eq!(
        played.report.elapsed_ms, 2_700.0,
        "600 ms more, as was said"
    );
    assert_eq!(
        (played.report.hidden_ms, played.report.early_calls),
        (None, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_response_keeps_its_results_to_itself() {
    let cut = Response::streaming([(100, call("a", "echo")), (150, call("b", "slow"))]).answers(
        500,
        Stop::Truncated,
        [call("c", "echo")],
    );
    let played = play(eager(), [cut]).await;
    assert_eq!(
        played.gathered,
        [
            "turn 1: echo {}",
            "add 1: slow {}",
            "add 1: refused",
            "seal 1",
            "cancel 1",
            "end"
        ]
    );
    assert_eq!(played.report.end.reason, "truncated");
    assert_eq!(
        played.asked_with,
        [""],
        "nobody is asked with these results"
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&played.report).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_response_that_breaks_off_is_settled_and_asked_for_anew() {
    let again = Some(Duration::from_millis(700));
    let broken =
        Response::streaming([(100, call("a", "echo")), (150, call("b", "slow"))]).fails(600, again);
    let whole = Response::streaming([(100, call("a", "echo"))]).answers(1_000, Stop::Calls, []);
    let played = play(eager(), [broken, whole, done()]).await;
    assert_eq!(
        played.gathered,
        [
            "turn 1: echo {}",
            "add 1: slow {}",
            "seal 1",
            "cancel 1",
            "turn 2: echo {}",
            "seal 2",
            "end"
        ]
    );
    assert_eq!(
        played.asked_with,
        ["", "", "2*"],
        "the broken response is no part of the conversation"
    );
    assert_eq!(
        played.events,
        [
            "asked 1",
            "opened 1",
            "early 1 a echo",
            "early 1 b slow",
            "failed 1: the model failed: overloaded (request req_7)",
            "discarded 1",
            "asked 2",
            "opened 2",
            "early 2 a echo",
            "answered 2 1",
            "reported 2",
            "hidden 2 1 300ms",
            "asked 3",
            "answered 3 0",
            "ended answered"
        ]
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&played.report).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_response_that_keeps_breaking_off_ends_the_run_with_all_reports() {
    let good = Response::streaming([]).answers(100, Stop::Calls, [call("z", "echo")]);
    let broken = || {
        Response::streaming([(100, call("a", "echo"))]).fails(600, Some(Duration::from_millis(1)))
    };
    let played = play(eager(), [good, broken(), broken(), broken()]).await;
    let report = played.report;
    assert_eq!(report.end.reason, "model_failed");
    assert_eq!(
        report.end.message.as_deref(),
        Some("the model failed: overloaded (request req_7)")
    );
    let turns: Vec<_> = report
        .turns
        .iter()
        .map(|turn| (turn.turn, turn.is_discarded, turn.calls[0].outcome))
        .collect();
    assert_eq!(
        turns,
        [
            (1, false, "completed"),
            (2, true, "completed"),
            (3, true, "completed"),
            (4, true, "completed")
        ]
    );
    assert_eq!((report.tally.calls, report.tally.discarded), (1, 3));
    assert_eq!(played.asked_with, ["", "1*", "1*", "1*"]);
}

#[tokio::test(start_paused = true)]
async fn only_a_response_whose_calls_were_taken_is_asked_for_again() {
    // The adapter had its own retries here, for it gave nothing away.
    let again = Some(Duration::from_millis(1));
    let played = play(eager(), [Response::streaming([]).fails(100, again)]).await;
    assert_eq!(played.report.end.reason, "model_failed");
    assert_eq!(played.gathered, ["end"]);

    // A write was offered and didn't start; the adapter can't know, and leaves the retry to the run.
    let write = Response::streaming([(50, call("a", "pay"))]).fails(100, again);
    let played = play(eager(), [write, done()]).await;
    assert_eq!(played.report.end.reason, "answered");
    assert_eq!(played.gathered, ["end"]);
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_contradicts_itself_ends_the_run() {
    let lying = Response::streaming([(100, call("a", "echo"))]).answers_with(
        200,
        Stop::Calls,
        vec![call("a", "slow")],
    );
    let played = play(eager(), [lying]).await;
    assert_eq!(
        played.gathered,
        ["turn 1: echo {}", "seal 1", "cancel 1", "end"]
    );
    let report = played.report;
    assert_eq!(report.end.reason, "model_failed");
    assert!(
        report
            .end
            .message
            .unwrap()
            .contains("a fault of the model's adapter")
    );
    assert_eq!(report.turns.len(), 1);
    assert!(report.turns[0].is_discarded);
    assert_eq!(report.turns[0].stop_reason.as_deref(), Some("calls"));
    assert_eq!(report.turns[0].calls[0].outcome, "cancelled");
}

#[tokio::test(start_paused = true)]
async fn cancel_and_deadline_settle_what_runs_under_the_stream() {
    let endless =
        || Response::streaming([(100, call("a", "slow"))]).answers(60_000, Stop::Done, []);
    let gather = FakeGather::new();
    let model = FakeModel::new([endless()]);
    let mut run = RunHandle::start(eager(), model, gather.clone(), ());
    tokio::select! {
        _ = run.finished() => panic!("the stream has no end"),
        () = tokio::time::sleep(Duration::from_millis(500)) => {}
    }
    run.cancel(CancelReason::Asked);
    let report = run.finished().await;
    assert_eq!(report.end.reason, "cancelled");
    assert_eq!(report.elapsed_ms, 500.0);
    assert_eq!(report.turns[0].calls[0].outcome, "cancelled");
    assert_eq!(
        gather.seen(),
        ["turn 1: slow {}", "seal 1", "cancel 1", "end"]
    );

    // The call has the time of a turn; the response is still at it when the run's time is over.
    let played = play(eager(), [endless()]).await;
    assert_eq!(played.report.end.reason, "time_exhausted");
    assert_eq!(played.report.elapsed_ms, 10_000.0);
    assert_eq!(played.report.turns[0].calls[0].outcome, "timed_out");
    assert_eq!(played.report.turns[0].calls[0].elapsed_ms, 2_000.0);
    assert_eq!(played.gathered, ["turn 1: slow {}", "seal 1", "end"]);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_lost_under_the_stream_is_missed_when_it_is_due() {
    let catalogue = offers([("lost", Effect::Read), ("echo", Effect::Read)]);
    let options = RunOptions {
        catalogue: Arc::new(catalogue),
        ..eager()
    };
    let first = Response::streaming([(100, call("a", "lost"))]).answers(
        200,
        Stop::Calls,
        [call("b", "echo")],
    );
    let played = play(options, [first, done()]).await;
    let outcomes: Vec<_> = played.report.turns[0]
        .calls
        .iter()
        .map(|call| (call.outcome, call.executed))
        .collect();
    assert_eq!(outcomes, [("internal", "unknown"), ("internal", "unknown")]);
    assert_eq!(played.report.end.reason, "answered");
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_asked_on_with_what_was_said() {
    let paused = || Response::streaming([]).answers(100, Stop::Paused, []);
    let played = play(options(), [paused(), paused(), done()]).await;
    assert_eq!(played.asked_with, ["", "1", "1 2"]);
    assert_eq!(played.report.end.reason, "answered");
    let reasons: Vec<_> = played
        .report
        .turns
        .iter()
        .map(|turn| turn.stop_reason.as_deref())
        .collect();
    assert_eq!(reasons, [Some("paused"), Some("paused"), Some("done")]);
}

#[tokio::test(start_paused = true)]
async fn a_run_without_tools_refuses_calls_that_come_anyway() {
    let options = RunOptions {
        tool_choice: ToolChoice::None,
        ..eager()
    };
    let first = Response::streaming([(50, call("a", "echo"))]).answers(100, Stop::Calls, []);
    let played = play(options, [first, done()]).await;
    assert_eq!(played.gathered, ["turn 1: refused", "end"]);
    assert_eq!(played.report.end.reason, "answered");
    assert_eq!(played.report.turns[0].calls[0].executed, "no");
}
