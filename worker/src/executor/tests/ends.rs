//! How calls end by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use callboard_proto::message::AckState;
use callboard_proto::{Completed, Effect, Executed, FailureKind, Outcome, Part};
use tokio::time::Instant;

use super::harness::{Worker, attempt, item, spec, tool};
use crate::tool::{Answer, Tool, ToolError, tool_fn};

const LONG: Duration = Duration::from_secs(60);

#[derive(serde::Deserialize)]
struct Greeting {
    name: String,
}

fn greet() -> Arc<dyn Tool> {
    tool_fn(
        spec("greet", Effect::Read),
        |Greeting { name }, _| async move { Ok(Answer::text(format!("hello {name}"))) },
    )
    .into()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_on_its_own_reply_subject() {
    let mut worker = Worker::of([greet()]);
    let mut call = item("greet", 1, LONG);
    call.arguments = Bytes::from_static(br#"{"name":"Ada"}"#);
    let began = Instant::now();
    let reply = worker.post(&[call]);
    let (to, kind, body) = worker.next().await;
    assert_eq!((to, kind), (reply, callboard_proto::Kind::Result));
    assert_eq!(
        began.elapsed(),
        Duration::ZERO,
        "no ack timer was waited for"
    );
    let batch: callboard_proto::codec::Batch<
        callboard_proto::message::ReplyHead,
        callboard_proto::message::ResultItem,
    > = callboard_proto::codec::decode_batch(&body).unwrap();
    let result = batch.items[0].as_ref().unwrap();
    assert_eq!(result.of, attempt("greet-1"));
    assert_eq!(result.outcome, Outcome::text("hello Ada"));
}

#[tokio::test(start_paused = true)]
async fn the_tools_of_a_batch_run_together() {
    let slow = || {
        tool("slow", |_| async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(Answer::text("done"))
        })
    };
    let mut worker = Worker::of([slow()]);
    let began = Instant::now();
    worker.post(&[
        item("slow", 1, LONG),
        item("slow", 2, LONG),
        item("slow", 3, LONG),
    ]);
    let mut seen = 0;
    while seen < 3 {
        seen += worker.results().await.len();
    }
    assert_eq!(began.elapsed(), Duration::from_millis(300));
}

#[tokio::test(start_paused = true)]
async fn what_answers_at_once_is_sent_in_one_message() {
    let mut worker = Worker::of([tool("now", |_| async { Ok(Answer::text("now")) })]);
    let items: Vec<_> = (0..8).map(|number| item("now", number, LONG)).collect();
    worker.post(&items);
    assert_eq!(worker.results().await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_crashed_and_the_worker_lives() {
    let mut worker = Worker::of([
        tool("at_once", |_| async { panic!("no such luck") }),
        tool("later", |_| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            panic!("{} were left", 3)
        }),
        tool("fine", |_| async { Ok(Answer::text("fine")) }),
    ]);
    worker.post(&[item("at_once", 1, LONG)]);
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::Crashed, Executed::Yes)
    );
    insta::assert_snapshot!(failure.message, @"the tool crashed after it had begun: no such luck");
    worker.post(&[item("later", 1, LONG)]);
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::Crashed, Executed::Yes)
    );
    insta::assert_snapshot!(failure.message, @"the tool crashed after it had begun: 3 were left");
    worker.post(&[item("fine", 1, LONG)]);
    assert_eq!(worker.outcome().await, Outcome::text("fine"));
}

#[tokio::test(start_paused = true)]
async fn arguments_that_do_not_fit_never_enter_the_tool() {
    let mut worker = Worker::of([greet()]);
    let mut texts = Vec::new();
    for (number, arguments) in ["", "[1]", "null", "{", r#"{"name":5}"#, "{}"]
        .iter()
        .enumerate()
    {
        let mut call = item("greet", u32::try_from(number).unwrap(), LONG);
        call.arguments = Bytes::from_static(arguments.as_bytes());
        worker.post(&[call]);
        let failure = worker.failure().await;
        assert_eq!(failure.kind, FailureKind::InvalidArguments);
        assert_eq!(failure.executed, Executed::No);
        texts.push(format!("{arguments:10} {}", failure.message));
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
               the arguments are empty, and a tool takes a JSON object
    [1]        the arguments are a list, and a tool takes a JSON object
    null       the arguments are null, and a tool takes a JSON object
    {          the arguments don't fit the tool's schema: EOF while parsing an object at line 1 column 1
    {"name":5} the arguments don't fit the tool's schema: invalid type: integer `5`, expected a string at line 1 column 9
    {}         the arguments don't fit the tool's schema: missing field `name` at line 1 column 2
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_a_tool_says_of_its_failure_passes_through() {
    let mut worker = Worker::of([
        tool("busy", |_| async {
            Err(ToolError::overloaded("the carrier allows 5 calls a minute")
                .retry_after(Duration::from_secs(12)))
        }),
        tool("unknown", |_| async {
            Err(Answer::error("there is no such order").into())
        }),
    ]);
    worker.post(&[item("busy", 1, LONG)]);
    let failure = worker.failure().await;
    assert_eq!(failure.kind, FailureKind::Overloaded);
    assert_eq!(failure.executed, Executed::No);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(12)));
    worker.post(&[item("unknown", 1, LONG)]);
    let Outcome::Completed(Completed { is_error, .. }) = worker.outcome().await else {
        panic!("a tool's own error is an answer");
    };
    assert!(is_error);
}

#[tokio::test(start_paused = true)]
async fn an_oversize_result_is_cut_and_an_oversize_image_fails() {
    let mut small = spec("small", Effect::Read);
    small.manifest.output_bytes_max = Some(2048);
    let mut worker = Worker::of([
        tool("text", |_| async {
            Ok(Answer::text("x".repeat(1_000_000)))
        }),
        tool("image", |_| async {
            Ok(Answer::parts(vec![Part::Image {
                media_type: "image/png".to_owned(),
                data: vec![0; 100_000],
            }]))
        }),
        tool_fn(small, |_: serde_json::Value, _| async {
            Ok(Answer::text("x".repeat(10_000)))
        })
        .into(),
    ]);
    for (name, bytes_max) in [
        ("text", super::harness::PAYLOAD_BYTES_MAX / 4),
        ("small", 2048),
    ] {
        worker.post(&[item(name, 1, LONG)]);
        let outcome = worker.outcome().await;
        assert!(outcome.bytes() <= bytes_max && outcome.bytes() > bytes_max / 2);
        let Outcome::Completed(completed) = outcome else {
            panic!("cut is not failed");
        };
        let [Part::Text(text)] = &completed.content[..] else {
            panic!("one text was expected");
        };
        assert!(
            text.contains("are left out here"),
            "it says that it was cut"
        );
    }
    worker.post(&[item("image", 1, LONG)]);
    let failure = worker.failure().await;
    assert_eq!(
        (failure.kind, failure.executed),
        (FailureKind::OutputTooLarge, Executed::Yes)
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_is_entered_only_under_its_grant() {
    let entered = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&entered);
    let pay = tool_fn(
        spec("pay", Effect::Write),
        move |_: serde_json::Value, call| {
            seen.store(true, Ordering::SeqCst);
            async move { Ok(Answer::text(call.idempotency_key())) }
        },
    );
    let mut worker = Worker::of([pay.into()]);
    worker.post(&[item("pay", 1, LONG)]);
    let acks = worker.acks().await;
    assert_eq!(acks[0].state, AckState::Waiting);
    assert!(!entered.load(Ordering::SeqCst));
    worker.grant(attempt("pay-1"), LONG);
    let key = format!("{}/1/pay-1", attempt("pay-1").run);
    assert_eq!(worker.outcome().await, Outcome::text(key));
    assert!(entered.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn the_callers_key_comes_before_the_derived_one() {
    let mut worker = Worker::of([tool("key", |call| async move {
        Ok(Answer::text(call.idempotency_key()))
    })]);
    let mut call = item("key", 1, LONG);
    call.key = Some("order-17".to_owned());
    worker.post(&[call]);
    assert_eq!(worker.outcome().await, Outcome::text("order-17"));
}
