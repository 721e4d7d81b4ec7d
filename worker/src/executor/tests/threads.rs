//! On threads of the worker's own, in real time: nothing here waits for a time, only for conditions.

use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_proto::{Executed, FailureKind, Outcome};

use super::harness::{Worker, attempt, item, options, tool};
use crate::executor::{Options, ToolRuntime};
use crate::tool::{Answer, Tool, blocking};

const LONG: Duration = Duration::from_secs(60);

fn own_threads() -> Options {
    let mut options = options();
    options.tool_runtime = ToolRuntime::Own(NonZeroUsize::MIN);
    options.limits.beat_interval = Duration::from_millis(5);
    options
}

/// A gate that blocks the thread that goes through it until the test opens it.
fn gate() -> (mpsc::Sender<()>, Arc<Mutex<mpsc::Receiver<()>>>) {
    let (open, wait) = mpsc::channel();
    (open, Arc::new(Mutex::new(wait)))
}

/// Breaks the rule that a tool's future must not block.
fn rude(wait: Arc<Mutex<mpsc::Receiver<()>>>) -> Arc<dyn Tool> {
    tool("rude", move |_| {
        let wait = Arc::clone(&wait);
        async move {
            wait.lock().unwrap().recv().unwrap();
            Ok(Answer::text("through"))
        }
    })
}

/// Blocks where it may, and says when it does.
fn blocked(
    wait: Arc<Mutex<mpsc::Receiver<()>>>,
    entered: tokio::sync::mpsc::Sender<()>,
) -> Arc<dyn Tool> {
    tool("blocked", move |call| {
        let wait = Arc::clone(&wait);
        let entered = entered.clone();
        blocking(call, move |_| {
            entered.blocking_send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
            Ok(Answer::text("through"))
        })
    })
}

#[tokio::test]
async fn a_tool_that_blocks_its_thread_silences_no_beat() {
    let (open, wait) = gate();
    let mut worker = Worker::with(own_threads(), [rude(wait)]);
    worker.post(&[item("rude", 1, LONG)]);
    worker.acks().await;
    let first = worker.beat().await;
    while worker.beat().await.seq < first.seq + 5 {}
    assert_eq!(worker.handle.snapshot().await.unwrap().running.len(), 1);
    open.send(()).unwrap();
    assert_eq!(worker.outcome().await, Outcome::text("through"));
}

#[tokio::test]
async fn a_blocking_tool_delays_no_sibling() {
    let (open, wait) = gate();
    let now = tool("now", |_| async { Ok(Answer::text("now")) });
    let (entered, _is_entered) = tokio::sync::mpsc::channel(1);
    let mut worker = Worker::with(own_threads(), [blocked(wait, entered), now]);
    worker.post(&[item("blocked", 1, LONG), item("now", 1, LONG)]);
    assert_eq!(worker.results().await[0].of, attempt("now-1"));
    open.send(()).unwrap();
    assert_eq!(worker.outcome().await, Outcome::text("through"));
}

#[tokio::test]
async fn a_blocking_tool_that_cannot_be_stopped_is_abandoned_and_said_so() {
    let (open, wait) = gate();
    let (entered, mut is_entered) = tokio::sync::mpsc::channel(1);
    let mut worker = Worker::with(own_threads(), [blocked(wait, entered)]);
    worker.post(&[item("blocked", 1, LONG)]);
    is_entered.recv().await.unwrap();
    worker.cancel(attempt("blocked-1"));
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::Cancelled, Executed::Yes)
    );
    insta::assert_snapshot!(failure.message, @"the tool was stopped because its call was cancelled; its thread could not be stopped and may still be working");
    let snapshot = worker.handle.snapshot().await.unwrap();
    assert_eq!(snapshot.counters.abandoned, 1);
    assert_eq!(snapshot.slots_free, 8, "its slot is free");
    open.send(()).unwrap();
}

#[tokio::test]
async fn a_panic_on_a_blocking_thread_is_crashed() {
    let bad = tool("bad", |call| blocking(call, |_| panic!("out of paper")));
    let mut worker = Worker::with(own_threads(), [bad]);
    worker.post(&[item("bad", 1, LONG)]);
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::Crashed, Executed::Yes)
    );
    assert!(
        failure.message.contains("out of paper"),
        "{}",
        failure.message
    );
}
