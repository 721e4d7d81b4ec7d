//! The worker core on a stage of its own: what a scenario says it hears, and what it says then.

use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard_proto::codec::{Batch, DecodeError, UnreadableItem};
use callboard_proto::message::{
    CallHead, CallItem, CancelHead, CancelItem, GrantHead, GrantItem, ResultItem, StatusHead,
    StatusItem,
};
use callboard_proto::{
    AttemptKey, Budget, Effect as ToolEffect, Executed, FailureKind, Outcome, Part, Pool, ToolName,
    WorkerName,
};
use callboard_worker_core::{
    Config, Effect, Finished as CoreFinished, Identity, Input, OfferedTool, StopReason, Worker,
};

use crate::format::{
    Ack, Bad, Beat, End, Ended, Finished, Free, Item, Message, Refusal, Results, Says, Scenario,
    State, Stop,
};
use crate::label;

/// A worker, and what it said since somebody listened.
pub(crate) struct Stage {
    began: Instant,
    now_ms: u64,
    core: Worker,
    told: Vec<Says>,
    beat: Option<Beat>,
}

impl Stage {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let began = Instant::now();
        let defaults = Config::default();
        let worker = &scenario.worker;
        let config = Config {
            slots: worker.slots,
            results_bytes_max: worker
                .results_bytes_max
                .unwrap_or(defaults.results_bytes_max),
            tombstones_max: worker.tombstones_max.unwrap_or(defaults.tombstones_max),
            ..defaults
        };
        let identity = Identity {
            instance: label::instance(&worker.instance),
            worker: WorkerName::new("worker").unwrap(),
            pool: Pool::new("main").unwrap(),
        };
        let tools = scenario
            .tools
            .iter()
            .map(|(name, tool)| OfferedTool {
                name: ToolName::new(name.as_str()).unwrap(),
                digest: label::digest(&tool.digest),
                effect: ToolEffect::from_word(&tool.effect),
                slots: tool.slots,
            })
            .collect();
        let mut stage = Self {
            began,
            now_ms: 0,
            core: Worker::new(identity, config, tools, began),
            told: Vec::new(),
            beat: None,
        };
        stage.listen();
        stage
    }

    fn now(&self) -> Instant {
        self.began + Duration::from_millis(self.now_ms)
    }

    /// Lets time pass: timers fire when they are due, and what they cause is said then.
    pub(crate) fn run_until(&mut self, at_ms: u64) {
        let until = self.began + Duration::from_millis(at_ms);
        while let Some(due) = self.core.poll_timeout().filter(|due| *due <= until) {
            self.core.handle_timeout(due);
            self.listen();
        }
        self.now_ms = at_ms;
    }

    pub(crate) fn hear(&mut self, message: &Message) {
        let reply = label::reply(&message.reply);
        let named = message.instance.as_deref().map(label::instance);
        if !self.core.names_us(named) {
            // A shell refuses it before the core sees it (P2).
            self.told.push(Says::Refusal(Refusal {
                to: message.reply.clone(),
                code: "instance".to_owned(),
            }));
            return;
        }
        let instance = named.unwrap_or(self.core.identity().instance);
        let coordinator = reply.coordinator;
        let input = match message.kind.as_str() {
            "call" => Input::Call {
                reply,
                batch: Batch {
                    head: CallHead {
                        coordinator,
                        instance: named,
                        seen: message.seen,
                        waiting: message.waiting,
                    },
                    items: items(message, call),
                },
            },
            "grant" => Input::Grant {
                reply,
                batch: Batch {
                    head: GrantHead {
                        coordinator,
                        instance,
                        seen: message.seen,
                    },
                    items: items(message, |of, item| GrantItem {
                        of,
                        grant: label::grant(item.grant.as_deref().unwrap()),
                        budget_ms: budget(item),
                    }),
                },
            },
            "cancel" => Input::Cancel {
                reply,
                batch: Batch {
                    head: CancelHead {
                        coordinator,
                        instance,
                    },
                    items: items(message, |of, item| CancelItem {
                        of,
                        seen: item.seen,
                    }),
                },
            },
            "status" => Input::Status {
                reply,
                batch: Batch {
                    head: StatusHead {
                        coordinator,
                        instance,
                    },
                    items: items(message, |of, item| StatusItem {
                        of,
                        seen: item.seen,
                    }),
                },
            },
            other => panic!("{other} is no message to a worker"),
        };
        let now = self.now();
        self.core.handle_input(input, now);
    }

    pub(crate) fn finish(&mut self, finished: &Finished) {
        let End {
            completed,
            failed,
            executed,
        } = &finished.end;
        let outcome = match (completed, failed) {
            (Some(text), None) => Outcome::text(text.as_str()),
            (None, Some(kind)) => Outcome::failed(
                FailureKind::from_word(kind),
                "as the scenario says",
                Executed::from_word(executed.as_deref().unwrap()),
            ),
            _ => panic!("a tool ends completed or failed"),
        };
        let now = self.now();
        let finished = CoreFinished {
            of: label::attempt(&finished.of),
            place: None,
            outcome,
            executed: Duration::ZERO,
        };
        self.core.handle_input(Input::Finished(finished), now);
    }

    pub(crate) fn drain(&mut self, grace_ms: u64) {
        let now = self.now();
        let grace = Duration::from_millis(grace_ms);
        self.core.handle_input(Input::Drain { grace }, now);
    }

    /// Writes down what is said now.
    pub(crate) fn listen(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            let says = match effect {
                Effect::Start(start) => Says::Start(label::attempt_label(&start.of)),
                Effect::Stop { of, reason, .. } => Says::Stop(Stop {
                    of: label::attempt_label(&of),
                    reason: word(reason).to_owned(),
                }),
                Effect::Ack { to, head, items } => Says::Ack(Ack {
                    to: label::reply_label(to),
                    items: items
                        .iter()
                        .map(|item| State {
                            of: label::attempt_label(&item.of),
                            state: item.state.as_str().to_owned(),
                            grant: item.grant.map(label::grant_label),
                            tool_full: item.tool_full,
                        })
                        .collect(),
                    bad: head.bad.iter().map(|bad| bad.index).collect(),
                    free: Some(head.load.free),
                }),
                Effect::Result { to, head, items } => Says::Result(Results {
                    to: label::reply_label(to),
                    items: items
                        .decode::<ResultItem>()
                        .into_iter()
                        .map(|item| {
                            let item = item.unwrap();
                            Ended {
                                of: label::attempt_label(&item.of),
                                end: end(&item.outcome),
                            }
                        })
                        .collect(),
                    free: Some(head.load.free),
                }),
                Effect::Free { to, free } => Says::Free(Free {
                    to: label::reply_label(to),
                    free: free.load.free,
                }),
                Effect::Beat(beat) => {
                    self.beat = Some(Beat {
                        seq: Some(beat.seq),
                        free: Some(beat.load.free),
                        slots: Some(beat.load.slots),
                        draining: Some(beat.draining),
                    });
                    continue;
                }
                Effect::Drained => Says::Drained(true),
            };
            self.told.push(says);
        }
    }

    /// What was said since the last look.
    pub(crate) fn take_told(&mut self) -> Vec<Says> {
        std::mem::take(&mut self.told)
    }

    pub(crate) fn last_beat(&self) -> Option<Beat> {
        self.beat.clone()
    }
}

fn items<I>(
    message: &Message,
    build: impl Fn(AttemptKey, &Item) -> I,
) -> Vec<Result<I, UnreadableItem>> {
    let unreadable = |of| UnreadableItem {
        of,
        error: DecodeError::Malformed("torn".to_owned()),
    };
    message
        .items
        .iter()
        .map(|item| {
            let of = label::attempt(&item.of);
            match item.bad {
                Bad::No => Ok(build(of, item)),
                Bad::ButOf => Err(unreadable(Some(of))),
                Bad::All => Err(unreadable(None)),
            }
        })
        .collect()
}

fn call(of: AttemptKey, item: &Item) -> CallItem {
    CallItem {
        of,
        tool: ToolName::new(item.tool.as_deref().unwrap()).unwrap(),
        digest: item.digest.as_deref().map(label::digest),
        effect: ToolEffect::from_word(item.effect.as_deref().unwrap()),
        budget_ms: budget(item),
        arguments: Bytes::copy_from_slice(item.arguments.as_deref().unwrap_or("{}").as_bytes()),
        key: None,
        traceparent: None,
    }
}

fn budget(item: &Item) -> Budget {
    Budget::new(Duration::from_millis(item.budget_ms.unwrap()))
}

fn end(outcome: &Outcome) -> End {
    match outcome {
        Outcome::Completed(completed) => End {
            completed: match completed.content.as_slice() {
                [Part::Text(text)] => Some(text.clone()),
                other => panic!("{other:?} is not what a scenario's tool answers"),
            },
            failed: None,
            executed: None,
        },
        Outcome::Failed(failure) => End {
            completed: None,
            failed: Some(failure.kind.as_str().to_owned()),
            executed: Some(failure.executed.as_str().to_owned()),
        },
    }
}

fn word(reason: StopReason) -> &'static str {
    match reason {
        StopReason::TimedOut => "timed_out",
        StopReason::Cancelled => "cancelled",
        StopReason::Orphaned => "orphaned",
        StopReason::Drained => "drained",
    }
}
