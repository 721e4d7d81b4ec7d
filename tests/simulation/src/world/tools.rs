//! The tools of the world: they do what the plan says and leave their effects with the referee.

use std::time::Duration;

use callboard_proto::message::{ProgressHead, ProgressItem};
use callboard_proto::{AttemptKey, Completed, Executed, Failure, FailureKind, Outcome, Part};
use callboard_worker_core::{Finished, ReplyTo, Start, StopReason};

use crate::arms::Arm;
use crate::clock::{MS, Nanos};
use crate::history::{AttemptRef, Ending, Fact};
use crate::ident::{InstanceRef, coordinator_of};
use crate::letter::{Body, Node};
use crate::plan::{Act as Plan, End, act};
use crate::rng::mix;
use crate::world::queue::{Act, What};
use crate::world::{World, attempt_ref, honest};

/// How long a tool outlives its worker at most: its process is killed with the worker's, or a moment later.
const OUTLIVES: Nanos = 300 * MS;

/// One execution of a tool.
pub(super) struct Execution {
    key: AttemptKey,
    place: usize,
    reply: ReplyTo,
    of: AttemptRef,
    at: InstanceRef,
    plan: Plan,
    since: Nanos,
    nonce: u64,
    stopped: Option<StopReason>,
    effected: bool,
    /// Its core heard of its end, or is gone.
    over: bool,
    /// Its worker is gone and it will still have its effect.
    orphaned: bool,
}

impl World<'_> {
    pub(super) fn start_tool(&mut self, at: InstanceRef, start: Start, running: u32, slots: u32) {
        let of = attempt_ref(&start.of);
        self.record(Fact::Started {
            of,
            at,
            running,
            slots,
        });
        let effect = self
            .plan
            .tools
            .iter()
            .find(|tool| tool.name == start.tool)
            .map_or(start.effect, |tool| tool.manifest.effect);
        let entry = self.starts.entry(of.call).or_default();
        let plan = act(self.plan.seed, self.plan.class, effect, of.call, *entry);
        *entry += 1;
        if plan.end == End::CannotStart {
            let finished = Finished {
                of: start.of,
                place: Some(start.place),
                outcome: Outcome::failed(
                    FailureKind::Internal,
                    "the executor could not start the tool",
                    Executed::No,
                ),
                executed: Duration::ZERO,
            };
            self.tell_finished(at, finished);
            return;
        }
        self.record(Fact::Entered { of, at });
        let number = self.executions.len();
        self.executions.push(Execution {
            key: start.of,
            place: start.place,
            reply: start.reply,
            of,
            at,
            plan,
            since: self.now,
            nonce: mix(self.plan.seed ^ mix(number as u64)) | 1,
            stopped: None,
            effected: false,
            over: false,
            orphaned: false,
        });
        self.tool_at(number, plan.effect_after, Act::Effect);
        if plan.progress {
            self.tool_at(number, plan.lasts / 2, Act::Progress);
        }
        if plan.end != End::Hangs {
            self.tool_at(number, plan.lasts, Act::End);
        }
    }

    /// A step of a tool in a while; at once where it takes no time.
    fn tool_at(&mut self, execution: usize, after: Nanos, act: Act) {
        if after == 0 && act != Act::Progress {
            self.do_step(execution, act);
        } else {
            let at = self.now + after;
            self.queue.push(at, What::Tool { execution, act });
        }
    }

    pub(super) fn tool_step(&mut self, execution: usize, act: Act) {
        let worker = self.executions[execution].at.worker;
        self.do_step(execution, act);
        self.pump_worker(worker);
    }

    fn do_step(&mut self, number: usize, act: Act) {
        let execution = &mut self.executions[number];
        let (of, at) = (execution.of, execution.at);
        if execution.over {
            if act == Act::Effect && execution.orphaned && !execution.effected {
                execution.effected = true;
                self.arms.hit(Arm::EffectAfterCrash);
                self.record(Fact::Effected { of, at });
            }
            return;
        }
        match act {
            Act::Effect => {
                execution.effected = true;
                self.record(Fact::Effected { of, at });
            }
            Act::Progress => self.tell_progress(number),
            Act::End if execution.plan.end == End::KillsWorker => {
                self.arms.hit(Arm::Killed);
                let back = self.now + MS + self.rng.range(0..400) * MS;
                self.crash(at.worker, 0);
                self.queue.push(back, What::Birth(at.worker));
            }
            Act::End => self.end_tool(number, None),
            Act::Stopped => {
                let reason = execution.stopped;
                self.end_tool(number, reason);
            }
        }
    }

    fn end_tool(&mut self, number: usize, stopped: Option<StopReason>) {
        let execution = &mut self.executions[number];
        execution.over = true;
        let (of, at, nonce) = (execution.of, execution.at, execution.nonce);
        let is_error = execution.plan.end == End::IsError;
        let outcome = match stopped {
            Some(reason) => {
                let kind = match reason {
                    StopReason::TimedOut => FailureKind::TimedOut,
                    StopReason::Cancelled | StopReason::Orphaned => FailureKind::Cancelled,
                    StopReason::Drained => FailureKind::Interrupted,
                };
                Outcome::failed(kind, "the tool was stopped", Executed::Yes)
            }
            None if execution.plan.end == End::Crashes => Outcome::failed(
                FailureKind::Crashed,
                "the tool ended without an answer",
                Executed::Yes,
            ),
            None => Outcome::Completed(Completed {
                content: vec![Part::Text(format!("{nonce:016x}"))],
                is_error,
            }),
        };
        let finished = Finished {
            of: execution.key.clone(),
            place: Some(execution.place),
            outcome,
            executed: Duration::from_nanos(self.now - execution.since),
        };
        let ending = ending(&finished.outcome);
        self.record(Fact::Left { of, at, ending });
        self.tell_finished(at, finished);
    }

    pub(super) fn stop_tool(&mut self, at: InstanceRef, of: &AttemptKey, reason: StopReason) {
        self.arms.hit(match reason {
            StopReason::TimedOut => Arm::StoppedTimedOut,
            StopReason::Cancelled => Arm::StoppedCancelled,
            StopReason::Orphaned => Arm::StoppedOrphaned,
            StopReason::Drained => Arm::StoppedDrained,
        });
        let of = attempt_ref(of);
        let number = self
            .executions
            .iter()
            .rposition(|execution| !execution.over && execution.at == at && execution.of == of);
        let Some(number) = number else { return };
        self.say(|_| format!("{at:?} stops {of:?}: {reason:?}"));
        let execution = &mut self.executions[number];
        if execution.stopped.replace(reason).is_none() {
            let after = execution.plan.stops_within;
            self.tool_at(number, after, Act::Stopped);
        }
    }

    fn tell_progress(&mut self, number: usize) {
        let execution = &self.executions[number];
        let head = ProgressHead {
            instance: execution.at.id(),
        };
        let item = ProgressItem {
            of: execution.key.clone(),
            percent: Some(50),
            message: None,
        };
        let from = Node::Instance(execution.at);
        let ReplyTo { coordinator, token } = execution.reply;
        self.post(honest(
            from,
            Node::Coordinator(coordinator_of(coordinator)),
            token,
            Body::Progress(head, vec![item]),
        ));
    }

    /// The tools of an instance that ended: their processes end with it, or a moment later.
    pub(super) fn abandon_tools(&mut self, at: InstanceRef) {
        let now = self.now;
        let mut ran = false;
        for execution in &mut self.executions {
            if execution.over || execution.at != at {
                continue;
            }
            ran = true;
            execution.over = true;
            if execution.effected {
                continue;
            }
            let due = execution.since + execution.plan.effect_after;
            if due < now + OUTLIVES && mix(execution.nonce).is_multiple_of(2) {
                execution.orphaned = true;
            } else {
                self.arms.hit(Arm::EffectLostInCrash);
            }
        }
        if ran {
            self.arms.hit(Arm::CrashedRunning);
        }
    }
}

/// How an outcome ended, without its texts.
pub(super) fn ending(outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Completed(Completed { content, is_error }) => Ending::Completed {
            nonce: match content.as_slice() {
                [Part::Text(text)] => u64::from_str_radix(text, 16).unwrap_or(0),
                _ => 0,
            },
            is_error: *is_error,
        },
        Outcome::Failed(Failure { kind, executed, .. }) => Ending::Failed {
            kind: *kind,
            executed: *executed,
        },
    }
}
