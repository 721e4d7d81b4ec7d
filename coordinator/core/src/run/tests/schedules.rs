//! Random schedules: every call of every turn gets exactly one outcome, and budgets hold.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use callboard_proto::{ToolUseId, Turn, TurnKey};
use proptest::prelude::*;

use super::{answered, bad_call, call, key, report, run_id};
use crate::input::{CancelReason, NewCall};
use crate::run::{Answer, Budgets, Effect, Input, RunLoop, Stop, Usage};

/// One step of a random schedule; indices and times are taken modulo what makes sense.
#[derive(Clone, Debug)]
enum Step {
    Answer {
        calls: u8,
        bad: u8,
        stop: u8,
        tokens: u64,
    },
    Fail,
    Report {
        drop: u8,
        shuffle: bool,
    },
    Lose,
    Stale,
    Cancel(bool),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u8..6, 0u8..6, 0u8..12, 0u64..40)
            .prop_map(|(calls, bad, stop, tokens)| Step::Answer { calls, bad, stop, tokens }),
        1 => Just(Step::Fail),
        8 => (0u8..12, any::<bool>()).prop_map(|(drop, shuffle)| Step::Report { drop, shuffle }),
        1 => Just(Step::Lose),
        2 => Just(Step::Stale),
        1 => any::<bool>().prop_map(Step::Cancel),
        4 => (0u16..30_000).prop_map(Step::Wait),
    ]
}

fn stop(number: u8) -> Stop {
    match number {
        0 => Stop::Done,
        1 => Stop::Truncated,
        2 => Stop::Declined,
        3 => Stop::Unknown("new".to_owned()),
        _ => Stop::Calls,
    }
}

/// Feeds a schedule to a loop and checks every promise on the way.
fn walk(budgets: &Budgets, steps: Vec<Step>) {
    let start = Instant::now();
    let mut now = start;
    let mut run = RunLoop::new(run_id(), budgets.clone(), start);
    let mut steps: VecDeque<Step> = steps.into();
    let mut asked = None;
    let mut open: Option<(TurnKey, Vec<NewCall>)> = None;
    // Calls that the model asked for and that nobody answered yet.
    let mut unanswered: Vec<ToolUseId> = Vec::new();
    let (mut asks, mut posted, mut ended) = (0, 0, false);
    loop {
        while let Some(effect) = run.poll_effect() {
            assert!(!ended, "{effect:?} after the end");
            match effect {
                Effect::AskModel { turn } => {
                    assert!(unanswered.is_empty(), "asked with {unanswered:?} dangling");
                    assert!(now < start + budgets.time);
                    asks += 1;
                    assert_eq!(turn.turn.0, asks);
                    asked = Some(turn);
                }
                Effect::OpenTurn {
                    turn,
                    calls,
                    deadline,
                } => {
                    asked = None;
                    assert_eq!(
                        calls.iter().map(|call| &call.id).collect::<Vec<_>>(),
                        unanswered.iter().collect::<Vec<_>>()
                    );
                    assert!(
                        deadline <= (now + budgets.turn_time).min(start + budgets.time).max(now)
                    );
                    posted += calls.iter().filter(|call| call.body.is_ok()).count();
                    open = Some((turn, calls));
                }
                Effect::CancelTurn { turn, .. } => assert_eq!(open.as_ref().unwrap().0, turn),
                Effect::FeedBack(report) => {
                    let (turn, _) = open.take().unwrap();
                    assert_eq!(report.turn, turn);
                    assert_eq!(
                        report.calls.iter().map(|call| &call.id).collect::<Vec<_>>(),
                        unanswered.iter().collect::<Vec<_>>()
                    );
                    unanswered.clear();
                }
                Effect::End(_) => {
                    assert!(unanswered.is_empty(), "ended with {unanswered:?} dangling");
                    assert!(open.is_none());
                    ended = true;
                }
            }
        }
        assert!(asks <= budgets.turns);
        assert!(posted <= usize::try_from(budgets.calls).unwrap());
        assert_eq!(
            ended,
            run.poll_timeout().is_none(),
            "who waits has a deadline"
        );
        if ended {
            return;
        }
        // With no step left, time alone must end it.
        let Some(step) = steps.pop_front() else {
            now = now.max(run.poll_timeout().unwrap());
            run.handle_timeout(now);
            continue;
        };
        match step {
            Step::Answer {
                calls,
                bad,
                stop: number,
                tokens,
            } => {
                let Some(turn) = asked else { continue };
                let calls: Vec<_> = (0..calls)
                    .map(|index| {
                        let id = format!("c{index}");
                        if index == bad {
                            bad_call(&id)
                        } else {
                            call(&id)
                        }
                    })
                    .collect();
                let stop = stop(number);
                unanswered = calls.iter().map(|call| call.id.clone()).collect();
                let answer = Answer {
                    calls,
                    stop,
                    usage: Some(Usage {
                        input_tokens: tokens,
                        output_tokens: 1,
                    }),
                };
                run.handle_input(
                    Input::ModelAnswered {
                        turn: turn.turn,
                        answer,
                    },
                    now,
                );
            }
            Step::Fail => {
                let Some(turn) = asked else { continue };
                let message = "down".to_owned();
                run.handle_input(
                    Input::ModelFailed {
                        turn: turn.turn,
                        message,
                    },
                    now,
                );
            }
            Step::Report { drop, shuffle } => {
                let Some((turn, calls)) = &open else { continue };
                let mut report = report(*turn, calls);
                if usize::from(drop) < report.calls.len() {
                    report.calls.remove(usize::from(drop));
                }
                if shuffle {
                    report.calls.reverse();
                }
                run.handle_input(Input::Reported(report), now);
            }
            Step::Lose => {
                let Some((turn, _)) = &open else { continue };
                run.handle_input(Input::ReportLost { turn: turn.turn }, now);
            }
            Step::Stale => {
                run.handle_input(answered(asks + 1, Stop::Done, vec![]), now);
                run.handle_input(Input::Reported(report(key(asks + 1), &[])), now);
                run.handle_input(
                    Input::ReportLost {
                        turn: Turn(asks + 1),
                    },
                    now,
                );
            }
            Step::Cancel(asked) => {
                let reason = if asked {
                    CancelReason::Asked
                } else {
                    CancelReason::ShuttingDown
                };
                run.handle_input(Input::Cancel(reason), now);
            }
            Step::Wait(ms) => {
                now += Duration::from_millis(u64::from(ms));
                if run.poll_timeout().is_some_and(|at| at <= now) {
                    run.handle_timeout(now);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_call_is_answered_once_and_budgets_hold(
        turns in 0u32..6,
        calls in 0u32..12,
        tokens in proptest::option::of(0u64..120),
        time in 0u64..120,
        turn_time in 0u64..40,
        steps in proptest::collection::vec(step(), 0..40),
    ) {
        let budgets = Budgets {
            turns,
            calls,
            tokens,
            time: Duration::from_secs(time),
            turn_time: Duration::from_secs(turn_time),
        };
        walk(&budgets, steps);
    }
}
