//! Programs that do away with the process above them: their calls end all the same, and so do they.

use callboard_tests::harness::{Callboard, Ended, Message, Results, until};
use callboard_tests::server::{Options, Server};
use callboard_tests::signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// Leaves orphans that hide as well as they can, and sends a signal to what is above it.
const ASSASSIN: &str = r#"#!/bin/bash
(setsid env -i sleep "$MARK" > /dev/null &)
(setsid sleep "$MARK" &)
echo "it complains" >&2
kill "-$1" "$PPID"
exec sleep "$MARK"
"#;

struct Stage {
    folder: TempDir,
    /// Seconds that nobody else sleeps.
    mark: String,
}

impl Stage {
    fn new(more: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = TempDir::with_prefix("callboard-tools-").unwrap();
        let mark = format!("9{:012}", Uuid::new_v4().as_u128() % 1_000_000_000_000);
        let program = folder.path().join("assassin");
        std::fs::write(&program, ASSASSIN).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let file = format!(
            "[[tool]]\nname = \"assassin\"\ndescription = \"Kills.\"\neffect = \"read\"\nattempts = 1\n{more}\n\
             input_schema = '{{\"type\":\"object\",\"required\":[\"by\"],\"properties\":{{\"by\":{{\"enum\":[\"KILL\",\"STOP\"]}}}}}}'\n\
             [tool.process]\nargv = [{program:?}, \"{{by}}\"]\nlimits.grace_ms = 200\nenv = {{ MARK = {mark:?} }}\n"
        );
        std::fs::write(folder.path().join("worker.toml"), file).unwrap();
        Self { folder, mark }
    }

    async fn execute(&self, message: &Message) -> Ended {
        // Far below the turn's own deadline, which would end it as well.
        let words = ["execute", "--config", "worker.toml", "--deadline", "1h"];
        let execute = Callboard::new(words).unwrap();
        let execute = execute.folder(self.folder.path()).input(message.json());
        execute.run().await.unwrap()
    }

    fn processes(&self) -> Vec<String> {
        carriers(&self.mark)
    }
}

/// The processes with this word in what they were started with.
fn carriers(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(word) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test]
async fn a_program_that_kills_its_supervisor_is_answered_for_at_once_and_gone() {
    let stage = Stage::new("");
    let message = Message::new().call("a", "assassin", &json!({ "by": "KILL" }));
    let ended = stage.execute(&message).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let results = Results::of(&message, &ended.stdout).unwrap();
    let text = &results.get("a").unwrap().text;
    assert!(
        text.starts_with("Error (crashed)")
            && text.contains("was ended by signal SIGKILL, so how")
            && text.contains("itself ended can't be known; nothing of it is left\nit complains\n")
            && text.contains("Executed: unknown"),
        "{text}"
    );
    // Not "soon": the answer is given when they are gone.
    assert_eq!(stage.processes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_program_that_stops_its_supervisor_ends_with_its_time() {
    let stage = Stage::new("attempt_timeout = \"500ms\"");
    let nats = Server::start(&Options::default()).await.unwrap();
    let worker = Callboard::new(["worker", "--config", "worker.toml"]).unwrap();
    let worker = worker.nats(&nats.url()).folder(stage.folder.path());
    let worker = worker.offers().await.unwrap();
    let message = Message::new().call("a", "assassin", &json!({ "by": "STOP" }));
    let execute = Callboard::new(["execute"]).unwrap().nats(&nats.url());
    let ended = execute.input(message.json()).run().await.unwrap();
    let results = Results::of(&message, &ended.stdout).unwrap();
    let text = &results.get("a").unwrap().text;
    assert!(text.starts_with("Error (timed_out)"), "{text}");
    until("no process of the program", async || {
        Ok(stage.processes().is_empty().then_some(()))
    })
    .await
    .unwrap();
    worker.terminate().unwrap();
    assert_eq!(worker.ended().await.unwrap().code, Some(0));
}

/// The parent of a process.
fn parent_of(pid: u64) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_server_whose_supervisor_is_killed_is_started_again_and_leaves_nothing() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    let mark = format!("9{:012}", Uuid::new_v4().as_u128() % 1_000_000_000_000);
    let script = "(setsid env -i sleep \"$MARK\" > /dev/null &); exec \"$0\"";
    let server = env!("CARGO_BIN_EXE_mcp-server");
    let file = format!(
        "[[mcp]]\nname = \"fake\"\ncommand = [\"bash\", \"-c\", {script:?}, {server:?}]\nenv = {{ MARK = {mark:?} }}\n"
    );
    std::fs::write(folder.path().join("worker.toml"), file).unwrap();
    let worker = Callboard::new(["worker", "--config", "worker.toml"]).unwrap();
    let worker = worker.nats(&nats.url()).folder(folder.path());
    let worker = worker.offers().await.unwrap();
    let about = async || {
        let message = Message::new().call("about", "fake_about", &json!({}));
        let execute = Callboard::new(["execute"]).unwrap().nats(&nats.url());
        let ended = execute.input(message.json()).run().await.unwrap();
        let results = Results::of(&message, &ended.stdout).unwrap();
        serde_json::from_str::<Value>(&results.get("about").unwrap().text).ok()
    };
    let first = about().await.unwrap()["pid"].as_u64().unwrap();
    let orphans = carriers(&mark);
    assert_eq!(orphans.len(), 1, "{orphans:?}");
    signal::kill9(parent_of(first)).unwrap();
    until("another one serves", async || {
        let pid = about().await.and_then(|about| about["pid"].as_u64());
        Ok(pid.is_some_and(|pid| pid != first).then_some(()))
    })
    .await
    .unwrap();
    // Where nobody reaps it, its number stays; nothing else does.
    let left = std::fs::read(format!("/proc/{first}/cmdline")).unwrap_or_default();
    assert!(left.is_empty());
    assert!(!carriers(&mark).contains(&orphans[0]));
    worker.terminate().unwrap();
    assert_eq!(worker.ended().await.unwrap().code, Some(0));
    assert_eq!(carriers(&mark), Vec::<String>::new());
}
