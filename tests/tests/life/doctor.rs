//! `callboard doctor` on good servers, bad ones, and ones that grant too little.

use callboard_tests::harness::{Callboard, Ended};
use callboard_tests::server::{Options, Server};
use serde_json::Value;

async fn doctor(words: &[&str]) -> Ended {
    let command = Callboard::new(["doctor"]).unwrap();
    // Keys of whoever runs the tests are none of theirs.
    let command = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"]
        .into_iter()
        .fold(command, |command, name| command.env(name, ""));
    command.args(words).run().await.unwrap()
}

#[tokio::test]
async fn a_good_server_is_told_with_what_it_can() {
    let server = Server::start(&Options::default().jetstream())
        .await
        .unwrap();
    let url = server.url();
    let worker = Callboard::worker("here", &url).unwrap();
    let _worker = worker.args(["--tools", "basic"]).offers().await.unwrap();
    let ended = doctor(&["--nats", &url]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for expected in [
        "ok       configuration no file",
        "answers: connected in ",
        "ok       max_payload   1048576 bytes",
        "ok       jetstream     there",
        "this login may be a coordinator of tenant default",
        "this login may be a worker of pool default of tenant default",
        "ok       workers       1 there: here",
        "ok       clocks        1 of workers compared: within ",
        "sandbox       Landlock's interface is version",
        "python        ",
    ] {
        assert!(
            ended.stdout.contains(expected),
            "{expected}: {}",
            ended.stdout
        );
    }
}

#[tokio::test]
async fn what_a_login_may_not_do_is_named() {
    let block = r#"users: [
        { user: "looks", password: "hunter2", permissions: {
            publish: ["$SRV.INFO.callboard-worker", "cb.v1.worker.shop.*.*.status", "cb.v1.coordinator.shop.*.echo"],
            subscribe: ["cb.v1.reply.shop.>", "cb.v1.beat.shop.>", "cb.v1.coordinator.shop.*.echo"] } },
        { user: "nothing", password: "hunter2", permissions: { publish: ["none"], subscribe: ["none"] } }
    ]"#;
    let server = Server::start(&Options::default().authorization(block))
        .await
        .unwrap();
    let login = |user: &str| {
        server
            .url()
            .replace("nats://", &format!("nats://{user}:hunter2@"))
    };
    let looks = login("looks");
    // It may look, and that is enough where nothing else is asked for.
    let ended = doctor(&["--nats", &looks, "--tenant", "shop"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("may be a viewer of tenant shop"),
        "{}",
        ended.stdout
    );
    let ended = doctor(&[
        "--nats",
        &looks,
        "--tenant",
        "shop",
        "--as",
        "coordinator",
        "--json",
    ])
    .await;
    assert_eq!(ended.code, Some(5), "{}", ended.stdout);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told["usable"], false);
    let checks = told["checks"].as_array().unwrap();
    let failed = checks
        .iter()
        .find(|check| check["status"] == "failed")
        .unwrap();
    let finding = failed["finding"].as_str().unwrap();
    let refused = "refused: publish cb.v1.worker.shop.*.*.call, cb.v1.worker.shop.*.*.grant, cb.v1.worker.shop.*.*.cancel, cb.v1.replica.shop.>; subscribe cb.v1.replica.shop.>";
    assert!(finding.ends_with(refused), "{finding}");
    assert!(failed["cure"].as_str().unwrap().contains("callboard keys"));
    let ended = doctor(&["--nats", &login("nothing"), "--tenant", "shop"]).await;
    assert_eq!(ended.code, Some(5), "{}", ended.stdout);
    for expected in [
        "FAILED   permissions   this login may not be a worker of pool default",
        "refused: publish cb.v1.beat.shop.default.*, cb.v1.reply.shop.*.*, $SRV.PING.callboard-worker.*; subscribe",
        "subscribe cb.v1.worker.shop.default.*.*, cb.v1.call.shop.* callboard, $SRV.>",
    ] {
        assert!(
            ended.stdout.contains(expected),
            "{expected}: {}",
            ended.stdout
        );
    }
    assert!(!ended.stdout.contains("hunter2") && !ended.stderr.contains("hunter2"));
}

#[tokio::test]
async fn what_is_wrong_on_this_side_has_its_own_code() {
    let ended = doctor(&["--nats", "nats://127.0.0.1:1"]).await;
    assert_eq!(ended.code, Some(5), "{}", ended.stdout);
    assert!(ended.stdout.contains("FAILED   server"), "{}", ended.stdout);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.toml");
    let text = "[[tool]]\nname = \"t\"\ndescription = \"d\"\ninput_schema = '{\"type\":\"object\"}'\nprocess.argv = [\"no-such-program-here\"]\n";
    std::fs::write(&file, text).unwrap();
    let ended = doctor(&["--config", file.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(ended.stdout.contains("FAILED   tools"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("no-such-program-here"),
        "{}",
        ended.stdout
    );
}
