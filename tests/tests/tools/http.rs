//! Requests that a worker file declares, against a server of the test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_tests::harness::{Callboard, Message, Results, until};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Answers by path and keeps what it was asked.
struct Shop {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    open: Arc<()>,
}

impl Shop {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shop = Self {
            port: listener.local_addr().unwrap().port(),
            asked: Arc::default(),
            open: Arc::default(),
        };
        let (asked, open) = (Arc::clone(&shop.asked), Arc::clone(&shop.open));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, open) = (Arc::clone(&asked), Arc::clone(&open));
                tokio::spawn(async move {
                    serve(stream, &asked).await;
                    drop(open);
                });
            }
        });
        shop
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn asked_for(&self, start: &str) -> usize {
        self.asked()
            .iter()
            .filter(|request| request.starts_with(start))
            .count()
    }

    /// Connections that are open; one count is the listener's, one the shop's own.
    fn connections(&self) -> usize {
        Arc::strong_count(&self.open) - 2
    }
}

async fn serve(mut stream: TcpStream, asked: &Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let Ok(read @ 1..) = stream.read(&mut chunk).await else {
            return;
        };
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() < length.map_or(0, |length| length.parse().unwrap()) {
            continue;
        }
        bytes.clear();
        let times = {
            let mut asked = asked.lock().unwrap();
            asked.push(text.replace("\r\n", "\n"));
            let line = text.lines().next().unwrap();
            asked
                .iter()
                .filter(|request| request.starts_with(line))
                .count()
        };
        let path = text.split(' ').nth(1).unwrap();
        let (status, headers, body) = match path.split(['?', '/']).nth(1).unwrap() {
            "busy" if times < 3 => ("429 Too Many Requests", "Retry-After: 0\r\n", String::new()),
            "broken" => ("502 Bad Gateway", "", "no answer from behind".to_owned()),
            "moved" => (
                "302 Found",
                "Location: http://127.0.0.1/secret\r\n",
                String::new(),
            ),
            "echo" => ("400 Bad Request", "", format!("you sent: {text}")),
            "slow" => {
                let _ = stream.read(&mut chunk).await;
                return;
            }
            _ => (
                "200 OK",
                "Content-Type: application/json\r\n",
                json!({ "path": path, "body": body }).to_string(),
            ),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

const FILE: &str = r#"
[[tool]]
name = "item"
description = "Reads one item."
effect = "read"
input_schema = '{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"lang":{"type":"string"}}}'
[tool.http]
url = "http://localhost:PORT/items/{id}?lang={lang}"
allow = ["localhost:PORT"]

[[tool]]
name = "order"
description = "Orders something."
input_schema = '{"type":"object","required":["what","count"],"properties":{"what":{"type":"string"},"count":{"type":"integer"}}}'
[tool.http]
method = "POST"
url = "http://localhost:PORT/orders"
allow = ["localhost:PORT"]
headers.Authorization = { env = "A_SECRET", prefix = "Bearer " }
[tool.http.body]
item.name = "{what}"
item.count = "{count}"
"#;

const PATHS: &str = r#"
[[tool]]
name = "NAME"
description = "Asks."
effect = "EFFECT"
input_schema = '{"type":"object"}'
[tool.http]
method = "POST"
url = "http://localhost:PORT/NAME"
allow = ["localhost:PORT"]
redirects_max = 1
body = "arguments"
headers.Authorization = { env = "A_SECRET", prefix = "Bearer " }
"#;

fn worker_file(folder: &TempDir, shop: &Shop) {
    let mut file = FILE.to_owned();
    for (name, effect) in [
        ("busy", "read"),
        ("broken", "write"),
        ("moved", "read"),
        ("echo", "write"),
        ("slow", "write"),
    ] {
        file.push_str(&PATHS.replace("NAME", name).replace("EFFECT", effect));
    }
    let file = file.replace("PORT", &shop.port.to_string());
    std::fs::write(folder.path().join("worker.toml"), file).unwrap();
}

fn execute(folder: &TempDir, message: &Message) -> Callboard {
    Callboard::new(["execute", "--config", "worker.toml", "--log", "trace"])
        .unwrap()
        .env("A_SECRET", "hunter2secret")
        // A proxy that would see everything; nobody listens there.
        .env("http_proxy", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .folder(folder.path())
        .input(message.json())
}

#[tokio::test]
async fn a_worker_file_makes_requests_tools() {
    let shop = Shop::open().await;
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    worker_file(&folder, &shop);
    let message = Message::new()
        .call("item", "item", &json!({"id": "group/a b", "lang": "de"}))
        .call("up", "item", &json!({"id": "../orders"}))
        .call(
            "order",
            "order",
            &json!({"what": "tea \"green\"", "count": 3}),
        )
        .call("busy", "busy", &json!({}))
        .call("broken", "broken", &json!({}))
        .call("moved", "moved", &json!({}))
        .call("echo", "echo", &json!({}));
    let ended = execute(&folder, &message).run().await.unwrap();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    for said in [&ended.stdout, &ended.stderr] {
        assert!(!said.contains("hunter2secret"), "{said}");
    }
    let results = Results::of(&message, &ended.stdout).unwrap();
    let text = |id: &str| results.get(id).unwrap().text.clone();
    assert_eq!(
        text("item"),
        r#"{"path":"/items/group%2Fa%20b?lang=de","body":""}"#
    );
    assert_eq!(
        text("order"),
        r#"{"path":"/orders","body":"{\"item\":{\"count\":3,\"name\":\"tea \\\"green\\\"\"}}"}"#
    );
    assert!(
        text("up").starts_with("Error (invalid_arguments)"),
        "{}",
        text("up")
    );
    assert!(
        text("busy").starts_with(r#"{"path":"/busy""#),
        "{}",
        text("busy")
    );
    assert_eq!(shop.asked_for("POST /busy"), 3);
    assert!(
        text("broken").starts_with("Error (crashed)"),
        "{}",
        text("broken")
    );
    assert_eq!(
        shop.asked_for("POST /broken"),
        1,
        "a write that may have run is not tried again"
    );
    assert!(
        text("moved").contains("a loopback address"),
        "{}",
        text("moved")
    );
    assert!(
        text("echo").contains("authorization: Bearer [secret]"),
        "{}",
        text("echo")
    );
    let asked = shop.asked();
    let order = asked
        .iter()
        .find(|request| request.starts_with("POST /orders"))
        .unwrap();
    assert!(
        order.contains("authorization: Bearer hunter2secret\n"),
        "{order}"
    );
    assert!(order.contains("idempotency-key: "), "{order}");
}

#[tokio::test]
async fn a_cancelled_request_is_gone_and_says_that_it_may_have_acted() {
    let shop = Shop::open().await;
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    worker_file(&folder, &shop);
    let message = Message::new().call("slow", "slow", &json!({}));
    let execute = execute(&folder, &message).args(["--deadline", "60s"]);
    let executing = execute.start().unwrap();
    until("the request", async || {
        Ok((shop.asked_for("POST /slow") == 1).then_some(()))
    })
    .await
    .unwrap();
    executing.interrupt().unwrap();
    let ended = executing.ended().await.unwrap();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let results = Results::of(&message, &ended.stdout).unwrap();
    let text = &results.get("slow").unwrap().text;
    assert!(text.contains("Executed: unknown"), "{text}");
    until("no connection", async || {
        Ok((shop.connections() == 0).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_request_ends_with_its_attempt() {
    let shop = Shop::open().await;
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    worker_file(&folder, &shop);
    let message = Message::new().call("slow", "slow", &json!({}));
    let began = std::time::Instant::now();
    let ended = execute(&folder, &message)
        .args(["--deadline", "2s"])
        .run()
        .await
        .unwrap();
    // Its own timeout is 30 s; the deadline is what it has.
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    let results = Results::of(&message, &ended.stdout).unwrap();
    let text = &results.get("slow").unwrap().text;
    assert!(
        text.starts_with("Error (timed_out)") && text.contains("Executed: unknown"),
        "{text}"
    );
    until("no connection", async || {
        Ok((shop.connections() == 0).then_some(()))
    })
    .await
    .unwrap();
}
