#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::run::RunEnd;
use callboard_coordinator_core::{CallEvent, EventKind};
use callboard_proto::{Attempt, CallKey, Executed, FailureKind, RunId, ToolName, ToolUseId, Turn};

use super::entry::{CallName, Happening};
use super::log::{Missed, RunLog};
use super::recorder::RunLogs;
use crate::dispatch::ObserveCalls as _;
use crate::model::ToolUse;
use crate::run::{Observe as _, RunEvent};

fn asked(turn: u32) -> Happening {
    Happening::ModelAsked { turn }
}

fn progress(id: &str, percent: u8) -> Happening {
    Happening::CallProgress {
        call: CallName {
            turn: 1,
            id: id.to_owned(),
        },
        attempt: 1,
        percent: Some(percent),
        message: None,
    }
}

fn seqs(log: &RunLog, after: u64) -> Vec<u64> {
    let entries = log.read(after, usize::MAX).unwrap();
    entries.iter().map(|entry| entry.seq).collect()
}

#[test]
fn a_reader_goes_on_after_what_it_has() {
    let log = RunLog::new();
    for turn in 1..=5 {
        log.write(asked(turn));
    }
    assert_eq!(seqs(&log, 0), [1, 2, 3, 4, 5]);
    assert_eq!(seqs(&log, 3), [4, 5]);
    assert_eq!(seqs(&log, 5), [0; 0]);
    assert_eq!(seqs(&log, 9), [0; 0]);
    assert_eq!(log.read(1, 2).unwrap().last().unwrap().seq, 3);
}

#[test]
fn an_entry_is_written_once_for_all_its_readers() {
    let log = RunLog::new();
    log.write(asked(1));
    let [one, other] = [log.tell(0, 1).unwrap(), log.tell(0, 1).unwrap()];
    assert_eq!(one[0].name, "model_asked");
    assert!(std::sync::Arc::ptr_eq(&one[0].data, &other[0].data));
}

#[test]
fn of_progress_only_the_latest_of_each_call_is_kept() {
    let log = RunLog::new();
    for percent in [10, 20, 30] {
        log.write(progress("a", percent));
        log.write(progress("b", percent));
    }
    assert_eq!(seqs(&log, 0), [5, 6]);
    assert_eq!(seqs(&log, 5), [6], "numbers are never given twice");
}

#[test]
fn who_asks_for_what_is_gone_is_told() {
    let log = RunLog::new();
    for turn in 1..=super::log::ENTRIES_MAX + 2 {
        log.write(asked(u32::try_from(turn).unwrap()));
    }
    assert_eq!(log.read(1, 1), Err(Missed { first_kept: 3 }));
    assert_eq!(
        log.read(0, 1).unwrap_err().to_string(),
        "the first 2 entries of the run are kept no longer"
    );
    assert_eq!(log.read(2, 1).unwrap()[0].seq, 3);
}

#[tokio::test]
async fn a_reader_is_woken_and_learns_of_the_end() {
    let log = Arc::new(RunLog::new());
    let reader = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            let mut seen = 0;
            while log.wait(seen).await {
                seen = log.read(seen, 1).unwrap()[0].seq;
            }
            seen
        }
    });
    for turn in 1..=100 {
        log.write(asked(turn));
        tokio::task::yield_now().await;
    }
    log.write(Happening::RunEnded {
        reason: "answered".into(),
        message: None,
    });
    assert_eq!(reader.await.unwrap(), 101);
    assert!(log.is_over());
}

#[test]
fn a_run_is_written_down_as_it_is_told() {
    let logs = Arc::new(RunLogs::default());
    let run: RunId = "00000000000000000000000000000001".parse().unwrap();
    let (log, mut recorder) = logs.begin(run, "script", None);
    let turn = Turn(1);
    let call = CallKey {
        run,
        turn,
        id: ToolUseId::minted(0),
    };
    let tell = |kind| {
        logs.observe(&CallEvent {
            call: call.clone(),
            kind,
        });
    };
    recorder.observe(&RunEvent::Asked { turn });
    recorder.observe(&RunEvent::Answered {
        turn,
        text: "Let me look.",
        calls: &[ToolUse::new(ToolUseId::minted(0), "orders", "{}")],
        stop_reason: "tool_use",
        usage: None,
    });
    recorder.observe(&RunEvent::Opened {
        turn,
        time: Duration::from_secs(30),
    });
    let tool = Some(ToolName::new("orders").unwrap());
    tell(EventKind::Opened { tool });
    tell(EventKind::Returned {
        attempt: Attempt(1),
        why: "busy",
        delay: Duration::from_micros(1_500),
    });
    tell(EventKind::Settled {
        kind: Some(FailureKind::TimedOut),
        is_error: false,
        message: "It took too long.".to_owned(),
        executed: Executed::Unknown,
        worker: None,
        attempts: 2,
        elapsed: Duration::from_secs(1),
        queued: Duration::ZERO,
        ran_for: Duration::ZERO,
    });
    recorder.observe(&RunEvent::Ended(&RunEnd::TurnsExhausted));
    tell(EventKind::LateResult {
        attempt: Attempt(2),
        kind: None,
    });
    logs.end(run);
    tell(EventKind::LateResult {
        attempt: Attempt(3),
        kind: None,
    });
    let entries = log.read(1, usize::MAX).unwrap();
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            let read = serde_json::to_string(&**entry).unwrap();
            assert_eq!(
                serde_json::from_str::<super::Entry>(&read).unwrap(),
                **entry
            );
            let mut value = serde_json::to_value(&**entry).unwrap();
            value.as_object_mut().unwrap().shift_remove("at_ms");
            assert_eq!(value["type"], entry.what.name());
            value.to_string()
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert!(log.is_over());
}
