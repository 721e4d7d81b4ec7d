//! Random schedules against what a run promises: every call of every turn gets exactly one outcome, no
//! call is opened twice or out of order, nothing runs that must not, and budgets hold.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::world::{Met, World};
use crate::input::CancelReason;
use crate::run::{Budgets, Eager, Input, Stop, Terms};

/// One step of a random schedule; indices and times are taken modulo what makes sense.
#[derive(Clone, Debug)]
enum Step {
    /// The stream brings a call: 0 and 1 a read, 2 a write, 3 one that fails its check.
    Stream(u8),
    Answer {
        calls: u8,
        bad: u8,
        stop: u8,
        tokens: u64,
        /// Whether the answer drops the first call that streamed.
        contradicts: bool,
    },
    Fail(Option<u16>),
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
        8 => (0u8..4).prop_map(Step::Stream),
        8 => (0u8..6, 0u8..6, 0u8..14, 0u64..40, prop::bool::weighted(0.1)).prop_map(
            |(calls, bad, stop, tokens, contradicts)| Step::Answer {
                calls, bad, stop, tokens, contradicts
            }
        ),
        2 => proptest::option::of(0u16..10_000).prop_map(Step::Fail),
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
        4 => Stop::Paused,
        _ => Stop::Calls,
    }
}

fn take(world: &mut World<'_>, step: Step) {
    match step {
        Step::Stream(kind) => world.stream(kind),
        Step::Answer {
            calls,
            bad,
            stop: number,
            tokens,
            contradicts,
        } => world.answer(calls, bad, stop(number), tokens, contradicts),
        Step::Fail(delay) => world.fail(delay),
        Step::Report { drop, shuffle } => world.report(drop, shuffle),
        Step::Lose => world.lose(),
        Step::Stale => world.stale(),
        Step::Cancel(true) => {
            world
                .run
                .handle_input(Input::Cancel(CancelReason::Asked), world.now);
        }
        Step::Cancel(false) => world
            .run
            .handle_input(Input::Cancel(CancelReason::ShuttingDown), world.now),
        Step::Wait(ms) => world.wait(Duration::from_millis(u64::from(ms))),
    }
}

/// Feeds a schedule to a loop and checks every promise on the way.
fn walk(terms: &Terms, steps: Vec<Step>, met: &Met) {
    let mut world = World::new(terms, met);
    let mut steps: VecDeque<Step> = steps.into();
    world.perform_all();
    while !world.ended {
        match steps.pop_front() {
            Some(step) => take(&mut world, step),
            // With no step left, time alone must end it.
            None => {
                let due = world.run.poll_timeout().unwrap();
                world.wait(due.saturating_duration_since(world.now));
            }
        }
        world.perform_all();
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let budgets = (
        0u32..6,
        0u32..12,
        proptest::option::of(0u64..120),
        0u64..120,
        0u64..40,
    )
        .prop_map(|(turns, calls, tokens, time, turn_time)| Budgets {
            turns,
            calls,
            tokens,
            time: Duration::from_secs(time),
            turn_time: Duration::from_secs(turn_time),
        });
    let eager = prop_oneof![1 => Just(Eager::Off), 3 => Just(Eager::Read)];
    (budgets, eager, prop::bool::weighted(0.1)).prop_map(|(budgets, eager, refuses_calls)| Terms {
        budgets,
        eager,
        refuses_calls,
    })
}

#[test]
fn every_call_is_answered_once_and_budgets_hold() {
    let met = Met::default();
    let config = ProptestConfig {
        cases: 4_000,
        ..ProptestConfig::default()
    };
    let schedules = (terms(), proptest::collection::vec(step(), 0..40));
    TestRunner::new(config)
        .run(&schedules, |(terms, steps)| {
            walk(&terms, steps, &met);
            Ok(())
        })
        .unwrap();
    let Met {
        early,
        held_up,
        kept,
        discarded,
        asked_again,
        hidden,
    } = met;
    for (what, times) in [
        ("a call started early", early),
        ("a call held up those that followed", held_up),
        ("early results that were only kept", kept),
        ("early results that were thrown away", discarded),
        ("a response that was asked for anew", asked_again),
        ("time that was hidden", hidden),
    ] {
        assert!(times.get() > 0, "never met: {what}");
    }
}
