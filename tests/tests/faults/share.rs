//! Two coordinators share the few slots of one worker.

use callboard_tests::harness::{Callboard, Message, Report};
use callboard_tests::server::{Options, Server};
use serde_json::json;

use super::common::execute;

#[tokio::test]
async fn two_coordinators_on_few_slots_complete_everything() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let worker = Callboard::worker("one", &url)
        .unwrap()
        .args(["--tools", "basic", "--slots", "4"]);
    let _worker = worker.offers().await.unwrap();
    let message = (0..100).fold(Message::new(), |message, number| {
        message.call(&format!("call-{number}"), "wait", &json!({"ms": 50}))
    });
    let start = || execute(&message, &url).start().unwrap();
    let (one, other) = (start(), start());
    let mut took = Vec::new();
    for executing in [one, other] {
        let ended = executing.ended().await.unwrap();
        let (report, _) = Report::of(&message, &ended.stdout).unwrap();
        assert_eq!(ended.code, Some(0), "{report:?}");
        took.push(report.elapsed_ms);
    }
    // Alone, either would take half as long as both: whoever is last was not starved until the end.
    let (least, most) = (took[0].min(took[1]), took[0].max(took[1]));
    assert!(least > most * 0.4, "{took:?}");
}
