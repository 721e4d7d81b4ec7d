//! `run`: scripts that answer, scripts that can't be read, scripts that lead nowhere.

use callboard_tests::harness::Callboard;
use serde_json::Value;
use xtask::paths;

use super::common::{folder, run, transcript};

const ASK: &str = "[[turn]]\n[[turn.call]]\nid = \"a\"\ntool = \"echo\"\narguments = { n = 1 }\n";

#[tokio::test]
async fn the_example_runs_to_its_answer() {
    let script = paths::root().join("examples/orders.toml");
    let words = ["run", "How are my last orders?", "--json", "--script"];
    let command = Callboard::new(words).unwrap().args([script]);
    let ended = command.run().await.unwrap();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["end"]["reason"], "answered");
    assert_eq!(report["tally"]["calls"], report["tally"]["completed"]);
    assert_eq!(report["turns"].as_array().unwrap().len(), 4);
    let text = report["text"].as_str().unwrap();
    assert!(!text.contains("{{") && !text.contains("unknown"), "{text}");
}

#[tokio::test]
async fn scripts_that_can_not_be_read_are_told_with_their_place() {
    let two = format!("{ASK}[[turn.call]]\nid = \"a\"\ntool = \"echo\"\n");
    let later = "[[turn]]\ntext = \"{{later/n}}\"\n".to_owned() + ASK;
    let files = folder(&[
        ("script.yaml", ""),
        ("empty.toml", ""),
        ("empty.json", "{}"),
        ("syntax.toml", "[[turn]\n"),
        ("syntax.json", "{\"turn\": ["),
        ("key.toml", "[[turn]]\ntext = \"a\"\nlater = 1\n"),
        ("twice.toml", &two),
        ("later.toml", &later),
        ("stop.toml", "[[turn]]\nstop = \"tool_use\"\n"),
        (
            "both.toml",
            "[[turn]]\n[[turn.call]]\ntool = \"echo\"\narguments = {}\narguments_json = \"{}\"\n",
        ),
    ]);
    let told = transcript(
        &[
            "run x --script missing.toml",
            "run x --script script.yaml",
            "run x --script empty.toml",
            "run x --script empty.json",
            "run x --script syntax.toml",
            "run x --script syntax.json",
            "run x --script key.toml",
            "run x --script twice.toml",
            "run x --script later.toml",
            "run x --script stop.toml",
            "run x --script both.toml",
        ],
        files.path(),
    );
    insta::assert_snapshot!(told.await);
}

/// Runs a script and returns the exit code with the end that it reports.
async fn end_of(script: &str, flags: &str) -> (Option<i32>, String) {
    let files = folder(&[("script.toml", script)]);
    let words = format!("run x --script script.toml --json {flags}");
    let ended = run(&words, files.path()).await;
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let end = &report["end"];
    let mut text = end["reason"].as_str().unwrap().to_owned();
    if let Some(message) = end["message"].as_str() {
        text = format!("{text}: {message}");
    }
    (ended.code, text)
}

#[tokio::test]
async fn a_run_says_why_it_ended() {
    let say = "[[turn]]\ntext = \"{{a/n}}\"\n";
    let answered = end_of(&format!("{ASK}{say}"), "").await;
    assert_eq!(answered, (Some(0), "answered".to_owned()));
    let mut told = String::new();
    let nowhere = "[[turn]]\ntext = \"{{a/m}}\"\n";
    let expect = "[[turn]]\nexpect = \"some_failed\"\ntext = \"b\"\n";
    let twice = format!("{ASK}{ASK}{say}");
    for (script, flags) in [
        (ASK.to_owned(), ""),
        (format!("{ASK}{nowhere}"), ""),
        (format!("{ASK}{expect}"), ""),
        (twice.clone(), "--turns 1"),
        (twice.clone(), "--calls 1"),
        (
            "[[turn]]\nstop = \"max_tokens\"\ntext = \"a\"\n".to_owned(),
            "",
        ),
        (
            "[[turn]]\nstop = \"refusal\"\ntext = \"a\"\n".to_owned(),
            "",
        ),
        (
            "[[turn]]\ndelay_ms = 600000\ntext = \"a\"\n".to_owned(),
            "--time 200ms",
        ),
    ] {
        let (code, end) = end_of(&script, flags).await;
        assert_eq!(code, Some(6), "{end}");
        told.push_str(&end);
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_run_whose_calls_fail_still_answers() {
    let script = ASK.replace("echo", "no_such_tool") + "[[turn]]\ntext = \"{{a/n|nothing}}\"\n";
    assert_eq!(end_of(&script, "").await, (Some(4), "answered".to_owned()));
    let answer = "[[turn]]\ntext = \"no calls at all\"\n";
    assert_eq!(end_of(answer, "").await, (Some(0), "answered".to_owned()));
}
