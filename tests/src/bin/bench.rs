//! `bench`: measures Callboard beside raw async-nats; see `bench --help`.

use callboard_tests::bench::{cli, process};
use clap::Parser;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [process::WORD, words @ ..] => process::run(words),
        _ => cli::run(&cli::Options::parse()),
    }
}
