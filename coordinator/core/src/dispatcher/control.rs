//! What is said about calls that are out: grants, cancels, questions; one message per instance.

use callboard_proto::Token;
use callboard_proto::message::{
    CancelHead, CancelItem, GrantHead, GrantItem, StatusHead, StatusItem,
};

use super::Dispatcher;
use crate::effect::{Address, Effect, EventKind};
use crate::ledger::{Attempt, AttemptRef};
use crate::registry::WorkerIndex;
use crate::sent::{Errand, Sent};

/// Bytes that a grant, cancel or question takes beyond its `tool_use_id` (measured: 98).
const CONTROL_BYTES: usize = 128;

impl Dispatcher {
    pub(super) fn post_grants(&mut self, index: WorkerIndex, grants: Vec<(AttemptRef, GrantItem)>) {
        let Some((to, seen, bytes_max)) = self.address(index) else {
            return;
        };
        // What was settled or cancelled since is not let run.
        let grants: Vec<_> = grants
            .into_iter()
            .filter(|(at, _)| {
                let is_wanted = self.call(at.call).is_some_and(|call| !call.cancel_asked);
                is_wanted && self.attempt_mut(*at).is_some()
            })
            .collect();
        for chunk in chunks(
            grants,
            bytes_max,
            self.config.limits.batch_items_max,
            |item| item.of.id.as_str().len(),
        ) {
            let token = self.token();
            for (at, item) in &chunk {
                if let Some(grant) = self
                    .attempt_mut(*at)
                    .and_then(|attempt| attempt.grant.as_deref_mut())
                    .filter(|grant| grant.id == item.grant)
                {
                    let again = grant.sent > 0;
                    grant.token = token;
                    grant.sent += 1;
                    self.counters.grants += 1;
                    self.counters.grants_again += u64::from(again);
                    self.event(at.call, || EventKind::Granted { attempt: at.number });
                }
            }
            let (attempts, items) = chunk.into_iter().unzip();
            self.remember(token, Errand::Grant, index, attempts);
            let head = GrantHead {
                coordinator: self.config.coordinator,
                instance: to.instance,
                seen,
            };
            self.effects.push_back(Effect::Grant {
                to: to.clone(),
                token,
                head,
                items,
            });
        }
    }

    pub(super) fn post_cancels(
        &mut self,
        index: WorkerIndex,
        cancels: Vec<(Option<AttemptRef>, CancelItem)>,
    ) {
        let Some((to, _, bytes_max)) = self.address(index) else {
            return;
        };
        for chunk in chunks(
            cancels,
            bytes_max,
            self.config.limits.batch_items_max,
            |item| item.of.id.as_str().len(),
        ) {
            let token = self.token();
            for at in chunk.iter().filter_map(|(at, _)| *at) {
                if let Some(attempt) = self.attempt_mut(at) {
                    attempt.remember_question(token);
                }
            }
            let attempts = chunk.iter().filter_map(|(at, _)| *at).collect();
            self.remember(token, Errand::Question, index, attempts);
            let items: Vec<CancelItem> = chunk.into_iter().map(|(_, item)| item).collect();
            self.counters.cancels += items.len() as u64;
            let head = CancelHead {
                coordinator: self.config.coordinator,
                instance: to.instance,
            };
            self.effects.push_back(Effect::Cancel {
                to: to.clone(),
                token,
                head,
                items,
            });
        }
    }

    /// Asks an instance what it holds of these attempts (P16), one message at a time: the next is
    /// composed when the one before it was polled, or a hundred thousand attempts would stand in
    /// memory twice more.
    pub(super) fn ask(&mut self, index: WorkerIndex, attempts: Vec<AttemptRef>) {
        self.questions.push_back((index, attempts.into()));
    }

    /// Composes the next question, if any.
    pub(super) fn post_question(&mut self) {
        let Some((index, mut attempts)) = self.questions.pop_front() else {
            return;
        };
        let Some((to, _, bytes_max)) = self.address(index) else {
            return;
        };
        let items_max = self.config.limits.batch_items_max.min(attempts.len());
        let token = self.token();
        let mut asked = Vec::with_capacity(items_max);
        let mut items = Vec::with_capacity(items_max);
        let mut bytes = 0;
        while let Some(at) = attempts.front().copied() {
            // What ended since needs no question.
            let Some(item) = self.question(at) else {
                attempts.pop_front();
                continue;
            };
            bytes += CONTROL_BYTES + item.of.id.as_str().len();
            if !items.is_empty() && (items.len() == items_max || bytes > bytes_max) {
                break;
            }
            attempts.pop_front();
            if let Some(attempt) = self.attempt_mut(at) {
                attempt.remember_question(token);
            }
            asked.push(at);
            items.push(item);
        }
        if !attempts.is_empty() {
            self.questions.push_front((index, attempts));
        }
        if items.is_empty() {
            return;
        }
        self.counters.status += items.len() as u64;
        self.remember(token, Errand::Question, index, asked);
        if let Some(worker) = self.registry.worker_mut(index) {
            worker.was_asked(token, self.now);
        }
        let head = StatusHead {
            coordinator: self.config.coordinator,
            instance: to.instance,
        };
        self.effects.push_back(Effect::Status {
            to,
            token,
            head,
            items,
        });
    }

    fn question(&self, at: AttemptRef) -> Option<StatusItem> {
        let turn = self.turns.get(at.call.turn)?;
        let call = &turn.calls[at.call.index as usize];
        let seen = call.live[call.attempt(at.number)?].seen;
        let of = turn.attempt_key(at.call.index, at.number);
        Some(StatusItem { of, seen })
    }

    fn address(&self, index: WorkerIndex) -> Option<(Address, Option<u64>, usize)> {
        let worker = self.registry.worker(index)?;
        Some((
            worker.address.clone(),
            worker.beat_seq,
            self.batch_bytes_max(worker.payload_bytes_max),
        ))
    }

    fn remember(
        &mut self,
        token: Token,
        errand: Errand,
        worker: WorkerIndex,
        attempts: Vec<AttemptRef>,
    ) {
        let sent = Sent {
            errand,
            worker,
            at: self.now,
            attempts,
            next: 0,
            unanswered: 0,
            answer_due: None,
            asked: false,
            lingers: false,
        };
        self.sent.insert(token, sent);
    }

    pub(super) fn attempt_mut(&mut self, at: AttemptRef) -> Option<&mut Attempt> {
        let call = self.call_mut(at.call)?;
        let position = call.attempt(at.number)?;
        call.live.get_mut(position)
    }
}

/// Cuts what goes to one instance into messages.
fn chunks<A, I>(
    items: Vec<(A, I)>,
    bytes_max: usize,
    items_max: usize,
    id_bytes: impl Fn(&I) -> usize,
) -> Vec<Vec<(A, I)>> {
    let mut chunks: Vec<Vec<(A, I)>> = Vec::new();
    let mut bytes = usize::MAX;
    for item in items {
        let size = CONTROL_BYTES + id_bytes(&item.1);
        let fits = chunks
            .last()
            .is_some_and(|chunk| chunk.len() < items_max && bytes + size <= bytes_max);
        match chunks.last_mut() {
            Some(chunk) if fits => {
                bytes += size;
                chunk.push(item);
            }
            _ => {
                bytes = size;
                chunks.push(vec![item]);
            }
        }
    }
    chunks
}
