//! The nats-server restarts, dies, stays away and freezes while calls are on their way.

use std::time::{Duration, Instant};

use callboard_tests::harness::Report;
use callboard_tests::server::{Options, Server};

use super::common::{Referees, are_ready, execute, load};

/// How long nothing must happen for everything to have come to a stop.
const QUIET: Duration = Duration::from_millis(700);

/// Twice a lease: nobody's word counts any more when the server is back.
const AWAY: Duration = Duration::from_secs(6);

/// How much later than its deadline a turn may be reported on a loaded machine.
const SLACK: Duration = Duration::from_millis(500);

async fn survives(mut server: Server) {
    let url = server.url();
    let referees = Referees::start(&url, 4).await;
    let message = load(400, 100);
    let executing = execute(&message, &url).start().unwrap();
    referees.ledger.grows(40).await.unwrap();

    server.restart().await.unwrap();
    referees.ledger.grows(40).await.unwrap();

    server.kill9().await.unwrap();
    referees.ledger.stands_still(QUIET).await.unwrap();
    server.restart().await.unwrap();
    referees.ledger.grows(40).await.unwrap();

    server.pause().await.unwrap();
    referees.ledger.stands_still(QUIET).await.unwrap();
    server.resume().await.unwrap();

    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    let outcomes = referees.check(&message, &report);
    // Nobody died: whatever was on its way is asked for again, and nothing is given up.
    assert_eq!(outcomes.get("completed"), Some(&400), "{outcomes:?}");
    assert_eq!(ended.code, Some(0));

    are_ready(&url, &["one", "two"]).await;
    let message = load(20, 1);
    let ended = execute(&message, &url).run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn a_turn_survives_a_server_that_restarts_dies_and_freezes() {
    survives(Server::start(&Options::default()).await.unwrap()).await;
}

#[tokio::test]
async fn a_turn_survives_a_container_that_restarts_dies_and_freezes() {
    // Where no engine runs this is a spawned server again, and `cargo xtask test` says so.
    survives(Server::start_for_faults(&Options::default()).await.unwrap()).await;
}

#[tokio::test]
async fn a_turn_survives_a_server_that_is_away_for_longer_than_a_lease() {
    let mut server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let referees = Referees::start(&url, 4).await;
    // Each call is over long before the server is back: all that was held is a result that waits.
    let message = load(60, 300);
    let executing = execute(&message, &url).start().unwrap();
    referees.ledger.grows(10).await.unwrap();
    server.kill9().await.unwrap();
    referees.ledger.stands_still(AWAY).await.unwrap();
    server.restart().await.unwrap();
    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    let outcomes = referees.check(&message, &report);
    assert_eq!(outcomes.get("completed"), Some(&60), "{outcomes:?}");
    are_ready(&url, &["one", "two"]).await;
}

#[tokio::test]
async fn a_turn_is_reported_in_time_without_a_server() {
    for dies in [true, false] {
        let mut server = Server::start(&Options::default()).await.unwrap();
        let url = server.url();
        let referees = Referees::start(&url, 4).await;
        let message = load(200, 100);
        let began = Instant::now();
        let deadline = Duration::from_secs(3);
        let executing = execute(&message, &url)
            .args(["--deadline", "3s"])
            .start()
            .unwrap();
        referees.ledger.grows(20).await.unwrap();
        if dies {
            server.kill9().await.unwrap();
        } else {
            server.pause().await.unwrap();
        }
        let ended = executing.ended().await.unwrap();
        let all = began.elapsed();
        let (report, _) = Report::of(&message, &ended.stdout).unwrap();
        let outcomes = referees.check(&message, &report);
        assert_eq!(ended.code, Some(3), "{outcomes:?}");
        assert!(outcomes["completed"] > 0, "{outcomes:?}");
        let elapsed = Duration::from_secs_f64(report.elapsed_ms / 1000.0);
        assert!(elapsed <= deadline + SLACK, "reported after {elapsed:?}");
        // It says goodbye to a server that can't hear it, and doesn't wait for an answer for ever.
        assert!(all <= deadline + 20 * SLACK, "ended after {all:?}");
    }
}
