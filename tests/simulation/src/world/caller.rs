//! Whoever asks for the calls: opens turns, streams their calls, seals, cancels, goes on.

use std::time::Duration;

use bytes::Bytes;
use callboard_coordinator_core::{Input, NewCall, Posting, TurnOptions};
use callboard_proto::{CallKey, Digest, Executed, Failure, FailureKind};

use crate::clock::{MS, Nanos};
use crate::history::Fact;
use crate::ident::TurnRef;
use crate::plan::{CallPlan, CancelWhat, TurnPlan};
use crate::world::World;
use crate::world::queue::{Step, What};

/// When runs begin: what workers announce at their birth has come by then.
const DISCOVERY: u64 = 60 * MS;

impl World<'_> {
    /// Plans the first turn of each run.
    pub(super) fn start_runs(&mut self, coordinator: u8) {
        let plan = self.plan;
        for (run, planned) in plan.coordinators[usize::from(coordinator)]
            .runs
            .iter()
            .enumerate()
        {
            self.turns_left += planned.turns.len();
            let run = u8::try_from(run).expect("few runs");
            self.plan_turn(coordinator, run, 1, DISCOVERY);
        }
    }

    fn plan_turn(&mut self, coordinator: u8, run: u8, turn: u8, base: u64) {
        let after = self.turn_plan(coordinator, run, turn).after;
        self.queue.push(
            self.now + base + after,
            What::Caller {
                coordinator,
                run,
                turn,
                step: Step::Open,
            },
        );
    }

    fn turn_plan(&self, coordinator: u8, run: u8, turn: u8) -> &TurnPlan {
        let run = &self.plan.coordinators[usize::from(coordinator)].runs[usize::from(run)];
        &run.turns[usize::from(turn) - 1]
    }

    fn due_of(&self, turn: TurnRef) -> Nanos {
        self.dues.get(&turn).copied().unwrap_or(Nanos::MAX)
    }

    pub(super) fn call_step(&mut self, coordinator: u8, run: u8, turn: u8, step: Step) {
        if self.is_dead(coordinator) || self.postpones(coordinator, run, turn, step) {
            return;
        }
        match step {
            Step::Open => self.open_turn(coordinator, run, turn),
            Step::Call(from) => self.open_calls(coordinator, run, turn, from),
            Step::Cancel(number) => self.cancel(coordinator, run, turn, number),
        }
    }

    fn open_turn(&mut self, coordinator: u8, run: u8, turn: u8) {
        let planned = self.turn_plan(coordinator, run, turn).clone();
        let of = TurnRef {
            coordinator,
            run,
            turn,
        };
        let clock = self.coordinators[usize::from(coordinator)].clock;
        let deadline = clock.at(self.now) + Duration::from_nanos(planned.deadline);
        let due = clock.when(deadline);
        self.last_due = self.last_due.max(due);
        self.dues.insert(of, due);
        self.record(Fact::TurnOpened { turn: of, due });
        self.feed(
            coordinator,
            Input::Open {
                turn: of.key(),
                options: TurnOptions {
                    call_deadline: planned.call_deadline.map(Duration::from_nanos),
                    parallel_max: planned.parallel_max,
                    ..TurnOptions::until(deadline)
                },
            },
        );
        for (number, cancel) in planned.cancels.iter().enumerate() {
            self.queue.push(
                self.now + cancel.after,
                What::Caller {
                    coordinator,
                    run,
                    turn,
                    step: Step::Cancel(number),
                },
            );
        }
        self.open_calls(coordinator, run, turn, 0);
    }

    fn open_calls(&mut self, coordinator: u8, run: u8, turn: u8, from: usize) {
        let planned = self.turn_plan(coordinator, run, turn).clone();
        let of = TurnRef {
            coordinator,
            run,
            turn,
        };
        for (index, call) in planned.calls.iter().enumerate().skip(from) {
            if index > from && call.after > 0 {
                self.pump_coordinator(coordinator);
                self.queue.push(
                    self.now + call.after,
                    What::Caller {
                        coordinator,
                        run,
                        turn,
                        step: Step::Call(index),
                    },
                );
                return;
            }
            self.open_call(of, index, *call);
        }
        self.record(Fact::Sealed { turn: of });
        self.tell(coordinator, Input::Seal { turn: of.key() });
    }

    fn open_call(&mut self, turn: TurnRef, index: usize, planned: CallPlan) {
        let call = turn.call(index);
        let tool = &self.plan.tools[planned.tool];
        let body = if planned.invalid {
            Err(Failure::new(
                FailureKind::InvalidArguments,
                "the arguments are no object",
                Executed::No,
            ))
        } else {
            Ok(Posting {
                tool: tool.name.clone(),
                digest: if planned.unserved {
                    Digest::new([0xff; 32])
                } else {
                    tool.digest
                },
                manifest: tool.manifest.clone(),
                arguments: Bytes::from_static(b"{}"),
                key: None,
            })
        };
        let node = &self.coordinators[usize::from(turn.coordinator)];
        let own = tool.manifest.deadline_ms.map(|ms| ms * MS);
        let of_call = self
            .turn_plan(turn.coordinator, turn.run, turn.turn)
            .call_deadline;
        let opened = node.clock.at(self.now);
        let due = [of_call, own]
            .into_iter()
            .flatten()
            .map(|limit| node.clock.when(opened + Duration::from_nanos(limit)))
            .fold(self.due_of(turn), Nanos::min);
        self.record(Fact::CallOpened {
            call,
            effect: body.is_ok().then_some(tool.manifest.effect),
            due,
        });
        let input = Input::Call {
            turn: turn.key(),
            call: NewCall {
                id: call.id(),
                body,
            },
        };
        self.feed(turn.coordinator, input);
        if self.plan.one_by_one {
            self.pump_coordinator(turn.coordinator);
        }
    }

    fn cancel(&mut self, coordinator: u8, run: u8, turn: u8, number: usize) {
        let of = TurnRef {
            coordinator,
            run,
            turn,
        };
        match self.turn_plan(coordinator, run, turn).cancels[number].what {
            CancelWhat::Turn(reason) => {
                self.record(Fact::CancelAsked {
                    turn: of,
                    call: None,
                });
                let turn = of.key();
                self.tell(coordinator, Input::CancelTurn { turn, reason });
            }
            CancelWhat::Call(index) => {
                let call = of.call(index);
                self.record(Fact::CancelAsked {
                    turn: of,
                    call: Some(call),
                });
                let key = of.key();
                let call = CallKey {
                    run: key.run,
                    turn: key.turn,
                    id: call.id(),
                };
                self.tell(coordinator, Input::CancelCall { call });
            }
        }
    }

    /// A turn was reported: the next one comes, or the run is over.
    pub(super) fn turn_is_over(&mut self, turn: TurnRef) {
        self.turns_left = self.turns_left.saturating_sub(1);
        let turns = self.plan.coordinators[usize::from(turn.coordinator)].runs
            [usize::from(turn.run)]
        .turns
        .len();
        if usize::from(turn.turn) < turns {
            self.plan_turn(turn.coordinator, turn.run, turn.turn + 1, 0);
        } else {
            let run = turn.key().run;
            self.tell(turn.coordinator, Input::EndRun { run });
        }
    }

    /// The turns of a coordinator that died will never come.
    pub(super) fn forsake_turns(&mut self, coordinator: u8) {
        let planned: usize = self.plan.coordinators[usize::from(coordinator)]
            .runs
            .iter()
            .map(|run| run.turns.len())
            .sum();
        let reported = self
            .history
            .entries
            .iter()
            .filter(|entry| {
                matches!(&entry.fact, Fact::Reported { turn, .. } if turn.coordinator == coordinator)
            })
            .count();
        self.turns_left -= planned - reported;
    }
}
