//! The simulation's checker is shown broken histories and must name what is broken.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each test breaks the few facts that it is about"
)]

use callboard_proto::{Effect, Executed, FailureKind};
use callboard_simulation::{
    Asked, AttemptRef, CallRef, Ending, Entry, Fact, FaultClass, History, InstanceRef, Invariant,
    Plan, S, Word, check, run,
};

/// A history without fault, with completed and failed calls of all effects.
fn good() -> History {
    (0..)
        .map(|seed| run(&Plan::of_class(seed, FaultClass::Calm), None, false).history)
        .find(|history| {
            effected_write(history).is_some()
                && reported(history, |ending| is_no(&ending)).is_some()
                && reports(history) >= 3
                && history
                    .entries
                    .iter()
                    .any(|entry| is_report_of_two(&entry.fact))
        })
        .unwrap()
}

fn reports(history: &History) -> usize {
    let is_report = |entry: &&Entry| matches!(entry.fact, Fact::Reported { .. });
    history.entries.iter().filter(is_report).count()
}

fn is_report_of_two(fact: &Fact) -> bool {
    matches!(fact, Fact::Reported { calls, .. } if calls.len() >= 2)
}

fn is_no(ending: &Ending) -> bool {
    matches!(
        ending,
        Ending::Failed {
            executed: Executed::No,
            ..
        }
    )
}

/// A write that had its effect: where, and for which attempt.
fn effected_write(history: &History) -> Option<(AttemptRef, InstanceRef)> {
    history.entries.iter().find_map(|entry| match &entry.fact {
        Fact::Effected { of, at } if effect(history, of.call) == Some(Effect::Write) => {
            Some((*of, *at))
        }
        _ => None,
    })
}

fn effect(history: &History, wanted: CallRef) -> Option<Effect> {
    history.entries.iter().find_map(|entry| match &entry.fact {
        Fact::CallOpened { call, effect, .. } if *call == wanted => *effect,
        _ => None,
    })
}

fn reported(history: &History, fits: impl Fn(Ending) -> bool) -> Option<(CallRef, Ending)> {
    history.entries.iter().find_map(|entry| match &entry.fact {
        Fact::Reported { calls, .. } => calls.iter().copied().find(|(_, ending)| fits(*ending)),
        _ => None,
    })
}

/// The first report of at least two calls.
fn report(history: &mut History) -> (usize, &mut Vec<(CallRef, Ending)>) {
    let at = history
        .entries
        .iter()
        .position(|entry| is_report_of_two(&entry.fact))
        .unwrap();
    match &mut history.entries[at].fact {
        Fact::Reported { calls, .. } => (at, calls),
        _ => unreachable!("a report was looked for"),
    }
}

/// Changes what is said of a call, when it settled and in its report.
fn say(history: &mut History, of: CallRef, new: Ending) {
    for entry in &mut history.entries {
        match &mut entry.fact {
            Fact::Reported { calls, .. } => {
                for (call, ending) in calls.iter_mut() {
                    if *call == of {
                        *ending = new;
                    }
                }
            }
            Fact::Settled {
                call,
                kind,
                executed,
            } if *call == of => match new {
                Ending::Completed { .. } => (*kind, *executed) = (None, Executed::Yes),
                Ending::Failed {
                    kind: other,
                    executed: truth,
                } => {
                    (*kind, *executed) = (Some(other), truth);
                }
            },
            _ => {}
        }
    }
}

fn failed(kind: FailureKind, executed: Executed) -> Ending {
    Ending::Failed { kind, executed }
}

/// Inserts a fact after the first that fits.
fn insert_after(history: &mut History, fits: impl Fn(&Fact) -> bool, fact: Fact) {
    let at = history
        .entries
        .iter()
        .position(|entry| fits(&entry.fact))
        .unwrap();
    let time = history.entries[at].at;
    history.entries.insert(at + 1, Entry { at: time, fact });
}

#[track_caller]
fn assert_rejected(history: &History, invariant: Invariant) {
    let violation = check(history).expect_err("the history is broken");
    assert_eq!(violation.invariant, invariant, "{violation}");
}

#[test]
fn a_good_history_is_accepted() {
    assert_eq!(check(&good()), Ok(()));
}

#[test]
fn a_dropped_outcome_is_rejected() {
    let mut history = good();
    report(&mut history).1.pop();
    assert_rejected(&history, Invariant::OneOutcome);
}

#[test]
fn a_doubled_outcome_is_rejected() {
    let mut history = good();
    let (_, calls) = report(&mut history);
    calls.push(calls[0]);
    assert_rejected(&history, Invariant::OneOutcome);
}

#[test]
fn an_outcome_of_a_call_that_was_never_opened_is_rejected() {
    let mut history = good();
    let (_, calls) = report(&mut history);
    calls[0].0.index = 4_000;
    assert_rejected(&history, Invariant::OneOutcome);
}

#[test]
fn swapped_outcomes_are_rejected() {
    let mut history = good();
    report(&mut history).1.swap(0, 1);
    assert_rejected(&history, Invariant::CallOrder);
}

#[test]
fn a_doubled_report_is_rejected() {
    let mut history = good();
    let (at, _) = report(&mut history);
    let again = history.entries[at].clone();
    history.entries.push(again);
    assert_rejected(&history, Invariant::OneReport);
}

#[test]
fn a_missing_report_is_rejected() {
    let mut history = good();
    let (at, _) = report(&mut history);
    history.entries.remove(at);
    assert_rejected(&history, Invariant::OneReport);
}

#[test]
fn a_report_after_its_deadline_is_rejected() {
    let mut history = good();
    let (at, _) = report(&mut history);
    for entry in &mut history.entries[at..] {
        entry.at += 100 * S;
    }
    assert_rejected(&history, Invariant::InTime);
}

#[test]
fn a_report_after_its_deadline_but_at_the_end_of_a_stall_is_accepted() {
    let mut history = good();
    let (at, _) = report(&mut history);
    let Fact::Reported { turn, .. } = history.entries[at].fact else {
        unreachable!("a report was looked for");
    };
    let coordinator = turn.coordinator;
    let time = history.entries[at].at;
    for entry in &mut history.entries {
        if let Fact::TurnOpened { turn: opened, due } = &mut entry.fact
            && *opened == turn
        {
            *due = 0;
        }
    }
    let woke = Entry {
        at: time,
        fact: Fact::Woke { coordinator },
    };
    history.entries.insert(at, woke);
    assert_rejected(&history, Invariant::InTime);
    let stalled = Entry {
        at: 0,
        fact: Fact::Stalled { coordinator },
    };
    history.entries.insert(0, stalled);
    assert_eq!(check(&history), Ok(()));
}

#[test]
fn an_outcome_that_changes_after_it_settled_is_rejected() {
    let mut history = good();
    let (call, _) = reported(&history, |ending| is_no(&ending)).unwrap();
    for entry in &mut history.entries {
        if let Fact::Settled {
            call: settled,
            executed,
            ..
        } = &mut entry.fact
            && *settled == call
        {
            *executed = Executed::Unknown;
        }
    }
    assert_rejected(&history, Invariant::SettledOnce);
}

#[test]
fn an_effect_twice_is_rejected() {
    let mut history = good();
    let (of, at) = effected_write(&history).unwrap();
    let fact = Fact::Effected { of, at };
    insert_after(&mut history, |other| *other == fact, fact.clone());
    assert_rejected(&history, Invariant::WriteOnce);
}

#[test]
fn a_no_that_is_a_lie_is_rejected() {
    let mut history = good();
    let (of, _) = effected_write(&history).unwrap();
    say(
        &mut history,
        of.call,
        failed(FailureKind::TimedOut, Executed::No),
    );
    assert_rejected(&history, Invariant::NoIsTrue);
}

#[test]
fn a_no_that_an_effect_after_the_report_makes_a_lie_is_rejected() {
    let mut history = good();
    let (call, _) = reported(&history, |ending| is_no(&ending)).unwrap();
    let of = AttemptRef {
        call,
        attempt: 1,
        epoch: 0,
    };
    let at = InstanceRef { worker: 0, life: 0 };
    history.entries.push(Entry {
        at: u64::MAX / 2,
        fact: Fact::Effected { of, at },
    });
    assert_rejected(&history, Invariant::NoIsTrue);
}

#[test]
fn a_yes_that_is_a_lie_is_rejected() {
    let mut history = good();
    let (call, _) = reported(&history, |ending| is_no(&ending)).unwrap();
    say(
        &mut history,
        call,
        failed(FailureKind::Crashed, Executed::Yes),
    );
    assert_rejected(&history, Invariant::YesIsTrue);
}

#[test]
fn a_result_that_no_tool_gave_is_rejected() {
    let mut history = good();
    let (of, _) = effected_write(&history).unwrap();
    say(
        &mut history,
        of.call,
        Ending::Completed {
            nonce: 77,
            is_error: false,
        },
    );
    assert_rejected(&history, Invariant::ResultIsReal);
}

#[test]
fn an_execution_that_was_not_posted_is_rejected() {
    let mut history = good();
    let (of, _) = effected_write(&history).unwrap();
    let at = InstanceRef {
        worker: 200,
        life: 0,
    };
    insert_after(
        &mut history,
        |other| matches!(other, Fact::Effected { of: effected, .. } if *effected == of),
        Fact::Entered { of, at },
    );
    assert_rejected(&history, Invariant::EnteredWasPosted);
}

#[test]
fn an_unknown_in_a_calm_schedule_is_rejected() {
    let mut history = good();
    let (of, _) = effected_write(&history).unwrap();
    say(
        &mut history,
        of.call,
        failed(FailureKind::WorkerLost, Executed::Unknown),
    );
    assert_rejected(&history, Invariant::CalmIsCertain);
}

#[test]
fn an_unknown_of_a_call_that_was_answered_is_rejected() {
    let mut history = good();
    let (of, at) = effected_write(&history).unwrap();
    history.class = FaultClass::Drop;
    say(
        &mut history,
        of.call,
        failed(FailureKind::WorkerLost, Executed::Unknown),
    );
    // The answer must have been there before the moment at which the call settled.
    let grant = history.entries.iter().position(
        |entry| matches!(entry.fact, Fact::Effected { of: effected, .. } if effected == of),
    );
    let time = history.entries[grant.unwrap()].at;
    let answered = Fact::Answered {
        of,
        from: at,
        word: Word::Result { certain: true },
    };
    history.entries.insert(
        grant.unwrap(),
        Entry {
            at: time,
            fact: answered,
        },
    );
    let settled = history
        .entries
        .iter_mut()
        .skip_while(|entry| !matches!(&entry.fact, Fact::Settled { call, .. } if *call == of.call));
    for entry in settled {
        entry.at += 1;
    }
    assert_rejected(&history, Invariant::UnknownIsJustified);
}

#[test]
fn an_unknown_of_a_lost_grant_is_accepted() {
    let mut history = good();
    let (of, _) = effected_write(&history).unwrap();
    history.class = FaultClass::Drop;
    say(
        &mut history,
        of.call,
        failed(FailureKind::WorkerLost, Executed::Unknown),
    );
    history.entries.retain(|entry| {
        !matches!(&entry.fact, Fact::Answered { of: answered, .. } if answered.call == of.call)
    });
    assert_eq!(check(&history), Ok(()));
}

#[test]
fn a_ghost_is_rejected() {
    let mut history = good();
    let (of, _) = effected_write(&history).unwrap();
    for entry in &mut history.entries {
        if let Fact::Posted {
            asked: Asked::Grant,
            of: posted,
            valid_for,
            ..
        } = &mut entry.fact
            && *posted == of
        {
            entry.at = 0;
            *valid_for = Some(0);
        }
    }
    let entered = history.entries.iter_mut().skip_while(
        |entry| !matches!(&entry.fact, Fact::Entered { of: entered, .. } if *entered == of),
    );
    for entry in entered {
        entry.at += S / 5;
    }
    assert_rejected(&history, Invariant::NoGhosts);
}

#[test]
fn a_lost_worker_that_is_well_is_rejected() {
    let mut history = good();
    let (of, _) = effected_write(&history).unwrap();
    say(
        &mut history,
        of.call,
        failed(FailureKind::WorkerLost, Executed::Yes),
    );
    assert_rejected(&history, Invariant::LostIsLost);
}

#[test]
fn poison_without_two_ended_instances_is_rejected() {
    let mut history = good();
    let (of, _) = effected_write(&history).unwrap();
    say(
        &mut history,
        of.call,
        failed(FailureKind::Poison, Executed::Yes),
    );
    assert_rejected(&history, Invariant::PoisonKilledTwo);
}

#[test]
fn more_than_the_slots_is_rejected() {
    let mut history = good();
    for entry in &mut history.entries {
        if let Fact::Started { running, slots, .. } = &mut entry.fact {
            *running = *slots + 1;
        }
    }
    assert_rejected(&history, Invariant::SlotsKept);
}

#[test]
fn what_remains_is_rejected() {
    let mut history = good();
    history.record(
        0,
        Fact::Remains {
            node: "worker 0".to_owned(),
            what: "slots",
            count: 1,
            allowed: 0,
        },
    );
    assert_rejected(&history, Invariant::NothingRemains);
}

#[test]
fn a_core_that_spins_or_never_ends_is_rejected() {
    let mut history = good();
    history.record(
        0,
        Fact::Spun {
            node: "coordinator 0".to_owned(),
        },
    );
    assert_rejected(&history, Invariant::Settles);
    let mut history = good();
    history.record(0, Fact::Endless);
    assert_rejected(&history, Invariant::Settles);
}
