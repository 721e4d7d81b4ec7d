//! Finds what was begun, for who may see it.

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::CancelReason;
use callboard_proto::RunId;

use super::act::{Act, Kind};
use super::book::Key;
use super::view::{CallContent, Events, Page, RunCounts, RunList, RunView};
use super::{Runs, Status};
use crate::service::refusal::Refusal;
use crate::service::token::Caller;

impl Runs {
    fn find(&self, caller: &Caller, kind: Kind, run: RunId) -> Result<Arc<Act>, Refusal> {
        let mut state = self.state();
        let act = state.book_mut(kind).find(run).cloned();
        act.filter(|act| act.is_seen_by(caller))
            .ok_or(Refusal::RunUnknown)
    }

    /// A run, as it stands; with a time to wait, as it stands when it has ended or the time is over.
    ///
    /// # Errors
    /// [`Refusal::RunUnknown`].
    pub(crate) async fn view(
        &self,
        caller: &Caller,
        kind: Kind,
        run: RunId,
        wait: Duration,
    ) -> Result<RunView, Refusal> {
        let mut starting = self.starting.subscribe();
        // The sender is our own, which outlives the borrow.
        let _ = starting.wait_for(|runs| !runs.contains(&run)).await;
        let act = self.find(caller, kind, run)?;
        if !wait.is_zero() && act.ended().is_none() {
            // Whether it has ended is told by the view.
            let _ = tokio::time::timeout(wait, act.finished()).await;
        }
        Ok(act.view(true))
    }

    /// Some of its events.
    ///
    /// # Errors
    /// [`Refusal::RunUnknown`].
    pub(crate) async fn events(
        &self,
        caller: &Caller,
        kind: Kind,
        run: RunId,
        wanted: Events,
    ) -> Result<Page, Refusal> {
        Ok(self.find(caller, kind, run)?.events(wanted).await)
    }

    /// What one of its calls was given and answered.
    ///
    /// # Errors
    /// [`Refusal::RunUnknown`], [`Refusal::ContentOff`] or [`Refusal::CallUnknown`].
    pub(crate) fn content(
        &self,
        caller: &Caller,
        run: RunId,
        turn: u32,
        call: &str,
    ) -> Result<CallContent, Refusal> {
        self.find(caller, Kind::Run, run)?.content(turn, call)
    }

    /// Asks a run to end: every call is settled first.
    ///
    /// # Errors
    /// [`Refusal::RunUnknown`].
    pub(crate) fn cancel(
        &self,
        caller: &Caller,
        kind: Kind,
        run: RunId,
    ) -> Result<RunView, Refusal> {
        let act = self.find(caller, kind, run)?;
        if act.ended().is_none() {
            act.cancel(CancelReason::Asked);
        }
        Ok(act.view(false))
    }

    /// The runs that a caller sees, the latest first.
    pub(crate) fn list(
        &self,
        caller: &Caller,
        before: Option<RunId>,
        status: Option<Status>,
        limit: usize,
    ) -> RunList {
        let state = self.state();
        let is_seen = |act: &Arc<Act>| act.is_seen_by(caller);
        let counts = state.runs.counts(is_seen);
        let page = state.runs.list(before, status, is_seen, limit + 1);
        let mut acts: Vec<Arc<Act>> = page.into_iter().map(|(_, act)| Arc::clone(act)).collect();
        drop(state);
        let has_more = acts.len() > limit;
        acts.truncate(limit);
        let runs: Vec<RunView> = acts.iter().map(|act| act.view(false)).collect();
        RunList {
            next: runs.last().filter(|_| has_more).map(|run| run.id.clone()),
            runs,
            counts: RunCounts {
                running: counts.running,
                ended: counts.ended,
            },
            silent_replicas: Vec::new(),
        }
    }

    /// What a key stands for here, with the fingerprint of what was asked for.
    pub(crate) fn held(&self, kind: Kind, caller: &str, key: &str) -> Option<(RunId, String)> {
        let key = Key {
            caller: caller.to_owned(),
            key: key.to_owned(),
        };
        let mut state = self.state();
        let book = state.book_mut(kind);
        let run = book.by_key(&key)?;
        let act = book.find(run)?;
        Some((run, act.about.fingerprint.clone().unwrap_or_default()))
    }
}
