#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_coordinator_core::CancelReason;
use callboard_coordinator_core::run::{Budgets, Eager};
use callboard_proto::{Digest, Effect, Epoch, Manifest, ToolName, ToolSpec};

mod dispatched;
mod eager;
mod fake_gather;
mod fake_model;
mod questions;
mod stage;

use self::fake_gather::FakeGather;
use super::{RunEvent, RunHandle, RunOptions, RunReport};
use crate::catalogue::{Catalogue, Offer};
use crate::model::script::ScriptedModel;
use crate::provider::{Parallel, ToolChoice};

/// Tools under these names.
fn offers<const N: usize>(tools: [(&str, Effect); N]) -> Catalogue {
    Catalogue::freeze(tools.map(|(name, effect)| Offer {
        digest: Digest::new([name.as_bytes()[0]; 32]),
        spec: Arc::new(ToolSpec {
            name: ToolName::new(name).unwrap(),
            description: String::new(),
            input_schema: r#"{"type":"object"}"#.to_owned(),
            manifest: Manifest::new(effect),
        }),
        instances: 1,
    }))
}

fn options() -> RunOptions {
    let tools = ["echo", "slow", "broken", "lost"].map(|name| (name, Effect::Read));
    RunOptions {
        run: "00000000000000000000000000000001".parse().unwrap(),
        task: "test".into(),
        catalogue: Arc::new(offers(tools)),
        budgets: Budgets {
            time: Duration::from_secs(10),
            turn_time: Duration::from_secs(2),
            ..Budgets::default()
        },
        call_deadline: None,
        parallel: Parallel::Auto,
        eager: Eager::Off,
        tool_choice: ToolChoice::Auto,
        epoch: Epoch::default(),
        trace: None,
        is_watched: false,
    }
}

fn start(script: &str) -> (RunHandle, FakeGather) {
    let model = ScriptedModel::from_toml("script.toml", script).unwrap();
    let gather = FakeGather::new();
    let handle = RunHandle::start(options(), model, gather.clone(), ());
    (handle, gather)
}

async fn run(script: &str) -> (RunReport, Vec<String>) {
    let (mut handle, gather) = start(script);
    let report = handle.finished().await;
    let seen = gather.seen();
    (report, seen)
}

const CHAIN: &str = r#"
[[turn]]
text = "First the customer."
delay_ms = 100
usage = { input_tokens = 10, output_tokens = 5 }
[[turn.call]]
id = "customer"
tool = "echo"
arguments = { orders = [7, 8] }

[[turn]]
expect = "all_completed"
[[turn.call]]
tool = "echo"
arguments = { order = "{{customer/orders/0}}" }
[[turn.call]]
tool = "echo"
arguments_json = "not json"
[[turn.call]]
tool = "ecko"

[[turn]]
text = "Order {{c0/order}}, and {{c1/x|nothing}} else."
"#;

#[tokio::test(start_paused = true)]
async fn a_dependent_chain_runs_to_its_answer() {
    let (report, seen) = run(CHAIN).await;
    assert_eq!(
        seen,
        [
            "turn 1: echo {\"orders\":[7,8]}",
            "turn 2: echo {\"order\":7}; invalid_arguments; unknown_tool",
            "end",
        ]
    );
    assert_eq!(report.text, "Order 7, and nothing else.");
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_reports_what_came_back() {
    let (report, _) = run(r#"
        [[turn]]
        [[turn.call]]
        tool = "slow"
        [[turn.call]]
        tool = "echo"
        [[turn]]
        when = "all_completed"
        text = "never said"
        [[turn]]
        when = "some_failed"
        text = "{{c0|one}} was too slow, {{c1}} was not."
    "#)
    .await;
    assert_eq!(report.text, "one was too slow, {} was not.");
    assert_eq!(report.end.reason, "answered");
    assert_eq!((report.tally.completed, report.tally.failed), (1, 1));
    assert_eq!(report.turns[0].stopped, Some("deadline"));
    assert!((2000.0..2010.0).contains(&report.elapsed_ms), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn cancelling_settles_the_turn_and_still_reports() {
    let (mut handle, gather) = start("[[turn]]\n[[turn.call]]\ntool = \"slow\"\n");
    tokio::select! {
        _ = handle.finished() => panic!("the tool is slow"),
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    handle.cancel(CancelReason::Asked);
    handle.cancel(CancelReason::Asked);
    let report = handle.finished().await;
    assert_eq!(report.end.reason, "cancelled");
    assert_eq!(report.turns[0].calls[0].outcome, "cancelled");
    assert_eq!(gather.seen(), ["turn 1: slow {}", "cancel 1", "end"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_cancels_the_run() {
    let (handle, gather) = start("[[turn]]\n[[turn.call]]\ntool = \"slow\"\n");
    let mut cancelled = gather.cancelled();
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(handle);
    let reason = *cancelled.wait_for(Option::is_some).await.unwrap();
    assert_eq!(reason, Some(CancelReason::Asked));
}

#[tokio::test(start_paused = true)]
async fn the_time_budget_ends_a_slow_model() {
    let (report, seen) = run("[[turn]]\ndelay_ms = 60000\ntext = \"late\"\n").await;
    assert_eq!(report.end.reason, "time_exhausted");
    assert_eq!(report.text, "");
    assert_eq!(seen, ["end"]);
    assert!(
        (10_000.0..10_010.0).contains(&report.elapsed_ms),
        "{report:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_report_still_answers_every_call() {
    let (report, _) =
        run("[[turn]]\n[[turn.call]]\ntool = \"lost\"\n[[turn]]\ntext = \"on\"\n").await;
    assert_eq!(report.end.reason, "answered");
    assert_eq!(report.turns[0].calls[0].outcome, "internal");
    assert_eq!(report.turns[0].calls[0].executed, "unknown");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_cannot_go_on_says_why() {
    let (report, _) = run("[[turn]]\n[[turn.call]]\ntool = \"echo\"\n").await;
    assert_eq!(report.end.reason, "model_failed");
    assert_eq!(
        report.end.message.unwrap(),
        "the scripted model can't go on: the script has no turn left for these results; end it with a \
         [[turn]] that has a text and no calls, or give a turn another `when`"
    );
    let (report, _) =
        run("[[turn]]\n[[turn.call]]\ntool = \"broken\"\n[[turn]]\ntext = \"{{c0}}\"\n").await;
    assert!(
        report
            .end
            .message
            .unwrap()
            .contains("the call \"c0\" failed (the tool reported an error)")
    );
    let (report, _) =
        run("[[turn]]\n[[turn.call]]\ntool = \"broken\"\n[[turn]]\nexpect = \"all_completed\"\n")
            .await;
    assert!(
        report.end.message.unwrap().contains(
            "[[turn]] 2 of the script expects that all calls completed, and the results were: c0 completed with an error"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_the_run_in_order() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    let observer = move |event: &RunEvent<'_>| {
        log.lock().unwrap().push(match event {
            RunEvent::Asked { turn } => format!("asked {}", turn.0),
            RunEvent::Answered { turn, calls, .. } => {
                format!("answered {} {}", turn.0, calls.len())
            }
            RunEvent::Opened { turn, time } => format!("opened {} for {time:?}", turn.0),
            RunEvent::Reported(report) => format!("reported {}", report.turn.turn.0),
            RunEvent::Ended(end) => format!("ended {}", end.as_str()),
            RunEvent::StartedEarly { .. }
            | RunEvent::Failed { .. }
            | RunEvent::Discarded(_)
            | RunEvent::Hidden { .. } => panic!("nothing is early here: {event:?}"),
        });
    };
    let script = "[[turn]]\n[[turn.call]]\ntool = \"echo\"\n[[turn]]\ntext = \"done\"\n";
    let model = ScriptedModel::from_toml("script.toml", script).unwrap();
    RunHandle::start(options(), model, FakeGather::new(), observer)
        .finished()
        .await;
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "asked 1",
            "answered 1 1",
            "opened 1 for 2s",
            "reported 1",
            "asked 2",
            "answered 2 0",
            "ended answered"
        ]
    );
}
