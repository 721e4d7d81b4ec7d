//! Whatever a program does to stay, nothing of it is there when its call is over.

use std::path::{Path, PathBuf};

use callboard_tests::harness::{Callboard, Message, Results, until};
use callboard_tests::server::{Options, Server};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

/// Ignores SIGTERM, forks twice, leads sessions and process groups of its own, and says when it stands.
const STUBBORN: &str = r#"#!/bin/bash
trap '' TERM INT HUP
setsid bash -c 'trap "" TERM; (setsid sleep 100000 &) ; touch "$STANDS/far"; exec sleep 100000' &
(sleep 100000 &)
until [ -e "$STANDS/far" ]; do :; done
touch "$STANDS/near"
[ "$1" = stay ] || exit 0
sleep 100000
"#;

struct Stubborn {
    folder: TempDir,
    mark: String,
}

impl Stubborn {
    fn new(more: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = TempDir::with_prefix("callboard-tools-").unwrap();
        let mark = Uuid::new_v4().to_string();
        let program = folder.path().join("stubborn");
        std::fs::write(&program, STUBBORN).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let file = format!(
            "[[tool]]\nname = \"stubborn\"\ndescription = \"Stays.\"\neffect = \"read\"\nattempts = 1\n{more}\n\
             input_schema = '{{\"type\":\"object\",\"properties\":{{\"stay\":{{\"enum\":[\"stay\",\"go\"]}}}}}}'\n\
             [tool.process]\nargv = [{program:?}, \"{{stay}}\"]\nlimits.grace_ms = 200\n\
             env = {{ MARK = {mark:?}, STANDS = {:?} }}\n",
            folder.path()
        );
        std::fs::write(folder.path().join("worker.toml"), file).unwrap();
        Self { folder, mark }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn message(stay: &str) -> Message {
        Message::new().call("a", "stubborn", &json!({ "stay": stay }))
    }

    async fn stands(&self) {
        until("the program and all its children", async || {
            Ok(self.path().join("near").exists().then_some(()))
        })
        .await
        .unwrap();
    }

    /// Processes that carry this test's mark.
    fn processes(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(environ) = std::fs::read(entry.path().join("environ")) else {
                continue;
            };
            if String::from_utf8_lossy(&environ).contains(&self.mark) {
                let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                found.push(format!("{:?} {}", entry.file_name(), name.trim()));
            }
        }
        found
    }

    /// Where the workers of this test make the folders of their calls.
    fn calls(&self) -> PathBuf {
        let calls = self.path().join("calls");
        std::fs::create_dir_all(&calls).unwrap();
        calls
    }

    async fn are_gone(&self) {
        until(
            "no process of the program, and no folder of its call",
            async || {
                let folders = std::fs::read_dir(self.calls())?.count();
                Ok((self.processes().is_empty() && folders == 0).then_some(()))
            },
        )
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn nothing_stays_behind_a_program_that_answered() {
    let stubborn = Stubborn::new("");
    let message = Stubborn::message("go");
    let execute = Callboard::new(["execute", "--config", "worker.toml"]).unwrap();
    let execute = execute.env("TMPDIR", stubborn.calls().to_str().unwrap());
    let execute = execute.folder(stubborn.path()).input(message.json());
    let ended = execute.run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // Not "soon": the answer is given when they are gone.
    assert_eq!(stubborn.processes(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_stays_behind_an_attempt_whose_time_is_up() {
    let stubborn = Stubborn::new("attempt_timeout = \"500ms\"");
    let message = Stubborn::message("stay");
    let execute = Callboard::new(["execute", "--config", "worker.toml"]).unwrap();
    let execute = execute.env("TMPDIR", stubborn.calls().to_str().unwrap());
    let execute = execute.folder(stubborn.path()).input(message.json());
    let ended = execute.run().await.unwrap();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let results = Results::of(&message, &ended.stdout).unwrap();
    let text = &results.get("a").unwrap().text;
    assert!(text.starts_with("Error (timed_out)"), "{text}");
    stubborn.are_gone().await;
}

#[tokio::test]
async fn nothing_stays_behind_a_call_that_is_cancelled() {
    let stubborn = Stubborn::new("");
    let message = Stubborn::message("stay");
    let execute = Callboard::new(["execute", "--config", "worker.toml"]).unwrap();
    let execute = execute.env("TMPDIR", stubborn.calls().to_str().unwrap());
    let execute = execute.folder(stubborn.path()).input(message.json());
    let executing = execute.start().unwrap();
    stubborn.stands().await;
    assert!(
        stubborn.processes().len() >= 4,
        "{:?}",
        stubborn.processes()
    );
    executing.interrupt().unwrap();
    let ended = executing.ended().await.unwrap();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    stubborn.are_gone().await;
}

#[tokio::test]
async fn nothing_stays_behind_a_worker_that_is_killed_or_drained() {
    let server = Server::start(&Options::default()).await.unwrap();
    for is_killed in [true, false] {
        let stubborn = Stubborn::new("");
        let worker =
            Callboard::new(["worker", "--config", "worker.toml", "--grace", "300ms"]).unwrap();
        let worker = worker.env("TMPDIR", stubborn.calls().to_str().unwrap());
        let worker = worker.nats(&server.url()).folder(stubborn.path());
        let mut worker = worker.start().unwrap();
        worker.says("offers stubborn").await.unwrap();
        let message = Stubborn::message("stay");
        let execute = Callboard::new(["execute", "--deadline", "60s"]).unwrap();
        let execute = execute.nats(&server.url()).input(message.json());
        let executing = execute.start().unwrap();
        stubborn.stands().await;
        if is_killed {
            worker.kill9().await.unwrap();
        } else {
            worker.terminate().unwrap();
            let ended = worker.ended().await.unwrap();
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }
        stubborn.are_gone().await;
        executing.interrupt().unwrap();
        let ended = executing.ended().await.unwrap();
        Results::of(&message, &ended.stdout).unwrap();
    }
}
