//! Messages that were not read or did not arrive, and those that were heard of.

use callboard_proto::message::{Refusal, RefusalCode};
use callboard_proto::{Executed, Failure, FailureKind, InstanceId, Token};

use super::Dispatcher;
use super::end::Ended;
use crate::input::Undelivered;
use crate::ledger::{AttemptRef, Phase};
use crate::sent::Errand;
use crate::text;
use crate::timers::Timer;

impl Dispatcher {
    pub(super) fn take_refusal(&mut self, token: Token, refusal: &Refusal) {
        self.counters.refusals += 1;
        let Some(sent) = self.sent.get(token) else {
            return;
        };
        let (errand, attempts) = (sent.errand, sent.attempts.clone());
        for at in attempts {
            if !self.never_arrived(at, errand, refusal.instance) {
                continue;
            }
            match refusal.code {
                RefusalCode::Instance => {
                    self.answered(at);
                    self.end_attempt(at, Ended::not_taken("refused"));
                }
                RefusalCode::Version | RefusalCode::Kind | RefusalCode::Malformed => {
                    let failure = Failure::new(
                        FailureKind::ProtocolError,
                        text::unreadable_call(&refusal.message),
                        Executed::No,
                    );
                    self.end_misunderstood(at, refusal.instance, failure);
                }
            }
        }
    }

    /// Whether word that a message did not arrive, or was not read, decides about an attempt that it
    /// named: not if the instance was heard of it otherwise.
    pub(super) fn never_arrived(
        &self,
        at: AttemptRef,
        errand: Errand,
        instance: InstanceId,
    ) -> bool {
        let attempt = self
            .call(at.call)
            .and_then(|call| call.live.get(call.attempt(at.number)?));
        attempt.is_some_and(|attempt| {
            attempt.instance == instance
                && match errand {
                    // One that was given up: this says for certain that it never ran.
                    Errand::Call => {
                        attempt.unanswered || (attempt.phase == Phase::Lost && !attempt.entered)
                    }
                    // Another copy of the same grant may have arrived.
                    Errand::Grant => {
                        attempt.grant.as_ref().is_some_and(|grant| grant.sent == 1)
                            && !attempt.entered
                    }
                    Errand::Question => false,
                }
        })
    }

    pub(super) fn take_undelivered(&mut self, token: Token, why: &Undelivered) {
        let counter = match why {
            Undelivered::NoResponders => &mut self.counters.no_responders,
            Undelivered::TooLarge => &mut self.counters.too_large,
            Undelivered::LinkDown => &mut self.counters.link_down,
        };
        *counter += 1;
        let Some(sent) = self.sent.remove(token) else {
            return;
        };
        if let Some(due) = sent.answer_due {
            self.timers.clear(due, Timer::Answer(token));
        }
        if let Some(worker) = self.registry.worker_mut(sent.worker) {
            match why {
                Undelivered::NoResponders => worker.unreachable = true,
                // What was believed to fit didn't: the next message is half as large.
                Undelivered::TooLarge => {
                    let half = worker.payload_bytes_max.min(1 << 21) / 2;
                    worker.payload_bytes_max = half.max(16 * 1024);
                }
                Undelivered::LinkDown => {}
            }
        }
        let alone = sent.attempts.len() == 1;
        for at in sent.attempts {
            let Some(instance) = self.attempt_mut(at).map(|attempt| attempt.instance) else {
                continue;
            };
            if !self.never_arrived(at, sent.errand, instance) {
                continue;
            }
            self.answered(at);
            let ended = match why {
                Undelivered::NoResponders => Ended::not_taken("no_responders"),
                Undelivered::LinkDown => Ended::not_taken("link_down"),
                Undelivered::TooLarge if alone => Ended::failed(Failure::new(
                    FailureKind::InvalidArguments,
                    text::message_too_large(),
                    Executed::No,
                )),
                Undelivered::TooLarge => Ended::not_taken("too_large"),
            };
            self.end_attempt(at, ended);
        }
    }

    /// The worker was heard of this attempt: it is in the reports that follow.
    pub(super) fn answered(&mut self, at: AttemptRef) {
        let Some(attempt) = self.attempt_mut(at) else {
            return;
        };
        if !std::mem::replace(&mut attempt.unanswered, false) {
            return;
        }
        let (token, worker) = (attempt.token, attempt.worker);
        if let Some(worker) = self.registry.worker_mut(worker) {
            worker.unanswered = worker.unanswered.saturating_sub(1);
        }
        if let Some(sent) = self.sent.get_mut(token) {
            sent.unanswered -= 1;
            if sent.unanswered == 0 {
                if let Some(due) = sent.answer_due {
                    self.timers.clear(due, Timer::Answer(token));
                }
                // A `bad` item of the same ack still finds it: the ack names those first.
                self.sent.answered_in_full(token);
            }
        }
    }
}
