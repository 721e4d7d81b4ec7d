//! Runs on the real dispatcher, over the local link.

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::run::{Eager, Stop};
use callboard_coordinator_core::{CancelReason, TurnOptions};
use callboard_proto::{Effect, Outcome, RunId, Turn, TurnKey};
use tokio::time::Instant;

use super::fake_model::{FakeModel, Response, call, done};
use super::stage::Stage;
use super::{offers, options};
use crate::catalogue::Catalogue;
use crate::provider::Parallel;
use crate::run::{RunHandle, RunOptions, RunReport};

fn catalogue() -> Arc<Catalogue> {
    Arc::new(offers([("look", Effect::Read), ("pay", Effect::Write)]))
}

fn eager() -> RunOptions {
    RunOptions {
        catalogue: catalogue(),
        eager: Eager::Read,
        ..options()
    }
}

async fn play<const N: usize>(
    options: RunOptions,
    responses: [Response; N],
) -> (RunReport, Vec<String>) {
    let (stage, dispatch) = Stage::set(&options.catalogue);
    // The digests are known by the announcement; the stage never describes its tools.
    while dispatch.workers().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let model = FakeModel::new(responses);
    let mut run = RunHandle::start(options, model, dispatch.clone(), ());
    let report = run.finished().await;
    dispatch.shut_down().await.unwrap();
    (report, stage.started())
}

fn outcomes(report: &RunReport) -> Vec<String> {
    report
        .turns
        .iter()
        .flat_map(|turn| turn.calls.iter().map(move |call| (turn.turn, call)))
        .map(|(turn, call)| format!("{turn} {} {}/{}", call.id, call.outcome, call.executed))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn reads_start_under_the_stream_and_writes_when_it_is_whole() {
    let first = Response::streaming([(100, call("a", "look")), (200, call("b", "look"))]).answers(
        250,
        Stop::Calls,
        [call("c", "pay"), call("d", "look")],
    );
    let (report, started) = play(eager(), [first, done()]).await;
    assert_eq!(report.end.reason, "answered");
    assert_eq!(started[..2], ["1 a", "1 b"]);
    assert_eq!(started.len(), 4, "each once: {started:?}");
    assert_eq!(
        outcomes(&report),
        [
            "1 a completed/yes",
            "1 b completed/yes",
            "1 c completed/yes",
            "1 d completed/yes"
        ]
    );
    assert_eq!(report.early_calls, 2);
}

#[tokio::test(start_paused = true)]
async fn three_calls_that_stream_for_a_second_cost_nothing_after_it() {
    let response = || {
        let calls = ["a", "b", "c"].map(|id| (100, call(id, "look")));
        Response::streaming(calls).answers(1_000, Stop::Calls, [])
    };
    let (report, _) = play(eager(), [response(), done()]).await;
    assert!(
        (1_100.0..1_110.0).contains(&report.elapsed_ms),
        "{report:?}"
    );
    assert!(
        report
            .hidden_ms
            .is_some_and(|hidden| (300.0..310.0).contains(&hidden)),
        "{report:?}"
    );
    let one_by_one = RunOptions {
        parallel: Parallel::Off,
        eager: Eager::Off,
        ..eager()
    };
    let (report, _) = play(one_by_one, [response(), done()]).await;
    assert!(
        (2_000.0..2_020.0).contains(&report.elapsed_ms),
        "{report:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_response_is_settled_and_its_calls_run_anew() {
    let again = Some(Duration::from_millis(50));
    let broken =
        Response::streaming([(100, call("a", "look")), (450, call("b", "look"))]).fails(500, again);
    let whole = Response::streaming([(100, call("a", "look"))]).answers(
        500,
        Stop::Calls,
        [call("b", "pay")],
    );
    let (report, started) = play(eager(), [broken, whole, done()]).await;
    assert_eq!(report.end.reason, "answered");
    assert_eq!(started, ["1 a", "1 b", "2 a", "2 b"]);
    assert_eq!(
        outcomes(&report),
        [
            "1 a completed/yes",
            "1 b cancelled/yes",
            "2 a completed/yes",
            "2 b completed/yes"
        ],
        "the second turn's calls are others, whatever their ids"
    );
    assert!(report.turns[0].is_discarded);
}

#[tokio::test(start_paused = true)]
async fn a_cut_response_starts_nothing_more() {
    let cut = Response::streaming([(100, call("a", "look")), (450, call("b", "look"))]).answers(
        500,
        Stop::Truncated,
        [call("c", "look")],
    );
    let (report, started) = play(eager(), [cut]).await;
    assert_eq!(report.end.reason, "truncated");
    assert_eq!(started, ["1 a", "1 b"]);
    assert_eq!(
        outcomes(&report),
        ["1 a completed/yes", "1 b cancelled/yes", "1 c refused/no"]
    );
}

fn turn() -> (TurnKey, TurnOptions) {
    let key = TurnKey {
        run: "00000000000000000000000000000002".parse::<RunId>().unwrap(),
        turn: Turn(1),
    };
    let options = TurnOptions::until((Instant::now() + Duration::from_secs(10)).into_std());
    (key, options)
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_dropped_unsealed_ends() {
    let catalogue = catalogue();
    let (stage, dispatch) = Stage::set(&catalogue);
    let (key, options) = turn();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let mut open = dispatch.open(key, options);
    open.add(catalogue.check_all(&[call("a", "look")]));
    let a_moment = tokio::time::sleep(Duration::from_millis(100));
    tokio::select! {
        _ = open.report() => panic!("an unsealed turn has no report"),
        () = a_moment => {}
    }
    assert_eq!(stage.started(), ["1 a"]);
    drop(open);
    // It ends only once no turn is open.
    dispatch.shut_down().await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), async {
        while dispatch.counters().await.is_ok() {}
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_open_when_the_dispatcher_ends_is_reported_whole() {
    let catalogue = catalogue();
    let (_stage, dispatch) = Stage::set(&catalogue);
    let (key, options) = turn();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let mut open = dispatch.open(key, options);
    open.add(catalogue.check_all(&[call("a", "look")]));
    let shutting_down = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        dispatch.shut_down().await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    tokio::select! {
        _ = open.report() => panic!("an unsealed turn has no report"),
        () = shutting_down => {}
    }
    open.add(catalogue.check_all(&[call("b", "look"), call("c", "lock")]));
    open.seal();
    open.cancel(CancelReason::Asked);
    let report = open.report().await.unwrap();
    let outcomes: Vec<_> = report
        .calls
        .iter()
        .map(|call| match &call.outcome {
            Outcome::Failed(failure) => {
                format!("{} {}/{}", call.id, failure.kind, failure.executed)
            }
            Outcome::Completed(_) => format!("{} completed", call.id),
        })
        .collect();
    assert_eq!(
        outcomes,
        ["a interrupted/yes", "b interrupted/no", "c unknown_tool/no"]
    );
}
