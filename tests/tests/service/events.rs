//! Events: each once and in order, however often the line is cut.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::common::{Event, LONG_TURNS, Service, run_of};

/// Reads a run to its end, going away after every few events.
async fn read_in_pieces(service: &Service, run: &str, pieces: &[usize]) -> Vec<Event> {
    let mut seen: Vec<Event> = Vec::new();
    for size in pieces.iter().cycle() {
        let after = seen.last().and_then(|event| event.id).unwrap_or(0);
        let mut events = service.follow(run, after).await;
        if events.status == StatusCode::NO_CONTENT {
            break;
        }
        for _ in 0..*size {
            match events.next().await {
                Some(event) => seen.push(event),
                None => break,
            }
        }
    }
    seen
}

#[tokio::test]
async fn cuts_lose_nothing_and_repeat_nothing() {
    let service = Service::start().await;
    let run = service.begin(run_of("long")).await;
    let whole = async { service.follow(&run, 0).await.all().await };
    let pieces = read_in_pieces(&service, &run, &[1, 7, 2, 30, 3]);
    let (whole, pieces) = tokio::join!(whole, pieces);
    let ids: Vec<u64> = whole.iter().map(|event| event.id.unwrap()).collect();
    let expected: Vec<u64> = (1..=ids.len() as u64).collect();
    assert_eq!(ids, expected, "without gaps");
    assert_eq!(whole, pieces);
    let count = |name: &str| whole.iter().filter(|event| event.name == name).count();
    assert_eq!(count("call_settled"), 3 * LONG_TURNS);
    assert_eq!(count("turn_reported"), LONG_TURNS);
    assert_eq!(whole.last().unwrap().name, "run_ended");
    let again = service.follow(&run, 0).await.all().await;
    assert_eq!(again, whole, "and again for who comes late");
}

#[tokio::test]
async fn who_has_all_events_is_told_to_stay_away() {
    let service = Service::start().await;
    let run = service.begin(run_of("quick")).await;
    let last = service.follow(&run, 0).await.all().await.pop().unwrap();
    assert_eq!(
        service.follow(&run, last.id.unwrap()).await.status,
        StatusCode::NO_CONTENT
    );
    let path = format!("/v1/runs/{run}/events");
    let bad = service
        .ask(Method::GET, &path)
        .header("last-event-id", "x")
        .send()
        .await
        .unwrap();
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_quiet_run_gives_signs_of_life() {
    let service = Service::with(&["--tools", "basic"], |command| {
        command.env("CALLBOARD_SERVE__HEARTBEAT", "100ms")
    })
    .await;
    let run = service.begin(run_of("short")).await;
    let mut events = service.follow(&run, 0).await;
    while let Some(event) = events.next().await {
        if event.name == "run_ended" {
            break;
        }
    }
    assert!(events.heartbeats >= 3, "{} in a second", events.heartbeats);
}

#[tokio::test]
async fn a_reader_that_never_reads_stalls_nobody() {
    let service = Service::start().await;
    let run = service.begin(run_of("long")).await;
    let address = service.url.trim_start_matches("http://");
    let mut stuck = Vec::new();
    for _ in 0..20 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /v1/runs/{run}/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        stuck.push(socket);
    }
    let ended = tokio::time::timeout(Duration::from_secs(60), service.ended(&run)).await;
    assert_eq!(ended.unwrap()["reason"], "answered");
    drop(stuck);
}
