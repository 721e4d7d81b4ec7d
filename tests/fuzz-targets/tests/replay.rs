//! Replays each target over its committed corpus, and over mutations of it: what a fuzzer found once, and what it
//! would find first. `CALLBOARD_FUZZ_ROUNDS` makes it go on for longer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use callboard_fuzz_targets::{decoder, guard};

/// Mutations of each seed; a few seconds in a debug build (chosen).
const ROUNDS: usize = 2_000;
/// Bytes that matter to the grammars here, and to what stands between them.
const WORDS: [&str; 28] = [
    "-",
    "--",
    "\0",
    "\n",
    "{",
    "}",
    "{{",
    "\"",
    "\\",
    "..",
    "%2e",
    "%2f",
    "/",
    "@",
    "#",
    "?",
    ":",
    "[::1]",
    "127.1",
    "0x7f.1",
    "2130706433",
    "[::ffff:10.0.0.1]",
    "localhost",
    "null",
    "true",
    "\u{202e}",
    "\u{ff0e}",
    "\r",
];

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut seeds: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    seeds.sort();
    seeds
}

fn mutate(rng: &mut fastrand::Rng, data: &mut Vec<u8>, others: &[(String, Vec<u8>)]) {
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..=data.len());
        match rng.u32(..6) {
            0 if at < data.len() => data[at] ^= 1 << rng.u32(..8),
            1 if at < data.len() => {
                data.remove(at);
            }
            2 => data.insert(at, rng.u8(..)),
            3 => {
                let word = WORDS[rng.usize(..WORDS.len())];
                data.splice(at..at, word.bytes());
            }
            4 => data.truncate(at),
            _ => {
                let (_, other) = &others[rng.usize(..others.len())];
                let from = rng.usize(..=other.len());
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
        }
    }
}

/// Replays a target; what reached it, of the corpus and of the mutations.
fn replay(target: &str, body: fn(&[u8]) -> bool) -> (usize, usize) {
    let seeds = corpus(target);
    assert!(seeds.len() >= 5, "{target} has a corpus");
    let reached = seeds.iter().filter(|(_, data)| body(data)).count();
    let rounds = std::env::var("CALLBOARD_FUZZ_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut rng = fastrand::Rng::with_seed(0x6661_7a7a);
    let mut mutated = 0;
    for (name, seed) in &seeds {
        for round in 0..rounds {
            let mut data = seed.clone();
            mutate(&mut rng, &mut data, &seeds);
            let outcome = std::panic::catch_unwind(|| body(&data));
            let Ok(was_reached) = outcome else {
                panic!("{target}: mutation {round} of {name} breaks a promise: {data:?}");
            };
            mutated += usize::from(was_reached);
        }
    }
    (reached, mutated)
}

#[test]
#[cfg(target_os = "linux")]
fn the_argv_builder_keeps_its_promises() {
    let (reached, mutated) = replay("argv", callboard_fuzz_targets::argv);
    assert!(
        reached >= 4 && mutated > 100,
        "{reached} and {mutated} reached it"
    );
}

#[test]
fn the_url_guard_keeps_its_promises() {
    let (reached, mutated) = replay("guard", guard);
    assert!(
        reached >= 4 && mutated > 100,
        "{reached} and {mutated} reached it"
    );
}

#[test]
fn the_decoder_keeps_its_promises() {
    let (reached, mutated) = replay("decoder", decoder);
    assert!(
        reached >= 14 && mutated > 100,
        "{reached} and {mutated} reached it"
    );
}
