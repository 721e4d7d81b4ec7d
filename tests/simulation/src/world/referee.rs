//! The referee at a coordinator: what left it, what reached it, and what it said became of its calls.

use callboard_coordinator_core::{EventKind, Report, StopReason};
use callboard_proto::message::{BadItem, RefusalCode};
use callboard_proto::{AttemptKey, Budget, Executed, FailureKind, Outcome, Token, limit};

use crate::arms::Arm;
use crate::clock::nanos;
use crate::history::{Asked, Ending, Fact, Word};
use crate::ident::{CallRef, InstanceRef, TurnRef};
use crate::letter::{Body, Letter, Node};
use crate::world::tools::ending;
use crate::world::{World, attempt_ref, message_number};

impl World<'_> {
    /// Writes down what a message settles, if it settles anything.
    pub(super) fn note_answers(&mut self, to: u8, letter: &Letter) {
        let readable = |index: usize| letter.corrupt.is_none_or(|torn| torn.index != index);
        let Node::Instance(from) = letter.from else {
            return;
        };
        match &letter.body {
            Body::Ack(head, items) => {
                for (index, item) in items.iter().enumerate() {
                    if readable(index) && item.state.is_binding_no() {
                        self.note_word(&item.of, from, Word::BindingNo);
                    }
                }
                self.note_bad(to, letter.token, from, &head.bad);
            }
            Body::Result(head, items) => {
                for (index, item) in items.iter().enumerate() {
                    if readable(index) {
                        let certain = match &item.outcome {
                            Outcome::Completed(_) => true,
                            Outcome::Failed(failure) => failure.executed != Executed::Unknown,
                        };
                        self.note_word(&item.of, from, Word::Result { certain });
                    }
                }
                self.note_bad(to, letter.token, from, &head.bad);
            }
            Body::Undelivered(_) => self.record(Fact::Refused {
                message: message_number(letter.token),
            }),
            Body::Refusal(refusal) => match refusal.code {
                RefusalCode::Version | RefusalCode::Kind | RefusalCode::Malformed => {
                    self.record(Fact::Refused {
                        message: message_number(letter.token),
                    });
                }
                // Another instance says so, and can't speak for the one that was meant.
                RefusalCode::Instance => {}
            },
            Body::Call(..)
            | Body::Grant(..)
            | Body::Cancel(..)
            | Body::Status(..)
            | Body::Describe
            | Body::Progress(..)
            | Body::Free(_)
            | Body::Beat(_)
            | Body::Announce(_)
            | Body::Described(_)
            | Body::Echo(_) => {}
        }
    }

    fn note_word(&mut self, of: &AttemptKey, from: InstanceRef, word: Word) {
        let of = attempt_ref(of);
        self.record(Fact::Answered { of, from, word });
    }

    fn note_bad(&mut self, to: u8, token: Token, from: InstanceRef, bad: &[BadItem]) {
        for item in bad {
            let sent = &self.coordinators[usize::from(to)].sent;
            let of = sent
                .iter()
                .find(|(sent, _)| *sent == token)
                .and_then(|(_, items)| items.get(item.index as usize))
                .copied();
            if let Some(of) = of {
                let word = Word::BindingNo;
                self.record(Fact::Answered { of, from, word });
            }
        }
    }

    pub(super) fn note_posted<'a>(
        &mut self,
        token: Token,
        asked: Asked,
        to: InstanceRef,
        seen: Option<u64>,
        items: impl Iterator<Item = (&'a AttemptKey, Budget)>,
    ) {
        let message = message_number(token);
        for (of, budget) in items {
            let valid_for = budget.duration() + 2 * limit::BEAT_INTERVAL;
            let valid_for = seen.map(|_| nanos(valid_for));
            self.record(Fact::Posted {
                message,
                asked,
                of: attempt_ref(of),
                to,
                valid_for,
            });
        }
    }

    pub(super) fn note_report(&mut self, report: Report) {
        match report.stopped {
            StopReason::Settled => {}
            StopReason::Deadline => self.arms.hit(Arm::ReportedAtDeadline),
            StopReason::Cancelled => self.arms.hit(Arm::ReportedCancelled),
        }
        let turn = TurnRef::of(report.turn);
        let calls: Vec<(CallRef, Ending)> = report
            .calls
            .iter()
            .map(|call| (CallRef::parse(report.turn, &call.id), ending(&call.outcome)))
            .collect();
        for (_, ending) in &calls {
            if let Ending::Failed { kind, executed } = ending {
                self.note_failure(*kind, *executed);
            }
        }
        self.record(Fact::Reported { turn, calls });
        self.turn_is_over(turn);
    }

    fn note_failure(&mut self, kind: FailureKind, executed: Executed) {
        if executed == Executed::Unknown {
            self.arms.hit(Arm::EndedUnknown);
        }
        let arm = match kind {
            FailureKind::NoWorker => Arm::EndedNoWorker,
            FailureKind::Overloaded => Arm::EndedOverloaded,
            FailureKind::TimedOut => Arm::EndedTimedOut,
            FailureKind::WorkerLost => Arm::EndedWorkerLost,
            FailureKind::Poison => Arm::EndedPoison,
            FailureKind::Crashed => Arm::EndedCrashed,
            FailureKind::Cancelled => Arm::EndedCancelled,
            FailureKind::Interrupted => Arm::EndedInterrupted,
            FailureKind::ProtocolError => Arm::EndedProtocolError,
            FailureKind::InvalidArguments
            | FailureKind::UnknownTool
            | FailureKind::Refused
            | FailureKind::OutputTooLarge
            | FailureKind::Internal => return,
        };
        self.arms.hit(arm);
    }

    pub(super) fn note_event(&mut self, call: CallRef, kind: EventKind) {
        match kind {
            EventKind::Settled { kind, executed, .. } => self.record(Fact::Settled {
                call,
                kind,
                executed,
            }),
            EventKind::Returned { attempt, why, .. } => {
                self.say(|_| format!("  {call:?}#{} returned: {why}", attempt.0));
                self.arms.hit(Arm::Retried);
            }
            EventKind::Progress { .. } => self.arms.hit(Arm::Progressed),
            EventKind::LateResult { .. } => self.arms.hit(Arm::LateResult),
            EventKind::Opened { .. }
            | EventKind::Posted { .. }
            | EventKind::Running { .. }
            | EventKind::Granted { .. } => {}
        }
    }
}
