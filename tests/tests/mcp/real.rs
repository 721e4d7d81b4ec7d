//! The reference servers of npm and PyPI, hosted by two workers, and judged by the official Python client.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use callboard_tests::harness::{Callboard, Child, Message, until};
use callboard_tests::server::{Options, Server};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use uuid::Uuid;
use xtask::mcp_servers::{Servers, VARIABLE};
use xtask::paths;

use super::ends::processes;
use super::stage::{Stage, execute_on, view};

/// The servers, or the word that a proof can't be made without them.
fn servers(proof: &str) -> Option<Servers> {
    let servers = Servers::named();
    if servers.is_none() {
        let line = format!(
            "LEFT OUT: {proof} ({VARIABLE} names no servers; `cargo xtask mcp` installs them and runs this)\n"
        );
        // In one write: other tests are talking, too.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    servers
}

/// Two workers that host all servers, each its own.
struct House {
    nats: Server,
    stage: Stage,
    mark: String,
    _workers: Vec<Child>,
}

impl House {
    async fn open(servers: &Servers) -> Self {
        let nats = Server::start(&Options::default()).await.unwrap();
        let mark = Uuid::new_v4().to_string();
        let stage = Stage::new("");
        let here = stage.path().display().to_string();
        std::fs::create_dir(stage.path().join("files")).unwrap();
        std::fs::write(stage.path().join("files/a.txt"), "one\ntwo\n").unwrap();
        repository(stage.path()).await;
        let mut workers = Vec::new();
        for worker in ["one", "two"] {
            let file = file(servers, &here, worker, &mark);
            std::fs::write(stage.path().join("worker.toml"), file).unwrap();
            let words = format!("worker --name {worker} --slots 64");
            workers.push(stage.worker(&nats.url(), &words).await);
        }
        Self {
            nats,
            stage,
            mark,
            _workers: workers,
        }
    }
}

fn file(servers: &Servers, here: &str, worker: &str, mark: &str) -> String {
    let files = format!("{here}/files");
    let repository = format!("{here}/repository");
    let entry = |name: &str, command: Vec<String>, arguments: &[&str], more: &str| {
        let command: Vec<&str> = command
            .iter()
            .map(String::as_str)
            .chain(arguments.iter().copied())
            .collect();
        format!(
            "[[mcp]]\nname = {name:?}\ncommand = {command:?}\nstart_timeout = \"60s\"\n{more}\n\n"
        )
    };
    entry(
        "everything",
        servers.from_npm("everything"),
        &[],
        &format!("env = {{ MARK = {mark:?} }}"),
    ) + &entry(
        "files",
        servers.from_npm("filesystem"),
        &[&files],
        "trust_annotations = true",
    ) + &entry(
        "memory",
        servers.from_npm("memory"),
        &[],
        &format!(
            "affinity = \"run\"\nenv = {{ MEMORY_FILE_PATH = \"{here}/memory-{worker}.jsonl\" }}"
        ),
    ) + &entry("time", servers.from_pypi("time"), &[], "effect = \"read\"")
        + &entry(
            "git",
            servers.from_pypi("git"),
            &["--repository", &repository],
            "effect = \"read\"",
        )
}

async fn repository(folder: &std::path::Path) {
    let script = "git init -q repository && cd repository && echo a > a && git add a \
                  && git -c user.name=n -c user.email=e@example.com commit -q -m first";
    let made = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .status();
    assert!(made.await.unwrap().success());
}

/// What the official client understood.
async fn official(servers: &Servers, order: &Value) -> Value {
    let mut client = Command::new(servers.environment().python())
        .arg(paths::root().join("tests/mcp/client.py"))
        .env_remove("HTTP_PROXY")
        .env("NO_PROXY", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    input.write_all(order.to_string().as_bytes()).await.unwrap();
    drop(input);
    let output = tokio::time::timeout(Duration::from_secs(90), client.wait_with_output());
    serde_json::from_slice(&output.await.unwrap().unwrap().stdout).unwrap()
}

/// A result of the official client as Anthropic's content blocks, which Callboard's must equal.
fn blocks(result: &Value) -> Vec<Value> {
    let mut structured = result.get("structuredContent").cloned();
    let mut blocks = Vec::new();
    for block in result["content"].as_array().unwrap() {
        blocks.push(match block["type"].as_str().unwrap() {
            "text" => {
                let text = block["text"].as_str().unwrap();
                if serde_json::from_str::<Value>(text).ok() == structured {
                    structured = None;
                }
                json!({ "type": "text", "text": text })
            }
            "image" => json!({ "type": "image", "source": {
                "type": "base64", "media_type": block["mimeType"], "data": block["data"],
            } }),
            other => panic!("{other}"),
        });
    }
    blocks.extend(structured.map(|value| json!({ "type": "text", "text": value.to_string() })));
    blocks
}

#[tokio::test]
async fn real_results_are_those_of_the_official_client() {
    let Some(servers) = servers("results as the official client understands them") else {
        return;
    };
    let house = House::open(&servers).await;
    let here = house.stage.path().display().to_string();
    let file = format!("{here}/files/a.txt");
    let repository = format!("{here}/repository");
    let with = |mut command: Vec<String>, more: &[&str]| {
        command.extend(more.iter().map(|word| (*word).to_owned()));
        command
    };
    let cases = [
        (
            "everything",
            with(servers.from_npm("everything"), &[]),
            vec![
                ("echo", json!({ "message": "h\u{e9}llo \u{1f98a}" })),
                ("get-sum", json!({ "a": 1.5, "b": 2 })),
                ("get-tiny-image", json!({})),
                ("get-structured-content", json!({ "location": "Chicago" })),
                (
                    "get-annotated-message",
                    json!({ "messageType": "error", "includeImage": true }),
                ),
                (
                    "trigger-long-running-operation",
                    json!({ "duration": 1, "steps": 2 }),
                ),
            ],
        ),
        (
            "files",
            with(servers.from_npm("filesystem"), &[&format!("{here}/files")]),
            vec![
                ("read_text_file", json!({ "path": file })),
                ("list_directory", json!({ "path": format!("{here}/files") })),
                ("read_text_file", json!({ "path": "/etc/passwd" })),
            ],
        ),
        (
            "time",
            with(servers.from_pypi("time"), &[]),
            vec![(
                "convert_time",
                json!({ "source_timezone": "Europe/Berlin", "time": "12:00", "target_timezone": "Asia/Tokyo" }),
            )],
        ),
        (
            "git",
            with(servers.from_pypi("git"), &["--repository", &repository]),
            vec![
                ("git_log", json!({ "repo_path": repository })),
                ("git_status", json!({ "repo_path": repository })),
                (
                    "git_show",
                    json!({ "repo_path": repository, "revision": "no-such-revision" }),
                ),
            ],
        ),
    ];
    for (name, command, calls) in cases {
        let mut message = Message::new();
        for (number, (tool, arguments)) in calls.iter().enumerate() {
            message = message.call(&format!("c{number}"), &format!("{name}_{tool}"), arguments);
        }
        let execute = Callboard::new(["execute"]).unwrap().nats(&house.nats.url());
        let ended = execute.input(message.json()).run().await.unwrap();
        let ours: Value = serde_json::from_str(&ended.stdout).unwrap();
        let theirs = official(&servers, &json!({ "command": command, "calls": calls })).await;
        for (number, result) in theirs["results"].as_array().unwrap().iter().enumerate() {
            let block = &ours["content"][number];
            assert_eq!(
                block["content"],
                json!(blocks(result)),
                "{name} {:?}",
                calls[number]
            );
            let is_error = block["is_error"].as_bool().unwrap_or(false);
            assert_eq!(
                is_error,
                result["isError"].as_bool().unwrap_or(false),
                "{block}"
            );
        }
        // Every tool that the official client lists is on offer, by both workers.
        let tools = view(Callboard::new(["tools"]).unwrap().nats(&house.nats.url())).await;
        for tool in theirs["tools"].as_array().unwrap() {
            let offered = format!("{name}_{}", tool.as_str().unwrap());
            let offered = tools
                .as_array()
                .unwrap()
                .iter()
                .find(|tool| tool["name"] == offered);
            assert_eq!(offered.unwrap()["instances"], 2, "{tool}");
        }
    }
}

#[tokio::test]
async fn a_hundred_real_calls_at_once_are_each_answered_with_their_own() {
    let Some(servers) = servers("a hundred calls on two workers") else {
        return;
    };
    let house = House::open(&servers).await;
    let mut message = Message::new();
    for number in 0..100 {
        let input = json!({ "message": format!("number {number}") });
        message = message.call(&format!("c{number}"), "everything_echo", &input);
    }
    let results = execute_on(&house.nats.url(), "execute", &message).await;
    for (number, result) in results.all().iter().enumerate() {
        assert_eq!(result.text, format!("Echo: number {number}"));
    }
}

#[tokio::test]
async fn a_run_keeps_its_real_memory() {
    let Some(servers) = servers("a run that stays on one memory") else {
        return;
    };
    let house = House::open(&servers).await;
    // Each worker's memory is its own: a run that went to both would miss what it wrote.
    let mut script = String::from(
        "[[turn]]\n[[turn.call]]\nid = \"w\"\ntool = \"memory_create_entities\"\n\
         arguments = { entities = [{ name = \"Ada\", entityType = \"person\", observations = [\"counts\"] }] }\n\n",
    );
    for turn in 0..4 {
        script.push_str("[[turn]]\n");
        for call in 0..3 {
            script.push_str(&format!(
                "[[turn.call]]\nid = \"r{turn}{call}\"\ntool = \"memory_search_nodes\"\narguments = {{ query = \"Ada\" }}\n"
            ));
        }
    }
    script.push_str(
        "[[turn]]\ntext = \"{{r00/entities/0/name}} {{r32/entities/0/observations/0}}\"\n",
    );
    std::fs::write(house.stage.path().join("script.toml"), script).unwrap();
    let run = Callboard::new(["run", "Who is she?", "--json", "--script", "script.toml"]).unwrap();
    let ended = run
        .nats(&house.nats.url())
        .folder(house.stage.path())
        .run()
        .await
        .unwrap();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    assert_eq!(report["text"], "Ada counts", "{report}");
    let kept = ["one", "two"].map(|worker| {
        std::fs::read_to_string(house.stage.path().join(format!("memory-{worker}.jsonl"))).is_ok()
    });
    assert_eq!(
        kept.iter().filter(|kept| **kept).count(),
        1,
        "one of the two: {kept:?}"
    );
}

#[tokio::test]
async fn a_real_server_that_is_killed_mid_call_is_told_of_and_comes_back() {
    let Some(servers) = servers("a server that is killed") else {
        return;
    };
    let house = House::open(&servers).await;
    let url = house.nats.url();
    let message = Message::new()
        .call(
            "long",
            "everything_trigger-long-running-operation",
            &json!({ "duration": 60, "steps": 60 }),
        )
        .call(
            "else",
            "time_convert_time",
            &json!({ "source_timezone": "UTC", "time": "12:00", "target_timezone": "UTC" }),
        );
    let execute = Callboard::new(["execute", "--json", "--deadline", "90s"])
        .unwrap()
        .nats(&url);
    let executing = execute.input(message.json()).start().unwrap();
    // It begins to tell how far it is on its way to nobody; what is seen from outside is that it is held.
    until("the call to run", async || {
        let workers = view(Callboard::new(["workers"]).unwrap().nats(&url)).await;
        let running = workers
            .as_array()
            .unwrap()
            .iter()
            .map(|worker| worker["running"].as_u64().unwrap_or(0));
        Ok((running.sum::<u64>() >= 1).then_some(()))
    })
    .await
    .unwrap();
    let before = processes(&house.mark);
    assert_eq!(before.len(), 2, "{before:?}");
    for process in &before {
        let pid = process.trim_matches('"').parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
    let ended = executing.ended().await.unwrap();
    assert!(
        ended.stdout.contains("ended by signal 9"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("\"executed\": \"unknown\"")
            || ended.stdout.contains("\"executed\":\"unknown\""),
        "{}",
        ended.stdout
    );
    let echo = Message::new().call("e", "everything_echo", &json!({ "message": "again" }));
    let results = execute_on(&url, "execute", &echo).await;
    assert_eq!(results.all()[0].text, "Echo: again");
    assert!(
        processes(&house.mark)
            .iter()
            .all(|process| !before.contains(process))
    );
}

#[tokio::test]
async fn a_real_server_over_http_is_hosted_and_missed_and_found_again() {
    let Some(servers) = servers("a server over streamable HTTP") else {
        return;
    };
    let nats = Server::start(&Options::default()).await.unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let start = async || {
        let command = servers.from_npm("everything");
        let server = Command::new(&command[0])
            .args([command[1].as_str(), "streamableHttp"])
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        until("the server listens", async || {
            Ok(std::net::TcpStream::connect(("127.0.0.1", port))
                .is_ok()
                .then_some(()))
        })
        .await
        .unwrap();
        server
    };
    let mut server = start().await;
    let url = format!("http://127.0.0.1:{port}/mcp");
    let stage = Stage::new(&format!(
        "[[mcp]]\nname = \"far\"\nurl = {url:?}\neffect = \"read\"\n"
    ));
    let _worker = stage.worker(&nats.url(), "worker --slots 64").await;
    let mut message = Message::new();
    for number in 0..30 {
        message = message.call(
            &format!("c{number}"),
            "far_echo",
            &json!({ "message": number.to_string() }),
        );
    }
    let results = execute_on(&nats.url(), "execute", &message).await;
    for (number, result) in results.all().iter().enumerate() {
        assert_eq!(result.text, format!("Echo: {number}"));
    }
    let calls = [
        ("get-tiny-image", json!({})),
        ("get-sum", json!({ "a": 2, "b": 3 })),
    ];
    let theirs = official(&servers, &json!({ "url": url, "calls": calls })).await;
    let ask = Message::new()
        .call("c0", "far_get-tiny-image", &calls[0].1)
        .call("c1", "far_get-sum", &calls[1].1);
    let execute = Callboard::new(["execute"]).unwrap().nats(&nats.url());
    let ended = execute.input(ask.json()).run().await.unwrap();
    let ours: Value = serde_json::from_str(&ended.stdout).unwrap();
    for (number, result) in theirs["results"].as_array().unwrap().iter().enumerate() {
        assert_eq!(ours["content"][number]["content"], json!(blocks(result)));
    }

    server.kill().await.unwrap();
    let echo = Message::new().call("e", "far_echo", &json!({ "message": "there?" }));
    until("the worker misses it", async || {
        execute_on(&nats.url(), "execute", &echo).await;
        let workers = view(Callboard::new(["workers"]).unwrap().nats(&nats.url())).await;
        Ok(workers[0]["down"][0]["why"]
            .as_str()
            .filter(|why| why.contains("reached"))
            .map(str::to_owned))
    })
    .await
    .unwrap();
    let _server = start().await;
    until("the worker finds it again", async || {
        let results = execute_on(&nats.url(), "execute", &echo).await;
        Ok((results.all()[0].text == "Echo: there?").then_some(()))
    })
    .await
    .unwrap();
}
