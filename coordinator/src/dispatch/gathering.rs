//! A turn in the dispatcher's hands, as its asker holds it.

use std::collections::VecDeque;
use std::time::Duration;

use callboard_coordinator_core::{CallReport, CancelReason, NewCall, Report, TurnOptions};
use callboard_proto::{Executed, Failure, FailureKind, Outcome, TurnKey};
use tokio::sync::{mpsc, oneshot};

use super::handle::{CHUNK_CALLS, Gone};
use super::message::Message;
use crate::run::{GatherLost, Gathering};

/// A turn that is opened, filled, sealed and reported. What it is told is handed over while its report
/// is awaited: all that has come together travels together, but for turns that are very wide.
///
/// Dropped before its report is there, it cancels the turn: no call runs on for nobody.
#[derive(Debug)]
pub struct OpenTurn {
    mailbox: mpsc::Sender<Message>,
    turn: TurnKey,
    /// What the dispatcher wasn't told yet.
    opening: Option<(TurnOptions, oneshot::Sender<Report>)>,
    calls: VecDeque<NewCall>,
    sealing: bool,
    cancelling: Option<CancelReason>,
    is_sealed: bool,
    /// Nothing, once the report was there.
    reported: Option<oneshot::Receiver<Report>>,
}

impl OpenTurn {
    pub(super) fn new(mailbox: mpsc::Sender<Message>, turn: TurnKey, options: TurnOptions) -> Self {
        let (report, reported) = oneshot::channel();
        Self {
            mailbox,
            turn,
            opening: Some((options, report)),
            calls: VecDeque::new(),
            sealing: false,
            cancelling: None,
            is_sealed: false,
            reported: Some(reported),
        }
    }

    /// Adds calls after those that it has. Never waits; without effect once the turn is sealed.
    pub fn add(&mut self, calls: Vec<NewCall>) {
        if !self.is_sealed {
            self.calls.extend(calls);
        }
    }

    /// Says that no more calls come: the turn is reported as soon as all are settled. Never waits.
    pub fn seal(&mut self) {
        self.sealing |= !self.is_sealed;
        self.is_sealed = true;
    }

    /// Ends all calls of the turn, those to come included; its report follows once it is sealed. Never waits.
    pub fn cancel(&mut self, reason: CancelReason) {
        self.cancelling.get_or_insert(reason);
    }

    /// Hands over what was added, and waits for the report: one outcome for each call, in call order.
    /// It never ends before the turn is sealed, nor after it gave the report.
    ///
    /// # Errors
    /// When the dispatcher has ended without it.
    ///
    /// # Cancel safety
    /// Cancel safe: what wasn't handed over is kept for the next time.
    pub async fn report(&mut self) -> Result<Report, Gone> {
        // What can't be handed over meets a dispatcher that is shutting down: it still reports the rest.
        let _ = self.hand_over().await;
        let Some(reported) = self.reported.as_mut().filter(|_| self.is_sealed) else {
            return std::future::pending().await;
        };
        let report = reported.await.map_err(|_| Gone);
        self.reported = None;
        let mut report = report?;
        let missed = self.calls.drain(..).map(never_posted);
        report.calls.extend(missed);
        Ok(report)
    }

    /// Hands over what was added.
    pub(super) async fn hand_over(&mut self) -> Result<(), Gone> {
        while self.opening.is_some() || !self.calls.is_empty() || self.sealing {
            let Ok(permit) = self.mailbox.reserve().await else {
                // Whoever was never told of the turn never reports it.
                self.opening = None;
                return Err(Gone);
            };
            let turn = self.turn;
            let chunk = self.calls.len().min(CHUNK_CALLS);
            let calls: Vec<_> = self.calls.drain(..chunk).collect();
            let is_whole = self.calls.is_empty() && std::mem::take(&mut self.sealing);
            permit.send(match self.opening.take() {
                Some((options, report)) => Message::Gather {
                    turn,
                    options,
                    calls,
                    is_whole,
                    report,
                },
                None => Message::More {
                    turn,
                    calls,
                    is_whole,
                },
            });
            if !self.calls.is_empty() {
                // On a runtime of one thread the actor posts what it has meanwhile.
                tokio::task::yield_now().await;
            }
        }
        if let Some(reason) = self.cancelling {
            let permit = self.mailbox.reserve().await.map_err(|_| Gone)?;
            self.cancelling = None;
            permit.send(Message::CancelTurn {
                turn: self.turn,
                reason,
            });
        }
        Ok(())
    }
}

/// A call that came after the dispatcher was told to end.
fn never_posted(call: NewCall) -> CallReport {
    let (tool, failure) = match call.body {
        Ok(posting) => (
            Some(posting.tool),
            Failure::new(
                FailureKind::Interrupted,
                "the coordinator was told to end before the call was posted",
                Executed::No,
            ),
        ),
        Err(failure) => (None, failure),
    };
    CallReport {
        id: call.id,
        tool,
        outcome: Outcome::Failed(failure),
        attempts: 0,
        worker: None,
        elapsed: Duration::ZERO,
        queued: Duration::ZERO,
        executed: Duration::ZERO,
    }
}

impl Gathering for OpenTurn {
    fn add(&mut self, calls: Vec<NewCall>) {
        Self::add(self, calls);
    }

    fn seal(&mut self) {
        Self::seal(self);
    }

    fn cancel(&mut self, reason: CancelReason) {
        Self::cancel(self, reason);
    }

    async fn report(&mut self) -> Result<Report, GatherLost> {
        Self::report(self).await.map_err(|Gone| GatherLost)
    }
}

impl Drop for OpenTurn {
    fn drop(&mut self) {
        if self.opening.is_none() && self.reported.is_some() {
            // With a full mailbox the actor finds the closed channel at its next look.
            let turn = self.turn;
            let _ = self.mailbox.try_send(Message::Abandon { turn });
        }
    }
}
