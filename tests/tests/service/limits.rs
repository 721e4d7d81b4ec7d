//! Overload is told at once, and slow clients are given up.

use std::time::{Duration, Instant};

use callboard_tests::harness::Callboard;
use reqwest::Response;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::common::{Service, folder, run_of, value};

async fn told(response: Response) -> (u16, String, u64) {
    let status = response.status().as_u16();
    let wait = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let body: Value = value(response).await;
    (
        status,
        body["error"]["code"].as_str().unwrap().to_owned(),
        wait,
    )
}

async fn limited(key: &str, limit: &str) -> Service {
    Service::with(&["--tools", "basic"], |command| {
        command.env(&format!("CALLBOARD_SERVE__{key}"), limit)
    })
    .await
}

#[tokio::test]
async fn a_full_service_says_so_at_once() {
    let service = limited("RUNS_MAX", "2").await;
    for _ in 0..2 {
        service.begin(run_of("slow")).await;
    }
    let began = Instant::now();
    let response = service
        .post("/v1/runs", &run_of("quick"))
        .send()
        .await
        .unwrap();
    assert_eq!(told(response).await, (503, "overloaded".to_owned(), 1));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_token_is_held_to_its_limits() {
    let folder = folder();
    let ended = Callboard::new(["token", "new", "a"])
        .unwrap()
        .run()
        .await
        .unwrap();
    let token = ended.stdout.trim();
    let file = format!(
        "{}\nruns_max = 1\nstarts_per_minute = 12\n",
        ended.stderr.trim()
    );
    std::fs::write(folder.path().join("tokens.toml"), file).unwrap();
    let words = ["--tools", "basic", "--tokens", "tokens.toml"];
    let service = Service::start_in(folder.path(), &words, |command| command).await;
    let asker = service.as_who(token);
    let run = asker.begin(run_of("slow")).await;
    let response = asker
        .post("/v1/runs", &run_of("slow"))
        .send()
        .await
        .unwrap();
    assert_eq!(told(response).await, (429, "too_many_runs".to_owned(), 1));
    asker
        .status(reqwest::Method::DELETE, &format!("/v1/runs/{run}"))
        .await;
    // Two fit into the burst, and a cancelled run counts.
    let mut limited = None;
    for _ in 0..50 {
        let response = asker
            .post("/v1/runs?wait=true", &run_of("quick"))
            .send()
            .await
            .unwrap();
        if response.status() == 429 {
            limited = Some(told(response).await);
            if limited
                .as_ref()
                .is_some_and(|(_, code, _)| code == "rate_limited")
            {
                break;
            }
        }
    }
    let (status, code, wait) = limited.unwrap();
    assert_eq!((status, code.as_str()), (429, "rate_limited"));
    assert!((1..=5).contains(&wait), "{wait}");
}

#[tokio::test]
async fn who_sends_slowly_is_given_up() {
    let service = limited("READ_TIMEOUT", "300ms").await;
    let address = service.url.trim_start_matches("http://");
    let mut head = TcpStream::connect(address).await.unwrap();
    head.write_all(b"GET /healthz HTTP/1.1\r\nhost: local")
        .await
        .unwrap();
    let mut rest = Vec::new();
    // The connection is closed, with or without a word.
    let _ = head.read_to_end(&mut rest).await;
    let mut body = TcpStream::connect(address).await.unwrap();
    let begin = b"POST /v1/runs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    body.write_all(begin).await.unwrap();
    let mut answer = [0; 12];
    body.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn there_is_a_bound_on_heads_connections_and_streams() {
    let service = Service::with(&["--tools", "basic"], |command| {
        let command = command.env("CALLBOARD_SERVE__CONNECTIONS_MAX", "4");
        command.env("CALLBOARD_SERVE__STREAMS_MAX", "1")
    })
    .await;
    let big = service
        .ask(reqwest::Method::GET, "/healthz")
        .header("x-big", "x".repeat(64 * 1024));
    assert_eq!(big.send().await.unwrap().status(), 431);
    let run = service.begin(run_of("slow")).await;
    let _one = service.follow(&run, 0).await;
    assert_eq!(service.follow(&run, 0).await.status, 429);
    let address = service.url.trim_start_matches("http://").to_owned();
    // Connections are taken in their order: with those of the client, these fill the room.
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(&address).await.unwrap());
    }
    let refused = ask_once(&address, "/v1/runs").await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains("\"code\":\"overloaded\""), "{refused}");
    // Nobody takes it for dead meanwhile.
    for probe in ["/healthz", "/readyz", "/metrics"] {
        let answer = ask_once(&address, probe).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{probe}: {answer}");
    }
}

/// What a connection of its own is answered, until its end.
async fn ask_once(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}
