//! A reader that goes away after the first line, and one that was never there.

use std::process::Stdio;

use callboard_tests::harness::{Callboard, Message, callboard, until};
use callboard_tests::signal::{self, catches_interrupts};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

fn piped(words: &[&str]) -> Child {
    Command::new(callboard().unwrap())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Runs the binary, reads at most one line of its output and closes the pipe; returns its errors and how it ended.
async fn head(words: &[&str], input: &[u8], lines: usize) -> (String, std::process::ExitStatus) {
    let mut child = piped(words);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    if lines == 0 {
        // Nobody reads, from before the first byte on.
        drop(output);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input).await.unwrap();
        drop(stdin);
    } else {
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input).await.unwrap();
        drop(stdin);
        let mut line = String::new();
        output.read_line(&mut line).await.unwrap();
        assert!(!line.is_empty(), "{words:?}");
        drop(output);
    }
    let mut errors = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut errors).await.unwrap();
    (errors, child.wait().await.unwrap())
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_command_in_peace() {
    let large = json!({"x": "x".repeat(200_000)});
    let message = (0..20).fold(Message::new(), |message, number| {
        message.call(&format!("c{number}"), "echo", &large)
    });
    let message = message.json();
    for (words, input) in [
        (&["--help"][..], ""),
        (&["execute", "--help"], ""),
        (&["tools"], ""),
        (&["tools", "--json"], ""),
        (&["tools", "--print-config"], ""),
        (&["execute", "--json"], message.as_str()),
    ] {
        for lines in [0, 1] {
            let (errors, status) = head(words, input.as_bytes(), lines).await;
            assert_eq!(errors, "", "{words:?}");
            assert!(status.code().is_some(), "{words:?}: {status}");
        }
    }
}

#[tokio::test]
async fn what_became_of_the_calls_is_told_by_the_code_also_where_nobody_reads() {
    let message = Message::new().call("a", "no_such_tool", &json!({})).json();
    for lines in [0, 1] {
        let (errors, status) = head(&["execute"], message.as_bytes(), lines).await;
        assert_eq!(status.code(), Some(4), "{errors}");
    }
}

#[tokio::test]
async fn a_run_that_did_not_answer_says_so_also_where_nobody_reads() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/orders.toml");
    let words = ["run", "q", "--script", script, "--turns", "1"];
    for lines in [0, 1] {
        let (errors, status) = head(&words, b"", lines).await;
        assert_eq!(status.code(), Some(6), "{errors}");
    }
}

#[tokio::test]
async fn results_that_can_not_be_written_are_named() {
    let message = Message::new().call("a", "echo", &json!({})).json();
    let full = std::fs::File::options().write(true).open("/dev/full");
    let mut child = Command::new(callboard().unwrap())
        .arg("execute")
        .stdin(Stdio::piped())
        .stdout(full.unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(message.as_bytes()).await.unwrap();
    drop(stdin);
    let ended = child.wait_with_output().await.unwrap();
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{errors}");
    assert!(errors.contains("the calls have run"), "{errors}");
    assert!(errors.contains("No space left"), "{errors}");
}

#[tokio::test]
async fn who_waits_for_its_input_can_be_interrupted() {
    let mut child = piped(&["execute"]);
    let pid = child.id().unwrap();
    let _input = child.stdin.take().unwrap();
    until("its own handler", async || {
        Ok(catches_interrupts(pid)?.then_some(()))
    })
    .await
    .unwrap();
    signal::interrupt(pid).unwrap();
    // Its input stays open all the while.
    let ended = child.wait_with_output().await.unwrap();
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{errors}");
    assert!(errors.contains("nothing was run"), "{errors}");
    assert!(ended.stdout.is_empty());
}

#[tokio::test]
async fn an_input_without_an_end_is_refused() {
    let ended = Callboard::new(["execute", "/dev/zero"]).unwrap();
    let ended = ended.run().await.unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("larger than the 256 MiB"),
        "{}",
        ended.stderr
    );
}
