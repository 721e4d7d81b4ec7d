//! Three tools: one that reads for a while, one that writes once, one that blocks its thread.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callboard_worker::tool::{Answer, Tool, ToolBuilder, ToolError, ToolsError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// What `report` takes. The comments are what the model reads of each field.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Report {
    /// Months to look at, newest first.
    #[schemars(range(min = 1, max = 24))]
    months: u32,
}

/// Reads, says how far it is, and ends in its own way when it is stopped.
pub(crate) fn report() -> Result<Arc<dyn Tool>, ToolsError> {
    ToolBuilder::read("report", "Sums up the bookings of the last months.")
        .attempt_timeout(Duration::from_secs(30))
        .slots(4)
        .run(|Report { months }, call| async move {
            let stop = call.cancellation();
            for month in 1..=months {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(20)) => {}
                    () = stop.cancelled() => return Err(ToolError::cancelled()),
                }
                let percent = u8::try_from(month * 100 / months).unwrap_or(100);
                call.progress(Some(percent), Some("reading the books"));
            }
            Answer::json(&json!({ "months": months, "bookings": months * 31 }))
        })
}

/// What `book` takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Book {
    /// The account's number.
    account: String,
    /// Cents; negative for a withdrawal.
    cents: i64,
}

/// Writes. Callboard enters it at most once for each call; the key lets the ledger itself refuse a
/// repetition too, should the answer to the first be lost on its way from there.
pub(crate) fn book() -> Result<Arc<dyn Tool>, ToolsError> {
    let ledger: Arc<Mutex<BTreeMap<String, i64>>> = Arc::default();
    ToolBuilder::write("book", "Books an amount on an account.").run(
        move |Book { account, cents }, call| {
            let ledger = Arc::clone(&ledger);
            async move {
                if cents == 0 {
                    return Err(Answer::error("an amount of nothing can't be booked").into());
                }
                let key = call.idempotency_key();
                let mut booked = ledger.lock().unwrap_or_else(PoisonError::into_inner);
                let cents = *booked.entry(key.clone()).or_insert(cents);
                Answer::json(&json!({ "account": account, "cents": cents, "booking": key }))
            }
        },
    )
}

/// What `digest` takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Digest {
    /// The text.
    text: String,
    /// How often it is gone through.
    #[serde(default = "once")]
    rounds: u32,
}

fn once() -> u32 {
    1
}

/// Computes, on a thread of its own: other tools go on meanwhile.
pub(crate) fn digest() -> Result<Arc<dyn Tool>, ToolsError> {
    ToolBuilder::read("digest", "Gives a number that changes with the text.")
        .slots(2)
        .run_blocking(|Digest { text, rounds }, call| {
            let stop = call.cancellation();
            let mut sum = 0_u64;
            for _ in 0..rounds {
                if stop.is_cancelled() {
                    return Err(ToolError::cancelled());
                }
                for byte in text.bytes() {
                    sum = sum.wrapping_mul(31).wrapping_add(u64::from(byte));
                }
            }
            Ok(Answer::text(sum.to_string()))
        })
}
