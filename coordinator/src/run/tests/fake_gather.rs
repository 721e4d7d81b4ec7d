//! Gathers without workers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_coordinator_core::{
    CallReport, CancelReason, NewCall, Report, StopReason, TurnOptions,
};
use callboard_proto::{
    Completed, Executed, FailureKind, Outcome, Part, RunId, TurnKey, WorkerName,
};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::run::{Gather, GatherLost, Gathering};

/// Each call answers with its arguments 300 ms after it came; the tool `broken` fails, `slow` takes
/// until the turn's deadline, `lost` loses the report.
#[derive(Clone)]
pub(super) struct FakeGather {
    cancelled: watch::Sender<Option<CancelReason>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl FakeGather {
    pub(super) fn new() -> Self {
        Self {
            cancelled: watch::Sender::new(None),
            seen: Arc::default(),
        }
    }

    /// What it was told, in order.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The last cancel.
    pub(super) fn cancelled(&self) -> watch::Receiver<Option<CancelReason>> {
        self.cancelled.subscribe()
    }

    fn see(&self, what: String) {
        self.seen.lock().unwrap().push(what);
    }
}

/// A turn without workers.
pub(super) struct FakeTurn {
    gather: FakeGather,
    turn: TurnKey,
    options: TurnOptions,
    opened: Instant,
    calls: Vec<(NewCall, Instant)>,
    is_sealed: bool,
    cancelled: Option<Instant>,
    is_over: bool,
}

impl FakeTurn {
    /// When a call ends, if nobody cancels it, and whether its deadline does it.
    fn end(&self, call: &NewCall, opened: Instant) -> (Instant, bool) {
        let deadline = Instant::from_std(self.options.deadline);
        let own = self.options.call_deadline.map(|time| opened + time);
        let deadline = own.map_or(deadline, |own| own.min(deadline));
        match tool(call) {
            None => (opened, false),
            Some("slow") => (deadline, true),
            Some(_) => (opened + Duration::from_millis(300), false),
        }
    }

    fn call_report(&self, call: &NewCall, opened: Instant) -> CallReport {
        let (end, at_deadline) = self.end(call, opened);
        let cancelled = self.cancelled.filter(|cancelled| *cancelled < end);
        let elapsed = cancelled.unwrap_or(end) - opened;
        let posting = call.body.as_ref();
        let outcome = match posting {
            Err(failure) => Outcome::Failed(failure.clone()),
            Ok(_) if cancelled.is_some() => {
                Outcome::failed(FailureKind::Cancelled, "stopped", Executed::Yes)
            }
            Ok(_) if at_deadline => {
                Outcome::failed(FailureKind::TimedOut, "too slow", Executed::Yes)
            }
            Ok(posting) if posting.tool.as_str() == "broken" => Outcome::Completed(Completed {
                content: vec![Part::Text("no".to_owned())],
                is_error: true,
            }),
            Ok(posting) => {
                let arguments = String::from_utf8(posting.arguments.to_vec()).unwrap();
                Outcome::Completed(Completed {
                    content: vec![Part::Json(arguments)],
                    is_error: false,
                })
            }
        };
        CallReport {
            id: call.id.clone(),
            tool: posting.ok().map(|posting| posting.tool.clone()),
            outcome,
            attempts: u32::from(call.body.is_ok()),
            worker: Some(WorkerName::new("w1").unwrap()),
            elapsed,
            queued: Duration::ZERO,
            executed: elapsed,
        }
    }
}

fn tool(call: &NewCall) -> Option<&str> {
    call.body.as_ref().ok().map(|posting| posting.tool.as_str())
}

fn describe(call: &NewCall) -> String {
    match &call.body {
        Ok(posting) => {
            let arguments = std::str::from_utf8(&posting.arguments).unwrap();
            format!("{} {arguments}", posting.tool)
        }
        Err(failure) => failure.kind.to_string(),
    }
}

impl Gathering for FakeTurn {
    fn add(&mut self, calls: Vec<NewCall>) {
        assert!(!self.is_sealed);
        let word = if self.calls.is_empty() { "turn" } else { "add" };
        let described: Vec<_> = calls.iter().map(describe).collect();
        if !described.is_empty() {
            let turn = self.turn.turn.0;
            self.gather
                .see(format!("{word} {turn}: {}", described.join("; ")));
        }
        let now = Instant::now();
        self.calls.extend(calls.into_iter().map(|call| (call, now)));
    }

    fn seal(&mut self) {
        self.is_sealed = true;
        if Instant::now() > self.opened {
            self.gather.see(format!("seal {}", self.turn.turn.0));
        }
    }

    fn cancel(&mut self, reason: CancelReason) {
        self.cancelled.get_or_insert(Instant::now());
        self.gather.see(format!("cancel {}", self.turn.turn.0));
        self.gather.cancelled.send_replace(Some(reason));
    }

    async fn report(&mut self) -> Result<Report, GatherLost> {
        assert!(!self.is_over);
        if !self.is_sealed {
            return std::future::pending().await;
        }
        if self
            .calls
            .iter()
            .any(|(call, _)| tool(call) == Some("lost"))
        {
            self.is_over = true;
            return Err(GatherLost);
        }
        let ends = self.calls.iter().map(|(call, at)| self.end(call, *at).0);
        let end = ends.max().unwrap_or_else(Instant::now);
        tokio::time::sleep_until(self.cancelled.map_or(end, |at| at.min(end))).await;
        self.is_over = true;
        let deadline = Instant::from_std(self.options.deadline);
        Ok(Report {
            turn: self.turn,
            calls: self
                .calls
                .iter()
                .map(|(call, opened)| self.call_report(call, *opened))
                .collect(),
            stopped: match self.cancelled {
                Some(_) => StopReason::Cancelled,
                None if deadline <= Instant::now() => StopReason::Deadline,
                None => StopReason::Settled,
            },
            elapsed: self.opened.elapsed(),
        })
    }
}

impl Drop for FakeTurn {
    fn drop(&mut self) {
        if !self.is_over {
            let reason = Some(CancelReason::Asked);
            self.gather.cancelled.send_replace(reason);
        }
    }
}

impl Gather for FakeGather {
    type Gathering = FakeTurn;

    fn open(&self, turn: TurnKey, options: TurnOptions) -> FakeTurn {
        FakeTurn {
            gather: self.clone(),
            turn,
            options,
            opened: Instant::now(),
            calls: Vec::new(),
            is_sealed: false,
            cancelled: None,
            is_over: false,
        }
    }

    fn end_run(&self, _run: RunId) {
        self.see("end".to_owned());
    }
}
