//! How calls end that are told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callboard_proto::{Executed, FailureKind, Outcome};
use tokio::time::Instant;

use super::harness::{Dropped, Worker, attempt, item, tool};
use crate::executor::Why;
use crate::tool::{Answer, Tool, ToolError};

const LONG: Duration = Duration::from_secs(60);

fn flag() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

/// Hangs, and never looks whether it should stop.
fn deaf(dropped: &Arc<AtomicBool>) -> Arc<dyn Tool> {
    let dropped = Arc::clone(dropped);
    tool("deaf", move |_| {
        let guard = Dropped(Arc::clone(&dropped));
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    })
}

/// Says that it watches its cancellation, and hangs all the same.
fn stubborn(dropped: &Arc<AtomicBool>) -> Arc<dyn Tool> {
    let dropped = Arc::clone(dropped);
    tool("stubborn", move |call| {
        let guard = Dropped(Arc::clone(&dropped));
        async move {
            let _guard = guard;
            call.cancellation().cancelled().await;
            std::future::pending().await
        }
    })
}

/// Ends by itself, 100 ms after it was told to.
fn polite() -> Arc<dyn Tool> {
    tool("polite", |call| async move {
        call.cancellation().cancelled().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        Err(ToolError::cancelled())
    })
}

#[tokio::test(start_paused = true)]
async fn a_tool_whose_time_is_up_is_dropped_at_once() {
    let dropped = flag();
    let mut worker = Worker::of([deaf(&dropped)]);
    let began = Instant::now();
    worker.post(&[item("deaf", 1, Duration::from_millis(500))]);
    let failure = worker.failure().await;
    let took = began.elapsed();
    assert!(
        took <= Duration::from_millis(502),
        "the truth arrives in time: {took:?}"
    );
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::TimedOut, Executed::Yes)
    );
    insta::assert_snapshot!(failure.message, @"the tool was stopped because its time was up");
    tokio::task::yield_now().await;
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_a_tool_that_watches_for_it() {
    let mut worker = Worker::of([polite()]);
    worker.post(&[item("polite", 1, LONG)]);
    worker.acks().await;
    let began = Instant::now();
    worker.cancel(attempt("polite-1"));
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::Cancelled, Executed::Yes)
    );
    insta::assert_snapshot!(failure.message, @"the tool was stopped because its call was cancelled");
    let took = began.elapsed();
    assert!(
        took < Duration::from_millis(110),
        "it ended by itself: {took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_had_done_nothing_yet_says_so_under_the_name_of_its_stop() {
    let early = tool("early", |call| async move {
        call.cancellation().cancelled().await;
        let said = "the request was not sent";
        Err(ToolError::new(FailureKind::Cancelled, said, Executed::No))
    });
    let mut worker = Worker::of([early]);
    worker.post(&[item("early", 1, Duration::from_millis(500))]);
    worker.acks().await;
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::TimedOut, Executed::No)
    );
    insta::assert_snapshot!(failure.message, @"the tool was stopped because its time was up; the tool said: the request was not sent");
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_does_not_end_in_its_grace_is_dropped() {
    let dropped = flag();
    let mut worker = Worker::of([stubborn(&dropped)]);
    worker.post(&[item("stubborn", 1, LONG)]);
    worker.acks().await;
    let began = Instant::now();
    worker.cancel(attempt("stubborn-1"));
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::Cancelled, Executed::Yes)
    );
    let took = began.elapsed();
    assert!(
        (Duration::from_secs(2)..Duration::from_millis(2010)).contains(&took),
        "the grace is 2 s: {took:?}"
    );
    tokio::task::yield_now().await;
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_answers_after_its_stop_is_heard() {
    let mut worker = Worker::of([tool("finishing", |call| async move {
        call.cancellation().cancelled().await;
        Ok(Answer::text("just done"))
    })]);
    worker.post(&[item("finishing", 1, LONG)]);
    worker.acks().await;
    worker.cancel(attempt("finishing-1"));
    assert_eq!(worker.outcome().await, Outcome::text("just done"));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_tools_own_error_is_told_beside_the_reason() {
    let mut worker = Worker::of([tool("breaking", |call| async move {
        call.cancellation().cancelled().await;
        Err(ToolError::crashed("its process got signal 15"))
    })]);
    worker.post(&[item("breaking", 1, Duration::from_millis(50))]);
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::TimedOut, Executed::Yes)
    );
    insta::assert_snapshot!(failure.message, @"the tool was stopped because its time was up; the tool said: its process got signal 15");
}

#[tokio::test(start_paused = true)]
async fn a_drain_interrupts_what_outlasts_its_grace() {
    let dropped = flag();
    let mut worker = Worker::of([deaf(&dropped)]);
    worker.post(&[item("deaf", 1, LONG)]);
    worker.acks().await;
    let handle = worker.handle.clone();
    let drained = tokio::spawn(async move { handle.drain(Duration::from_secs(5)).await });
    let began = Instant::now();
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::Interrupted, Executed::Yes)
    );
    insta::assert_snapshot!(failure.message, @"the tool was stopped because its worker is shutting down");
    assert!(began.elapsed() >= Duration::from_secs(5));
    assert_eq!(worker.running.await.unwrap().why, Why::Drained);
    drained.await.unwrap();
    assert!(worker.handle.snapshot().await.is_err(), "it has ended");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_at_once_and_drops_what_runs() {
    let dropped = flag();
    let mut worker = Worker::of([deaf(&dropped)]);
    worker.post(&[item("deaf", 1, LONG)]);
    worker.acks().await;
    worker.handle.stop().await;
    assert_eq!(worker.running.await.unwrap().why, Why::Stopped);
    tokio::task::yield_now().await;
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_what_runs() {
    let dropped = flag();
    let mut worker = Worker::of([stubborn(&dropped)]);
    worker.post(&[item("stubborn", 1, LONG)]);
    worker.acks().await;
    tokio::time::advance(Duration::from_secs(3)).await;
    let snapshot = worker.handle.snapshot().await.unwrap();
    assert_eq!((snapshot.slots, snapshot.slots_free), (8, 7));
    assert_eq!(snapshot.running[0].of, attempt("stubborn-1"));
    assert!(snapshot.running[0].elapsed >= Duration::from_secs(3));
    assert_eq!(snapshot.running[0].stopping, None);
    worker.cancel(attempt("stubborn-1"));
    worker.acks().await;
    let snapshot = worker.handle.snapshot().await.unwrap();
    assert_eq!(
        snapshot.running[0].stopping,
        Some(callboard_worker_core::StopReason::Cancelled)
    );
    assert_eq!(snapshot.core.cancelled, 1);
}
