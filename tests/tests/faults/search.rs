//! Real input: a message of real tools over many files, and the worker that searches them dies.

use callboard_tests::harness::{Callboard, FILES, Forest, Message, Report, until, workers};
use callboard_tests::server::{Options, Server};
use serde_json::json;

use super::common::execute;

#[tokio::test]
async fn a_search_moves_to_the_other_worker_when_its_own_is_killed() {
    let forest = tokio::task::spawn_blocking(Forest::grow)
        .await
        .unwrap()
        .unwrap();
    const { assert!(FILES >= 200_000) };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let root = forest.path().to_str().unwrap();
    let mut there = Vec::new();
    for name in ["one", "two"] {
        let worker = Callboard::worker(name, &url)
            .unwrap()
            .args(["--tools", "fs", "--root", root]);
        there.push((name, worker.offers().await.unwrap()));
    }

    let (path, text) = forest.needle().unwrap();
    let message = Message::new()
        .call("read", "fs_read", &json!({"path": path}))
        .call("search", "fs_search", &json!({"pattern": "needle"}))
        .call("list", "fs_list", &json!({"path": "d007", "limit": 2}))
        .call("outside", "fs_read", &json!({"path": "../secret"}))
        .call("again", "fs_read", &json!({"path": path, "line": 2}));
    let mut executing = execute(&message, &url).start().unwrap();

    // Everything else is over in milliseconds: who has been busy for a beat is searching.
    let searching = until("the search on a worker", async || {
        assert!(executing.runs().unwrap(), "the search was over too soon");
        let all = workers(&url).await?;
        let busy = all.into_iter().find(|worker| worker.running == Some(1));
        Ok(busy.map(|worker| worker.worker))
    })
    .await
    .unwrap();
    let (_, victim) = there
        .iter_mut()
        .find(|(name, _)| *name == searching)
        .unwrap();
    victim.kill9().await.unwrap();
    assert!(executing.runs().unwrap(), "the search was over too soon");

    let ended = executing.ended().await.unwrap();
    let (report, results) = Report::of(&message, &ended.stdout).unwrap();
    // One call asked for what lies outside of the root.
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let search = report.call("search").unwrap();
    assert_eq!(search.outcome, "completed", "{report:?}");
    assert_eq!(search.attempts, 2);
    assert_ne!(search.worker.as_deref(), Some(searching.as_str()));
    assert_eq!(results.get("search").unwrap().text, forest.found());
    assert!(results.get("read").unwrap().text.contains(text.trim()));
    let list = &results.get("list").unwrap().text;
    assert!(
        list.contains("f000.txt") && list.contains("\"total\":1000"),
        "{list}"
    );
    assert!(results.get("outside").unwrap().is_error);
    assert!(results.get("again").unwrap().text.contains("a needle in"));
}
