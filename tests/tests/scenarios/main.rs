//! The worker scenarios (`tests/scenarios/worker`), played against the Rust worker core. Their format
//! is described in `tests/scenarios/worker/README.md`, for those who play them against other workers.

#![expect(clippy::unwrap_used, reason = "tests")]

mod format;
mod label;
mod stage;

use std::path::Path;

use callboard_tests::harness::python;
use format::{Hear, Says, Scenario};
use stage::Stage;

/// Scenarios that there are at least: a moved folder must not pass for an empty one.
const SCENARIOS_MIN: usize = 15;

#[test]
fn the_worker_core_plays_every_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/worker");
    assert!(play_all(&folder) >= SCENARIOS_MIN);
}

/// Random scenarios that the tests make the Python core write, with what it says to them.
const RANDOM: (u32, u32) = (200, 1);

#[tokio::test]
async fn the_python_core_says_the_same_to_random_scenarios() {
    let Some(python) = python::python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (count, seed) = RANDOM;
    let written = tokio::process::Command::new(python)
        .current_dir(xtask::python_worker::sources())
        .args(["-B", "-m", "tests.random_scenarios"])
        .arg(folder.path())
        .args([count.to_string(), seed.to_string()])
        .status()
        .await
        .unwrap();
    assert!(written.success());
    assert_eq!(play_all(folder.path()), count as usize);
}

/// Plays every scenario of a folder, and gives their number.
fn play_all(folder: &Path) -> usize {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    for file in &files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(file).unwrap();
        let scenario: Scenario =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        play(&name, &scenario);
    }
    files.len()
}

fn play(name: &str, scenario: &Scenario) {
    let mut stage = Stage::new(scenario);
    for (number, step) in scenario.steps.iter().enumerate() {
        stage.run_until(step.at_ms);
        for hear in &step.hears {
            match hear {
                Hear::Message(message) => stage.hear(message),
                Hear::Finished(finished) => stage.finish(finished),
                Hear::Drain(drain) => stage.drain(drain.grace_ms),
            }
        }
        stage.listen();
        let told = stage.take_told();
        let at = format!("{name}, step {number} at {} ms", step.at_ms);
        assert_same(&at, &step.says, told);
        if let Some(beat) = &step.beat {
            let last = stage.last_beat().unwrap_or_else(|| panic!("{at}: no beat"));
            assert!(beat.fits(&last), "{at}: the last beat is {last:?}");
        }
    }
}

/// What is said is exactly what is expected, in any order.
fn assert_same(at: &str, expected: &[Says], mut told: Vec<Says>) {
    for says in expected {
        let found = told.iter().position(|told| says.fits(told));
        let found =
            found.unwrap_or_else(|| panic!("{at}: {says:?} was expected, and {told:#?} was said"));
        told.remove(found);
    }
    assert!(told.is_empty(), "{at}: {told:#?} was said too");
}
