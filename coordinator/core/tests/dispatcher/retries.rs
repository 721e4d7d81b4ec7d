//! Retries of failed attempts: delays, budgets, and who is never tried again.

use crate::bench::Bench;

#[test]
fn what_may_pass_is_tried_again_and_nothing_else() {
    for (word, again) in [
        ("crashed/yes", true),
        ("internal/unknown", true),
        ("timed_out/yes", true),
        ("overloaded/no", true),
        ("interrupted/no", true),
        ("cancelled/no", true),
        ("invalid_arguments/no", false),
        ("refused/no", false),
        ("unknown_tool/no", false),
        ("output_too_large/yes", false),
        ("protocol_error/no", false),
        ("error", false),
    ] {
        let mut bench = Bench::new();
        bench.join("a", 1, &["read"]);
        bench.turn(&["read"]);
        bench.result("call", "a", &format!("c1#1 {word}"));
        bench.wait(100);
        let lines = bench.lines();
        let last = lines.last().unwrap();
        assert_eq!(last == "call a: c1#2", again, "{word}: {lines:?}");
        assert_eq!(bench.counters().retries, u64::from(again));
    }
}

#[test]
fn a_tool_says_how_often_and_the_last_failure_is_the_calls() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read", "once"]);
    bench.turn(&["read", "once"]);
    bench.result("call", "a", "c1#1 crashed/yes, c2#1 crashed/yes");
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1"]);
    bench.wait(100);
    bench.result("call", "a", "c1#2 internal/no");
    bench.wait(200);
    bench.result("call", "a", "c1#3 overloaded/no");
    assert_eq!(
        bench.lines(),
        [
            "call a: c1#2",
            "call a: c1#3",
            // The first attempt ran (P19).
            "report settled: c1=overloaded/yes #3 @a, c2=crashed/yes #1 @a",
        ]
    );
}

#[test]
fn a_retry_goes_to_another_worker_if_there_is_one() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    bench.lines();
    bench.join("b", 1, &["read"]);
    bench.result("call", "a", "c1#1 crashed/yes");
    bench.wait(100);
    assert_eq!(bench.lines(), ["call b: c1#2"], "though a is freer");
}

#[test]
fn not_before_the_time_that_the_tool_asked_for() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read"]);
    bench.turn(&["read"]);
    bench.result("call", "a", "c1#1 overloaded/no/2000");
    bench.wait(1_999);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.wait(1);
    assert_eq!(bench.lines(), ["call a: c1#2"]);
}

#[test]
fn not_if_the_deadline_comes_first() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read"]);
    bench.turn_within(11, 2_000, &["read"]);
    bench.result("call", "a", "c1#1 overloaded/no/2000");
    assert_eq!(
        bench.lines(),
        ["call a: c1#1", "report settled: c1=overloaded/no #1 @a"]
    );
    // Nor if the tool asks for more than a clock holds.
    let mut bench = Bench::new();
    bench.join("a", 1, &["read"]);
    bench.turn(&["read"]);
    bench.result("call", "a", &format!("c1#1 overloaded/no/{}", u64::MAX));
    assert_eq!(bench.lines().len(), 2);
}

#[test]
fn the_budget_over_all_calls_runs_dry() {
    let mut bench = Bench::limited(|limits| {
        limits.retry_budget_min = 2;
        limits.retry_budget_percent = 0;
    });
    bench.join("a", 8, &["read"]);
    bench.turn(&["read"; 3]);
    bench.result(
        "call",
        "a",
        "c1#1 crashed/yes, c2#1 crashed/yes, c3#1 crashed/yes",
    );
    bench.wait(100);
    let lines = bench.lines();
    assert_eq!(
        lines.iter().filter(|line| line.contains("#2")).count(),
        2,
        "{lines:?}"
    );
    assert_eq!(
        (bench.counters().retries, bench.counters().retries_refused),
        (2, 1)
    );
}

#[test]
fn delays_are_spread_by_full_jitter() {
    let mut bench = Bench::limited(|limits| limits.retry_budget_min = 1_000);
    // As many as one message holds.
    bench.join("a", 128, &["read"]);
    bench.turn(&["read"; 128]);
    bench.lines();
    // Each failure is followed by a success, or the tool would be suspended.
    let words: Vec<String> = (1..=128)
        .map(|call| {
            format!(
                "c{call}#1 {}",
                if call % 2 == 0 { "ok" } else { "crashed/yes" }
            )
        })
        .collect();
    bench.result("call", "a", &words.join(", "));
    let mut posted = Vec::new();
    for _ in 0..4 {
        bench.wait(25);
        posted.push(bench.lines().join(" ").matches("#2").count());
    }
    assert_eq!(posted.iter().sum::<usize>(), 64, "{posted:?}");
    assert!(posted.iter().all(|quarter| *quarter > 8), "{posted:?}");
}

#[test]
fn what_may_run_once_is_not_tried_again_when_its_worker_is_lost() {
    for heard in ["c1#1 running", ""] {
        let mut bench = Bench::new();
        bench.join("a", 4, &["once"]);
        bench.turn_within(11, 30_000, &["once"]);
        assert_eq!(bench.lines(), ["call a: c1#1"]);
        if !heard.is_empty() {
            bench.ack("call", "a", heard);
        }
        bench.join("b", 4, &["once"]);
        bench.silence("a");
        bench.wait(8_000);
        let lines = bench.lines();
        let is_report = |line: &String| {
            line.starts_with("report settled: c1=worker_lost/") && line.ends_with("#1 @a")
        };
        assert!(lines.iter().any(is_report), "{lines:?}");
        assert!(
            !lines.iter().any(|line| line.starts_with("call")),
            "{lines:?}"
        );
    }
}
