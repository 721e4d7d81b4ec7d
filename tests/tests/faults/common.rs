//! What the fault tests share.

use std::collections::BTreeMap;

use callboard_tests::harness::referee::{LOOK, NOTE};
use callboard_tests::harness::{
    Callboard, Child, Ledger, Message, Report, contradictions, referee, until, workers,
};
use serde_json::json;

/// Two workers whose effects are counted, `slots` each.
pub(crate) struct Referees {
    pub(crate) ledger: Ledger,
    pub(crate) one: Child,
    _two: Child,
}

impl Referees {
    pub(crate) async fn start(url: &str, slots: u32) -> Self {
        let ledger = Ledger::new().unwrap();
        let binary = env!("CARGO_BIN_EXE_referee");
        let start = |name| referee::start(binary, url, name, slots, &ledger);
        let (one, _two) = (start("one").await.unwrap(), start("two").await.unwrap());
        Self { ledger, one, _two }
    }

    /// Checks each call's word against what was counted outside; returns how often each outcome came.
    pub(crate) fn check(&self, message: &Message, report: &Report) -> BTreeMap<String, usize> {
        let entries = self.ledger.entries().unwrap();
        let found = contradictions(&report.calls, &entries, |tool| tool == NOTE);
        assert_eq!(found, [""; 0]);
        assert_eq!(report.calls.len(), message.ids().len());
        let mut outcomes = BTreeMap::new();
        for call in &report.calls {
            *outcomes.entry(call.outcome.clone()).or_default() += 1;
        }
        outcomes
    }
}

/// `count` calls, every other one a `write`, of `ms` each.
pub(crate) fn load(count: usize, ms: u64) -> Message {
    (0..count).fold(Message::new(), |message, number| {
        let (id, tool) = if number % 2 == 0 {
            (format!("note-{number}"), NOTE)
        } else {
            (format!("look-{number}"), LOOK)
        };
        message.call(&id, tool, &json!({"ms": ms}))
    })
}

/// `callboard execute --json` on a message.
pub(crate) fn execute(message: &Message, url: &str) -> Callboard {
    Callboard::new(["execute", "--json"])
        .unwrap()
        .nats(url)
        .input(message.json())
}

/// Waits until the workers of these names are there, ready and idle, and nobody else is.
pub(crate) async fn are_ready(url: &str, names: &[&str]) {
    until("all workers ready and idle", async || {
        let mut there = workers(url).await?;
        there.sort_by(|one, other| one.worker.cmp(&other.worker));
        let all = there.len() == names.len()
            && there.iter().zip(names).all(|(worker, name)| {
                worker.worker == *name && worker.state == "ready" && worker.running == Some(0)
            });
        Ok(all.then_some(()))
    })
    .await
    .unwrap();
}
