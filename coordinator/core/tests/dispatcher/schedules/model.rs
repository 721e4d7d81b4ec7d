//! What must hold, whatever is said.

use std::collections::{BTreeMap, BTreeSet};

use callboard_coordinator_core::{Address, Effect, Report};
use callboard_proto::{Attempt, AttemptKey, CallKey, Executed, GrantId, Outcome, Token, TurnKey};

use crate::words;

/// What was sent: a message's token, its instance, its kind, its attempts.
pub(crate) struct Message {
    pub(crate) token: Token,
    pub(crate) instance: String,
    pub(crate) is_call: bool,
    pub(crate) attempts: Vec<AttemptKey>,
}

/// The calls that are open, and what left for them.
#[derive(Default)]
pub(crate) struct Model {
    /// Calls of each open turn, in order.
    pub(crate) open: BTreeMap<TurnKey, Vec<CallKey>>,
    reported: BTreeSet<TurnKey>,
    grants: BTreeMap<AttemptKey, GrantId>,
    /// Instances at which a write was granted and that no binding word was heard of.
    may_run: BTreeMap<CallKey, AttemptKey>,
    posted: BTreeMap<CallKey, Vec<Attempt>>,
    pub(crate) messages: Vec<Message>,
}

impl Model {
    pub(crate) fn take(&mut self, effect: &Effect) {
        match effect {
            Effect::Call {
                to, token, items, ..
            } => {
                for item in items {
                    let call = item.of.call();
                    assert!(self.is_open(&call), "{call:?} is posted after its report");
                    let attempts = self.posted.entry(call.clone()).or_default();
                    assert!(
                        attempts.last().is_none_or(|last| *last < item.of.attempt),
                        "attempt numbers only grow"
                    );
                    attempts.push(item.of.attempt);
                    assert!(
                        !self.may_run.contains_key(&call),
                        "{call:?} may run elsewhere"
                    );
                }
                self.note(to, *token, true, items.iter().map(|item| &item.of));
            }
            Effect::Grant {
                to, token, items, ..
            } => {
                for item in items {
                    let call = item.of.call();
                    assert!(self.is_open(&call), "{call:?} is granted after its report");
                    let known = self.grants.entry(item.of.clone()).or_insert(item.grant);
                    assert_eq!(*known, item.grant, "one attempt, one grant");
                    let other = self.may_run.insert(call, item.of.clone());
                    assert!(
                        other.is_none_or(|other| other == item.of),
                        "granted elsewhere"
                    );
                }
                self.note(to, *token, false, items.iter().map(|item| &item.of));
            }
            Effect::Cancel {
                to, token, items, ..
            } => {
                self.note(to, *token, false, items.iter().map(|item| &item.of));
            }
            Effect::Status {
                to, token, items, ..
            } => {
                self.note(to, *token, false, items.iter().map(|item| &item.of));
            }
            Effect::Report(report) => self.take_report(report),
            Effect::Echo { .. } | Effect::Describe { .. } | Effect::Event(_) => {}
        }
    }

    fn is_open(&self, call: &CallKey) -> bool {
        self.open
            .get(&call.turn_key())
            .is_some_and(|calls| calls.contains(call))
    }

    fn note<'a>(
        &mut self,
        to: &Address,
        token: Token,
        is_call: bool,
        attempts: impl Iterator<Item = &'a AttemptKey>,
    ) {
        let fresh = self.messages.iter().all(|message| message.token != token);
        assert!(fresh, "one token, one message");
        self.messages.push(Message {
            token,
            instance: words::instance_name(to.instance),
            is_call,
            attempts: attempts.cloned().collect(),
        });
        if self.messages.len() > 64 {
            self.messages.remove(0);
        }
    }

    fn take_report(&mut self, report: &Report) {
        let calls = self
            .open
            .remove(&report.turn)
            .expect("an open turn is reported");
        assert!(self.reported.insert(report.turn), "a turn is reported once");
        let ids: Vec<_> = report.calls.iter().map(|call| &call.id).collect();
        let opened: Vec<_> = calls.iter().map(|call| &call.id).collect();
        assert_eq!(ids, opened, "one outcome each, in call order");
        for (call, report) in calls.iter().zip(&report.calls) {
            let posted = self.posted.remove(call).unwrap_or_default().len();
            assert_eq!(usize::try_from(report.attempts).unwrap(), posted);
            let said_no = matches!(
                &report.outcome,
                Outcome::Failed(failure) if failure.executed == Executed::No
            );
            if let Some(granted) = self.may_run.remove(call) {
                assert!(!said_no, "{granted:?} may have run");
            }
        }
    }

    /// A word that binds: the attempt did not run and never will.
    pub(crate) fn binds(&mut self, of: &AttemptKey) {
        if self.may_run.get(&of.call()) == Some(of) {
            self.may_run.remove(&of.call());
        }
    }
}
