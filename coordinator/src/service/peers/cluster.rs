//! This replica among the others: who is asked, and who decides about a key.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use callboard_proto::RunId;
use futures_util::future::join_all;

use super::answer;
use super::claims::{Claims, ranked};
use super::message::{Answer, Ask, Claim, Question, Target};
use super::{PeerError, Peers};
use crate::service::refusal::Refusal;
use crate::service::runs::{Begun, Kind, Order, Replica, RunList, Runs, Status};
use crate::service::token::Caller;

/// How long the server's word is waited for that nobody listens at a replica that fell silent. Chosen, not
/// measured: it comes at once.
const GONE_WITHIN: Duration = Duration::from_millis(300);

/// This replica among the others.
#[derive(Debug)]
pub(crate) struct Cluster {
    runs: Arc<Runs>,
    claims: Mutex<Claims>,
    /// Set once, before the first request; never for a single replica.
    peers: OnceLock<Arc<dyn Peers>>,
}

impl Cluster {
    pub(crate) fn new(runs: Arc<Runs>) -> Arc<Self> {
        Arc::new(Self {
            runs,
            claims: Mutex::default(),
            peers: OnceLock::new(),
        })
    }

    /// Gives it its way to the others.
    pub(crate) fn join(&self, peers: Arc<dyn Peers>) {
        // A second way would be no other.
        let _ = self.peers.set(peers);
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn others(&self) -> Vec<Replica> {
        self.peers
            .get()
            .map_or_else(Vec::new, |peers| peers.others())
    }

    /// Asks whoever holds a run.
    ///
    /// # Errors
    /// [`Refusal::RunGone`] where that replica has ended, and whatever it refuses.
    pub(crate) async fn of_run(
        &self,
        caller: &Caller,
        run: RunId,
        ask: Ask,
    ) -> Result<Answer, Refusal> {
        let replica = Replica::of(run).ok_or(Refusal::RunUnknown)?;
        let answer = self.ask(replica, caller, ask).await;
        answer.map_err(|error| match error {
            PeerError::Gone => Refusal::RunGone,
            PeerError::Silent => Refusal::ReplicaSilent,
            PeerError::Unlinked => Refusal::Unlinked,
        })
    }

    async fn ask(&self, to: Replica, caller: &Caller, ask: Ask) -> Result<Answer, PeerError> {
        let question = Question {
            caller: caller.clone(),
            ask,
        };
        if to == self.runs.replica() {
            return Ok(Box::pin(self.answer(question)).await);
        }
        match self.peers.get() {
            Some(peers) => peers.ask(to, question).await,
            None => Err(PeerError::Gone),
        }
    }

    /// Answers another replica, or itself.
    pub(crate) async fn answer(&self, question: Question) -> Answer {
        match &question.ask {
            Ask::Claim(claim) => Answer::Claimed(self.decide(&question.caller, claim).await),
            Ask::Release(claim) => {
                self.claims().release(claim);
                Answer::Claimed(None)
            }
            Ask::Held(claim) => Answer::Claimed(self.held(claim)),
            Ask::View(..)
            | Ask::Events(..)
            | Ask::Content(..)
            | Ask::Cancel(_)
            | Ask::List { .. } => answer::answer(&self.runs, question).await,
        }
    }

    /// What a key stands for in this replica's own book.
    fn held(&self, claim: &Claim) -> Option<Claim> {
        let (run, fingerprint) = self.runs.held(claim.kind, &claim.caller, &claim.key)?;
        Some(Claim {
            run,
            fingerprint,
            ..claim.clone()
        })
    }

    /// Gives a key away, or says what it stands for. A replica that has come to decide about it only
    /// now asks the others first: one of them may hold what an earlier decision allowed.
    async fn decide(&self, caller: &Caller, claim: &Claim) -> Option<Claim> {
        if let Some(found) = self.claims().find(claim).or_else(|| self.held(claim)) {
            return Some(found);
        }
        let ask = || Ask::Held(claim.clone());
        let asked = self.others().into_iter();
        let answers = join_all(asked.map(|other| self.ask(other, caller, ask()))).await;
        let held = answers
            .into_iter()
            .flatten()
            .find_map(|answer| answer.claimed().ok().flatten());
        let mut claims = self.claims();
        // Another request may have come meanwhile.
        let found = claims.find(claim).or(held);
        claims.set(found.as_ref().unwrap_or(claim));
        found
    }

    /// Claims the key of an order; gives what it stands for already. A single replica's book decides
    /// by itself.
    ///
    /// # Errors
    /// [`Refusal::KeyTaken`] where it stands for something else.
    pub(crate) async fn claim(&self, kind: Kind, order: &Order) -> Result<Option<Begun>, Refusal> {
        let Some(claim) = claim(kind, order).filter(|_| self.peers.get().is_some()) else {
            return Ok(None);
        };
        // Once more, where the key stands for what is kept no longer.
        for _ in 0..2 {
            let Some(found) = self.ask_about(&order.caller, &claim).await? else {
                return Ok(None);
            };
            if found.run == claim.run {
                return Ok(None);
            }
            if found.fingerprint != claim.fingerprint {
                return Err(Refusal::KeyTaken);
            }
            let target = Target {
                kind,
                run: found.run,
            };
            let view = self.of_run(&order.caller, found.run, Ask::View(target, 0));
            match view.await.and_then(Answer::view) {
                Ok(_) => {
                    return Ok(Some(Begun {
                        run: found.run,
                        is_repeated: true,
                    }));
                }
                Err(Refusal::RunUnknown | Refusal::RunGone) => {
                    self.give_back(&order.caller, &found).await;
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::ReplicaSilent)
    }

    /// Asks who decides about a key; who is gone decides no longer.
    async fn ask_about(&self, caller: &Caller, claim: &Claim) -> Result<Option<Claim>, Refusal> {
        for replica in self.ranked(claim) {
            match self.ask(replica, caller, Ask::Claim(claim.clone())).await {
                Ok(answer) => return answer.claimed(),
                Err(PeerError::Gone) => {}
                Err(PeerError::Silent) => return Err(Refusal::ReplicaSilent),
                Err(PeerError::Unlinked) => return Err(Refusal::Unlinked),
            }
        }
        Err(Refusal::Internal)
    }

    fn ranked(&self, claim: &Claim) -> Vec<Replica> {
        let mut all = self.others();
        all.push(self.runs.replica());
        ranked(claim, all)
    }

    /// Frees the key of an order that came to nothing.
    pub(crate) async fn release(&self, kind: Kind, order: &Order) {
        if let Some(claim) = claim(kind, order).filter(|_| self.peers.get().is_some()) {
            self.give_back(&order.caller, &claim).await;
        }
    }

    async fn give_back(&self, caller: &Caller, claim: &Claim) {
        for replica in self.ranked(claim) {
            let released = self.ask(replica, caller, Ask::Release(claim.clone())).await;
            if released.is_ok() {
                return;
            }
        }
    }

    /// The runs of all replicas that a caller sees, the latest first.
    ///
    /// # Errors
    /// What this replica refuses; the silence of others is part of the list.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        before: Option<RunId>,
        status: Option<Status>,
        limit: usize,
    ) -> Result<RunList, Refusal> {
        let mut replicas = self.others();
        replicas.push(self.runs.replica());
        let ask = || Ask::List {
            before,
            status,
            limit,
        };
        let asked = replicas.iter();
        let answers = join_all(asked.map(|replica| self.ask(*replica, caller, ask()))).await;
        let mut all = RunList::default();
        let mut has_more = false;
        for (replica, answer) in std::iter::zip(replicas, answers) {
            match answer {
                Ok(answer) => {
                    let list = answer.list()?;
                    all.counts.running += list.counts.running;
                    all.counts.ended += list.counts.ended;
                    has_more |= list.next.is_some();
                    all.runs.extend(list.runs);
                }
                // Its runs are gone with it.
                Err(PeerError::Gone) => {}
                Err(PeerError::Silent | PeerError::Unlinked) => {
                    all.silent_replicas.push(replica.to_string());
                }
            }
        }
        let silent = self.silent_ones(caller, ask).await;
        all.silent_replicas
            .extend(silent.iter().map(ToString::to_string));
        all.silent_replicas.sort();
        all.silent_replicas.dedup();
        // Ids sort by when their runs began, whoever holds them.
        all.runs.sort_by(|one, other| other.id.cmp(&one.id));
        has_more |= all.runs.len() > limit;
        all.runs.truncate(limit);
        let last = all.runs.last().filter(|_| has_more);
        all.next = last.map(|run| run.id.clone());
        Ok(all)
    }
}

impl Cluster {
    /// Replicas that fell silent and may hold runs: those of which the server doesn't say at once that nobody
    /// listens there any more.
    async fn silent_ones(&self, caller: &Caller, ask: impl Fn() -> Ask) -> Vec<Replica> {
        let silent = self.peers.get().map(|peers| peers.silent());
        let asked = silent.unwrap_or_default().into_iter().map(|replica| {
            let answer = self.ask(replica, caller, ask());
            async move {
                let answer = tokio::time::timeout(GONE_WITHIN, answer).await;
                (replica, answer)
            }
        });
        let answers = join_all(asked).await;
        let is_there = |answer: &Result<_, _>| !matches!(answer, Ok(Err(PeerError::Gone)));
        let there = answers.into_iter().filter(|(_, answer)| is_there(answer));
        there.map(|(replica, _)| replica).collect()
    }
}

fn claim(kind: Kind, order: &Order) -> Option<Claim> {
    Some(Claim {
        kind,
        caller: order.caller.name.clone(),
        key: order.key.clone()?,
        fingerprint: order.fingerprint.clone()?,
        run: order.run,
    })
}
