//! `tools` and `workers`: with everybody, with nobody, embedded, for people and for programs.

use callboard_tests::harness::{Callboard, workers};
use callboard_tests::server::{Options, Server};
use serde_json::Value;

use super::common::{folder, told, transcript};

#[tokio::test]
async fn with_nobody_there_the_views_say_so() {
    let server = Server::start(&Options::default()).await.unwrap();
    let mut text = String::new();
    for words in ["tools", "tools --json", "workers", "workers --json"] {
        let command = Callboard::new(words.split(' '))
            .unwrap()
            .nats(&server.url());
        text.push_str(&told(words, &command.run().await.unwrap()));
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn embedded_tools_are_shown() {
    let files = folder(&[]);
    let shown = transcript(&["tools", "tools --tools fs --root ."], files.path());
    insta::assert_snapshot!(shown.await);
}

#[tokio::test]
async fn the_views_show_every_worker_and_tool() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let root = folder(&[]);
    let one = Callboard::worker("one", &url).unwrap();
    let one = one.args("--tools basic --slots 3 --label zone=a".split(' '));
    let _one = one.offers().await.unwrap();
    let two = Callboard::worker("two", &url).unwrap();
    let two = two.args("--tools basic,fs --pool files --root .".split(' '));
    let _two = two.folder(root.path()).offers().await.unwrap();
    let elsewhere = Callboard::worker("three", &url).unwrap();
    let elsewhere = elsewhere.args("--tools shop --tenant other".split(' '));
    let _elsewhere = elsewhere.offers().await.unwrap();

    let mut seen = workers(&url).await.unwrap();
    seen.sort_by(|one, other| one.worker.cmp(&other.worker));
    let [one, two] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(
        (one.worker.as_str(), one.slots, one.running),
        ("one", 3, Some(0))
    );
    assert_eq!(
        (two.worker.as_str(), two.slots, two.state.as_str()),
        ("two", 16, "ready")
    );
    assert_eq!(one.tools, ["echo", "wait"]);
    assert_eq!(two.tools.len(), 5);
    assert_ne!(one.instance, two.instance);

    let view = async |words: &str| {
        let command = Callboard::new(words.split(' ')).unwrap().nats(&url);
        let ended = command.run().await.unwrap();
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{words}"
        );
        ended.stdout
    };
    let tools: Value = serde_json::from_str(&view("tools --json").await).unwrap();
    let names: Vec<_> = tools
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| {
            (
                tool["name"].as_str().unwrap(),
                tool["instances"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("echo", 2),
        ("fs_list", 1),
        ("fs_read", 1),
        ("fs_search", 1),
        ("wait", 2),
    ];
    assert_eq!(names, expected);
    let tables = [view("tools").await, view("workers").await].concat();
    for word in ["fs_search", "one", "two", "files", "ready"] {
        assert!(tables.contains(word), "{tables}");
    }
    let others: Value = serde_json::from_str(&view("workers --json --tenant other").await).unwrap();
    assert_eq!(others[0]["worker"], "three", "{others}");
    assert_eq!(others.as_array().unwrap().len(), 1);
}
