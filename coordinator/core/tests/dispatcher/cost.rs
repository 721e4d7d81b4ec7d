//! What a call costs in the dispatcher alone: a measurement to look at, with
//! `cargo test --release -p callboard-coordinator-core --test dispatcher cost -- --nocapture`.

use std::time::{Duration, Instant};

use callboard_coordinator_core::{Effect, Input, NewCall};
use callboard_proto::codec::Batch;
use callboard_proto::message::{AckItem, AckState, ResultItem};
use callboard_proto::{AttemptKey, Outcome, Token, ToolUseId};

use crate::bench::Bench;
use crate::words;

#[expect(clippy::disallowed_methods, reason = "this measures")]
fn clock() -> Instant {
    Instant::now()
}

/// Runs one turn whose calls are answered at once, batch by batch; the time that the dispatcher took.
fn turn(bench: &mut Bench, number: u32, calls: u32, tool: &str, slots: u32) -> Duration {
    let posting = Bench::posting(tool, "{\"order_id\":\"A-1001\"}");
    let new: Vec<NewCall> = (0..calls)
        .map(|call| NewCall {
            id: ToolUseId::new(format!("toolu_{call:018}")).unwrap(),
            body: Ok(posting.clone()),
        })
        .collect();
    let key = words::turn_key(number);
    let now = bench.instant(bench.now);
    bench.fake("a").free = slots;
    bench.beat("a");
    let began = clock();
    bench.open(number, 60_000);
    for call in new {
        bench
            .core
            .handle_input(Input::Call { turn: key, call }, now);
    }
    bench.seal(number);
    let mut took = clock() - began;
    let mut arrived: Vec<(Token, bool, Vec<AttemptKey>)> = Vec::new();
    loop {
        let began = clock();
        let mut is_over = false;
        while let Some(effect) = bench.core.poll_effect() {
            match effect {
                Effect::Call { token, items, .. } => {
                    let waits = tool == "write";
                    arrived.push((
                        token,
                        waits,
                        items.into_iter().map(|item| item.of).collect(),
                    ));
                }
                Effect::Grant { token, items, .. } => {
                    arrived.push((
                        token,
                        false,
                        items.into_iter().map(|item| item.of).collect(),
                    ));
                }
                Effect::Report(report) => {
                    // Whoever takes it drops it.
                    assert_eq!(report.calls.len() as u64, u64::from(calls));
                    is_over = true;
                }
                Effect::Cancel { .. }
                | Effect::Status { .. }
                | Effect::Echo { .. }
                | Effect::Describe { .. }
                | Effect::Event(_) => {}
            }
        }
        took += clock() - began;
        if is_over {
            return took;
        }
        assert!(!arrived.is_empty(), "the turn goes on");
        for (token, waits, attempts) in arrived.drain(..) {
            for attempts in attempts.chunks(64) {
                let input = answer(bench, token, waits, attempts);
                let now = bench.instant(bench.now);
                let began = clock();
                bench.core.handle_input(input, now);
                took += clock() - began;
            }
        }
    }
}

fn answer(bench: &mut Bench, token: Token, waits: bool, attempts: &[AttemptKey]) -> Input {
    let head = bench.head("a");
    if waits {
        let ack = |of: &AttemptKey| {
            Ok(AckItem {
                of: of.clone(),
                state: AckState::Waiting,
                grant: None,
                tool_full: false,
            })
        };
        let items = attempts.iter().map(ack).collect();
        return Input::Ack {
            token,
            batch: Batch { head, items },
        };
    }
    let result = |of: &AttemptKey| {
        Ok(ResultItem {
            of: of.clone(),
            outcome: Outcome::text("two hundred bytes, more or less".repeat(6)),
            queued: Duration::ZERO,
            executed: Duration::ZERO,
        })
    };
    let items = attempts.iter().map(result).collect();
    Input::Result {
        token,
        batch: Batch { head, items },
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the measurement is read by people")]
fn cost_of_a_call_in_the_dispatcher_alone() {
    let mut bench = Bench::new();
    bench.join("a", 100_000, &["read", "write"]);
    let mut number = 11;
    for (calls, tool, slots) in [
        (1, "read", 100_000),
        (10, "read", 100_000),
        (1_000, "read", 100_000),
        (10_000, "read", 100_000),
        (10_000, "read", 64),
        (10_000, "write", 100_000),
    ] {
        let repeats: u32 = match calls {
            // Without optimisation the numbers mean nothing.
            _ if cfg!(debug_assertions) => 1,
            0..1_000 => 1_000,
            _ => 20,
        };
        let mut times: Vec<Duration> = (0..repeats)
            .map(|_| {
                number += 10;
                turn(&mut bench, number, calls, tool, slots)
            })
            .collect();
        times.sort();
        let median = times[times.len() / 2];
        let per_call = median.as_nanos() / u128::from(calls);
        println!(
            "{calls:6} {tool:5} on {slots:6} slots: {median:>12?} a turn, {per_call:>6} ns a call"
        );
    }
}
