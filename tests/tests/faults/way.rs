//! The way between the server and a coordinator, or a worker, stalls and breaks while calls are on it.

use std::time::{Duration, Instant};

use callboard_tests::harness::{Ledger, Report, referee, until};
use callboard_tests::proxy::{Direction, Proxy};
use callboard_tests::server::{Options, Server};

use super::common::{Referees, are_ready, execute, load};

/// How long nothing must happen for everything to have come to a stop.
const QUIET: Duration = Duration::from_millis(700);

#[tokio::test]
async fn a_turn_survives_a_way_that_stalls_and_breaks() {
    let server = Server::start(&Options::default()).await.unwrap();
    let mut proxy = Proxy::start(server.address()).await.unwrap();
    let url = server.url();
    let referees = Referees::start(&url, 4).await;
    let message = load(400, 100);
    let executing = execute(&message, &proxy.url()).start().unwrap();
    referees.ledger.grows(40).await.unwrap();

    proxy.stall();
    referees.ledger.stands_still(QUIET).await.unwrap();
    proxy.heal().await.unwrap();
    referees.ledger.grows(40).await.unwrap();

    // Its orders arrive, the answers don't.
    proxy.stall_only(Direction::ToClient);
    referees.ledger.stands_still(QUIET).await.unwrap();
    proxy.heal().await.unwrap();
    referees.ledger.grows(40).await.unwrap();

    proxy.cut();
    referees.ledger.grows(40).await.unwrap();

    proxy.refuse().await;
    referees.ledger.stands_still(QUIET).await.unwrap();
    proxy.heal().await.unwrap();

    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    let outcomes = referees.check(&message, &report);
    assert_eq!(outcomes.get("completed"), Some(&400), "{outcomes:?}");
    assert_eq!(ended.code, Some(0));
    are_ready(&url, &["one", "two"]).await;
}

#[tokio::test]
async fn a_way_that_stalls_for_longer_than_a_lease_loses_no_call() {
    let server = Server::start(&Options::default()).await.unwrap();
    let mut proxy = Proxy::start(server.address()).await.unwrap();
    let referees = Referees::start(&server.url(), 4).await;
    let message = load(60, 300);
    let executing = execute(&message, &proxy.url()).start().unwrap();
    referees.ledger.grows(10).await.unwrap();
    proxy.stall();
    // A lease is three seconds, and a grant's window two.
    let lease = Duration::from_secs(4);
    referees.ledger.stands_still(lease).await.unwrap();
    proxy.heal().await.unwrap();
    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    let outcomes = referees.check(&message, &report);
    assert_eq!(outcomes.get("completed"), Some(&60), "{outcomes:?}");
}

#[tokio::test]
async fn what_was_lost_with_a_workers_connection_arrives_within_two_seconds() {
    let server = Server::start(&Options::default()).await.unwrap();
    let mut proxy = Proxy::start(server.address()).await.unwrap();
    let ledger = Ledger::new().unwrap();
    let binary = env!("CARGO_BIN_EXE_referee");
    let _worker = referee::start(binary, &proxy.url(), "one", 4, &ledger)
        .await
        .unwrap();
    let message = load(2, 300);
    let executing = execute(&message, &server.url()).start().unwrap();
    until("both tools run", async || {
        Ok((ledger.entries()?.len() == 2).then_some(()))
    })
    .await
    .unwrap();
    // Their ends are held on the way, and lost with it.
    proxy.stall_only(Direction::ToServer);
    ledger.stands_still(QUIET).await.unwrap();
    let cut = Instant::now();
    proxy.cut();
    proxy.heal().await.unwrap();
    let ended = executing.ended().await.unwrap();
    assert!(
        cut.elapsed() < Duration::from_secs(2),
        "{:?}",
        cut.elapsed()
    );
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    for call in &report.calls {
        assert_eq!((call.outcome.as_str(), call.attempts), ("completed", 1));
    }
    assert_eq!(ledger.entries().unwrap().len(), 2);
}
