//! What the tests of the binary share.

use std::fmt::Write as _;
use std::path::Path;

use callboard_tests::harness::{Callboard, Ended};
use tempfile::TempDir;

/// A folder to run in, with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::with_prefix("callboard-cli-").unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs `callboard` with words as a shell would split them, on nothing but an end of input.
pub(crate) async fn run(words: &str, folder: &Path) -> Ended {
    let command = Callboard::new(words.split_whitespace()).unwrap();
    command.folder(folder).run().await.unwrap()
}

/// A command and what came of it, for a snapshot.
pub(crate) fn told(words: &str, ended: &Ended) -> String {
    let mut text = format!("$ callboard {words}\n");
    for part in [&ended.stdout, &ended.stderr] {
        if !part.trim().is_empty() {
            writeln!(text, "{}", part.trim_end()).unwrap();
        }
    }
    match ended.code {
        Some(code) => writeln!(text, "[exit {code}]").unwrap(),
        None => text.push_str("[killed]\n"),
    }
    text
}

/// Runs several commands and writes down what came of each.
pub(crate) async fn transcript(all: &[&str], folder: &Path) -> String {
    let mut text = String::new();
    for words in all {
        writeln!(text, "{}", told(words, &run(words, folder).await)).unwrap();
    }
    text
}
