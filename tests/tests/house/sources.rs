//! What is in files: how long they are, and what may never be in one.

use std::fs;
use std::process::Command;

use xtask::paths;

/// The longest a Rust file may be, in lines: above it, a second idea has moved in.
const LINES_MAX: usize = 500;

/// Returns the name of every file of ours in git that ends with `suffix`.
pub(super) fn files(suffix: &str) -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--", &format!("*{suffix}")])
        .current_dir(paths::root())
        .output()
        .expect("git lists the files: the house is checked in a clone");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).unwrap();
    // A file that somebody has just removed is still listed.
    let there = |name: &&str| !name.is_empty() && paths::root().join(name).is_file();
    names.split('\0').filter(there).map(str::to_owned).collect()
}

/// Returns one line for each text that is too long or that switches a test off.
fn bad_sources<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut bad = Vec::new();
    for (name, text) in sources {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            bad.push(format!(
                "{name} has {lines} lines, more than {LINES_MAX}: split it by its ideas"
            ));
        }
        if text
            .lines()
            .any(|line| line.trim_start().starts_with("#[ignore"))
        {
            bad.push(format!(
                "{name} switches a test off: what can't run says so and fails"
            ));
        }
    }
    bad
}

#[test]
fn no_source_is_too_long_and_no_test_is_off() {
    let texts: Vec<_> = files(".rs")
        .into_iter()
        .map(|name| (fs::read_to_string(paths::root().join(&name)).unwrap(), name))
        .collect();
    assert!(!texts.is_empty());
    let sources = texts
        .iter()
        .map(|(text, name)| (name.as_str(), text.as_str()));
    assert_eq!(bad_sources(sources), [""; 0]);
}

#[test]
fn the_checker_rejects_a_long_source_and_a_test_that_is_off() {
    let full = "line\n".repeat(LINES_MAX);
    assert!(bad_sources([("full.rs", full.as_str())]).is_empty());
    assert_eq!(
        bad_sources([("long.rs", format!("{full}line\n").as_str())]).len(),
        1
    );
    assert_eq!(
        bad_sources([("off.rs", "#[test]\n#[ignore]\nfn slow() {}\n")]).len(),
        1
    );
}

/// Returns one line for each place where a merge was left half done.
fn half_merged<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let is_mark = |line: &&str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    let mut bad = Vec::new();
    for (name, text) in texts {
        let marks = text.lines().enumerate().filter(|(_, line)| is_mark(line));
        bad.extend(marks.map(|(index, line)| format!("{name}:{}: {line}", index + 1)));
    }
    bad
}

#[test]
fn no_merge_is_half_done() {
    // What isn't text has no lines.
    let texts: Vec<_> = files("")
        .into_iter()
        .filter_map(|name| Some((fs::read_to_string(paths::root().join(&name)).ok()?, name)))
        .collect();
    assert!(texts.len() > 100);
    let texts = texts
        .iter()
        .map(|(text, name)| (name.as_str(), text.as_str()));
    assert_eq!(half_merged(texts), [""; 0]);
}

#[test]
fn the_checker_finds_a_half_done_merge() {
    let text = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> 1234567 (other)\nd\n";
    assert_eq!(half_merged([("merged.py", text)]).len(), 2);
    assert!(half_merged([("title.md", "Title\n=======\n")]).is_empty());
}
