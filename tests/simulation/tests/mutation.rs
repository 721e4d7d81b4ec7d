//! Rules are taken out of the cores one by one, and the simulation must notice:
//! `cargo test -p callboard-simulation --features mutation --profile simulation --test mutation`.

#![expect(
    clippy::print_stderr,
    reason = "it tells how soon each mutant was found"
)]

use callboard_simulation::suite::run_many;
use callboard_simulation::{Invariant, Mutant, Plan};

/// Schedules within which a missing rule must show.
const SCHEDULES: u64 = 100_000;

/// The promises that a missing rule breaks; any other failure would be another bug.
fn breaks(mutant: Mutant) -> &'static [Invariant] {
    match mutant {
        Mutant::WorkerInstanceCheck => &[Invariant::EnteredWasPosted, Invariant::WriteOnce],
        Mutant::ReplyInstanceCheck | Mutant::TokenBinding => &[
            Invariant::ResultIsReal,
            Invariant::NoIsTrue,
            Invariant::WriteOnce,
            Invariant::AsModelled,
        ],
        Mutant::TurnIdentity => &[Invariant::AsModelled, Invariant::ResultIsReal],
        Mutant::AgeCheck => &[Invariant::NoGhosts],
        Mutant::LinkEcho => &[Invariant::LostIsLost],
        Mutant::Tombstone => &[Invariant::NoIsTrue, Invariant::WriteOnce],
        Mutant::GrantId | Mutant::BindingWord => &[Invariant::WriteOnce],
    }
}

#[test]
fn a_rule_that_is_taken_out_is_missed() {
    for mutant in Mutant::ALL {
        let summary = run_many(
            0,
            SCHEDULES,
            |seed| Plan::of_class(seed, mutant.story()),
            Some(*mutant),
        );
        let failure = summary
            .failure
            .unwrap_or_else(|| panic!("{mutant:?} was not noticed in {SCHEDULES} schedules"));
        eprintln!(
            "{mutant:?}: noticed after {} schedules by seed {}: {}",
            summary.schedules, failure.seed, failure.violation
        );
        assert!(
            breaks(*mutant).contains(&failure.violation.invariant),
            "{mutant:?} broke something else: {}",
            failure.violation
        );
    }
}
