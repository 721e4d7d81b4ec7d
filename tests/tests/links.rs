//! The links of both sides: the conformance suite against both adapters, and what only NATS has.

#![expect(clippy::unwrap_used, reason = "tests")]

mod links {
    mod hostile;
    mod keys;
    mod locked;
    mod login;
    mod micro;
    mod signed;
    mod signed_calls;
    mod traffic;
}

use callboard_tests::link::{Local, Nats, play_all};

/// Scenarios that any link can play, and those that need a stranger on a server.
const SCENARIOS: (usize, usize) = (11, 3);

#[tokio::test]
async fn the_local_link_plays_the_scenarios() {
    let played = play_all::<Local>().await.unwrap();
    assert_eq!(played, SCENARIOS.0);
}

#[tokio::test]
async fn the_nats_link_plays_the_scenarios() {
    let played = play_all::<Nats>().await.unwrap();
    assert_eq!(played, SCENARIOS.0 + SCENARIOS.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_links_play_the_scenarios_on_several_threads() {
    play_all::<Local>().await.unwrap();
    play_all::<Nats>().await.unwrap();
}
