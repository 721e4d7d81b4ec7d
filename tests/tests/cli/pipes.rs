//! A reader that goes away after the first line, and one that was never there.

use std::process::Stdio;

use callboard_tests::harness::{Message, callboard};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

/// Runs the binary, reads at most one line of its output and closes the pipe; returns its errors and how it ended.
async fn head(words: &[&str], input: &[u8], lines: usize) -> (String, std::process::ExitStatus) {
    let mut child = Command::new(callboard().unwrap())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
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
