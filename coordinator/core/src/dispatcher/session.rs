//! Where the calls of an affine run go (P11): to the instance that holds the run's session.

use callboard_proto::{Affinity, Digest, InstanceId, Pool, RunId};
use rustc_hash::FxHashMap;

use super::Dispatcher;
use crate::ledger::{AttemptRef, CallRef};
use crate::registry::WorkerIndex;

/// An instance that a run is bound to, for the tools of its pool.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pool: Pool,
    pub(super) instance: InstanceId,
    /// Whether the instance was heard to have taken a call of the run; before, there is no session
    /// that could be lost.
    is_held: bool,
}

/// The sessions of all runs: at most one per run and pool.
pub(super) type Sessions = FxHashMap<RunId, Vec<Session>>;

impl Dispatcher {
    /// The session of a run for a tool, if its first affine call was placed.
    pub(super) fn session(&self, run: RunId, digest: Digest) -> Option<&Session> {
        let sessions = self.sessions.get(&run)?;
        let mut pools = self
            .registry
            .pool(digest)
            .iter()
            .filter_map(|index| self.registry.worker(*index))
            .map(|worker| &worker.address.pool);
        let found = pools.find_map(|pool| sessions.iter().find(|session| session.pool == *pool));
        let session = match (found, sessions.as_slice()) {
            (Some(session), _) => session,
            // Nobody serves the tool now: if this run has one session only, it was there.
            (None, [session]) if self.registry.pool(digest).is_empty() => session,
            (None, _) => return None,
        };
        (session.is_held || self.registry.find(session.instance).is_some()).then_some(session)
    }

    /// Whether no call can reach a session any more: its instance is lost, or takes no more calls.
    pub(super) fn is_gone(&self, session: &Session) -> bool {
        self.registry
            .find(session.instance)
            .and_then(|index| self.registry.worker(index))
            .is_none_or(|worker| session.is_held && worker.draining)
    }

    /// Binds a run to the instance that its call was placed on, unless it is bound in that pool.
    pub(super) fn bind(&mut self, run: RunId, index: WorkerIndex, is_held: bool) {
        let Some(worker) = self.registry.worker(index) else {
            return;
        };
        let (pool, instance) = (&worker.address.pool, worker.instance());
        let sessions = self.sessions.entry(run).or_default();
        let bound = sessions.iter_mut().find(|session| session.pool == *pool);
        match bound {
            Some(session) if session.instance == instance => session.is_held |= is_held,
            // What a lost instance was never heard to have begun may begin here.
            Some(session) if !session.is_held && self.registry.find(session.instance).is_none() => {
                *session = Session {
                    pool: pool.clone(),
                    instance,
                    is_held,
                };
            }
            Some(_) => {}
            None => sessions.push(Session {
                pool: pool.clone(),
                instance,
                is_held,
            }),
        }
    }

    /// An instance was heard to have taken an attempt: from now on it holds the session.
    pub(super) fn hold_session(&mut self, at: AttemptRef) {
        let Some((run, index)) = self.bound_attempt(at) else {
            return;
        };
        self.bind(run, index, true);
        if self
            .registry
            .worker(index)
            .is_some_and(|worker| worker.draining)
        {
            self.fail_unbound();
        }
    }

    /// An instance did not take the call that its run was bound by: the run may begin elsewhere.
    pub(super) fn unbind(&mut self, at: CallRef, instance: InstanceId) {
        if let Some(run) = self.affine_run(at)
            && let Some(sessions) = self.sessions.get_mut(&run)
        {
            sessions.retain(|session| session.is_held || session.instance != instance);
        }
    }

    fn bound_attempt(&self, at: AttemptRef) -> Option<(RunId, WorkerIndex)> {
        let run = self.affine_run(at.call)?;
        let call = self.call(at.call)?;
        let attempt = &call.live[call.attempt(at.number)?];
        Some((run, attempt.worker))
    }

    fn affine_run(&self, at: CallRef) -> Option<RunId> {
        let turn = self.turns.get(at.turn)?;
        let posting = turn.calls[at.index as usize].posting.as_ref()?;
        (posting.manifest.affinity == Affinity::Run).then_some(turn.key.run)
    }
}
