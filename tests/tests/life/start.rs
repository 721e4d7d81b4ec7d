//! A worker or a service that starts before its server.

use callboard_tests::harness::{Callboard, Child};
use callboard_tests::server::{Options, Server};

fn start(words: &str, url: &str) -> Child {
    let command = Callboard::new(words.split(' ')).unwrap().nats(url);
    let command = command.env("CALLBOARD_NATS__START_WAIT", "60s");
    command.start().unwrap()
}

#[tokio::test]
async fn who_starts_before_its_server_waits_for_it() {
    let mut server = Server::start_for_faults(&Options::default()).await.unwrap();
    let url = server.url();
    server.kill9().await.unwrap();
    let mut worker = start("worker --tools basic", &url);
    let mut service = start("serve --tools basic --listen 127.0.0.1:0", &url);
    for child in [&mut worker, &mut service] {
        child.says("no NATS server answers at").await.unwrap();
        child.says("it is tried again for 60s").await.unwrap();
    }
    server.restart().await.unwrap();
    worker.says("offers echo, wait on").await.unwrap();
    service.says("serving on http://").await.unwrap();
}

#[tokio::test]
async fn who_waits_for_its_server_can_be_asked_to_end() {
    let mut server = Server::start_for_faults(&Options::default()).await.unwrap();
    let url = server.url();
    server.kill9().await.unwrap();
    for words in [
        "worker --tools basic",
        "serve --tools basic --listen 127.0.0.1:0",
    ] {
        let mut child = start(words, &url);
        child.says("it is tried again").await.unwrap();
        child.terminate().unwrap();
        assert_eq!(child.ended().await.unwrap().code, Some(130), "{words}");
    }
}
