//! `callboard tools` and `callboard workers`: conflicts, one tool in full, watching.

use std::process::Stdio;

use callboard_tests::harness::{Callboard, Child, Message, PATIENCE, callboard, until, workers};
use callboard_tests::server::{Options, Server};
use callboard_tests::signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

use super::common::execute;

/// A worker whose tool `look` has a schema of its own.
async fn worker(url: &str, name: &str, property: &str) -> Child {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.toml");
    let text = format!(
        "[[tool]]\nname = \"look\"\ndescription = \"Looks at something. Closely.\"\neffect = \"read\"\nattempt_timeout = \"5s\"\n\
         process.argv = [\"true\"]\n[tool.input_schema]\ntype = \"object\"\nproperties.{property} = {{ type = \"string\" }}\n"
    );
    std::fs::write(&file, text).unwrap();
    let command = Callboard::worker(name, url).unwrap();
    let words = ["--config", file.to_str().unwrap(), "--slots", "4"];
    command.args(words).offers().await.unwrap()
}

#[tokio::test]
async fn different_tools_of_one_name_are_named_and_a_run_uses_one() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let _one = worker(&url, "one", "path").await;
    let _two = worker(&url, "two", "path").await;
    let _odd = worker(&url, "odd", "file").await;
    let view = async |words: &str| {
        let command = Callboard::new(words.split(' ')).unwrap().nats(&url);
        let ended = command.run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{words}: {}", ended.stderr);
        ended
    };
    let tools: Value = serde_json::from_str(&view("tools --json").await.stdout).unwrap();
    let tools = tools.as_array().unwrap();
    assert_eq!(tools.len(), 2);
    let of = |used: bool| tools.iter().find(|tool| tool["used"] == used).unwrap();
    assert_eq!(of(true)["workers"], json!(["one", "two"]));
    assert_eq!(of(false)["workers"], json!(["odd"]));
    let short = |used: bool| of(used)["digest"].as_str().unwrap()[..12].to_owned();
    for words in ["tools", "workers", "tools look"] {
        let said = view(words).await.stderr;
        for expected in [
            "workers offer different tools named look".to_owned(),
            format!("{} by one, two", short(true)),
            format!("{} by odd", short(false)),
            format!("a run that begins now uses {}", short(true)),
        ] {
            assert!(said.contains(&expected), "{words}: {expected}: {said}");
        }
    }
    // More calls than the two have slots: they wait, rather than go where another schema is.
    let message = (0..24).fold(Message::new(), |message, number| {
        message.call(&format!("c{number}"), "look", &json!({"path": "a"}))
    });
    let (report, _) = execute(&url, &message, &[]).await;
    for call in &report.calls {
        assert_eq!(call.outcome, "completed", "{call:?}");
        assert_ne!(call.worker.as_deref(), Some("odd"), "{call:?}");
    }
    let page = view("tools look").await.stdout;
    for expected in [
        "Looks at something. Closely.",
        "attempt timeout 5000 ms",
        "\"path\": {",
        "\"file\": {",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let wrong = Callboard::new(["tools", "loo"]).unwrap().nats(&url);
    let ended = wrong.run().await.unwrap();
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .stderr
            .contains("nobody offers a tool named loo; there is look"),
        "{}",
        ended.stderr
    );
}

/// What a command prints while it runs.
struct Watched {
    child: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watched {
    fn start(url: &str, words: &str) -> Self {
        let mut child = Command::new(callboard().unwrap())
            .args(words.split(' '))
            .args(["--nats", url])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that has all of these words in it.
    async fn line(&mut self, words: &[&str]) -> String {
        let found = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("a line");
                if words.iter().all(|word| line.contains(word)) {
                    return line;
                }
            }
        };
        timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| panic!("no line with {words:?}"))
    }

    async fn end(mut self) {
        signal::interrupt(self.child.id().unwrap()).unwrap();
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

#[tokio::test]
async fn who_watches_sees_workers_and_tools_come_and_go() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let mut workers = Watched::start(&url, "workers --watch");
    let mut json = Watched::start(&url, "workers --watch --json");
    let mut tools = Watched::start(&url, "tools --watch");
    let mut one = worker(&url, "one", "path").await;
    workers
        .line(&["joined   one (", "load 0/4", "tools look@"])
        .await;
    let joined: Value = serde_json::from_str(&json.line(&["joined"]).await).unwrap();
    assert_eq!(
        (&joined["event"], &joined["worker"]),
        (&json!("joined"), &json!("one"))
    );
    assert_eq!(joined["offers"][0]["name"], "look");
    tools
        .line(&["joined   look (", "effect read", "workers one"])
        .await;
    let two = worker(&url, "two", "path").await;
    workers.line(&["joined   two ("]).await;
    tools
        .line(&["changed  look (", "workers one → one two"])
        .await;
    two.terminate().unwrap();
    one.kill9().await.unwrap();
    workers.line(&["left     one ("]).await;
    let left = json.line(&["\"left\"", "\"one\""]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&left).unwrap()["event"],
        "left"
    );
    tools.line(&["left     look ("]).await;
    for watched in [workers, json, tools] {
        watched.end().await;
    }
}

#[tokio::test]
async fn a_worker_that_drains_is_said_to_run_nothing_that_is_not_known() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let command = Callboard::worker("one", &url).unwrap();
    let worker = command.args(["--tools", "basic"]).offers().await.unwrap();
    let message = Message::new().call("a", "wait", &json!({ "ms": 60_000 }));
    let execute = Callboard::new(["execute"]).unwrap().nats(&url);
    let executing = execute.input(message.json()).start().unwrap();
    until("the call runs", async || {
        let all = workers(&url).await?;
        Ok((all[0].running == Some(1)).then_some(()))
    })
    .await
    .unwrap();
    worker.terminate().unwrap();
    let drains = until("it drains", async || {
        let all = workers(&url).await?;
        Ok(all.into_iter().find(|worker| worker.state == "draining"))
    });
    assert_eq!(drains.await.unwrap().running, None);
    executing.interrupt().unwrap();
    assert_eq!(executing.ended().await.unwrap().code, Some(130));
    assert_eq!(worker.ended().await.unwrap().code, Some(0));
}
