//! Servers that aren't there, aren't ours, are too old or refuse.

use callboard_tests::harness::{Callboard, Greeter, Message};
use callboard_tests::server::{Options, Server};
use serde_json::json;
use tokio::net::TcpListener;

use super::common::{folder, told, transcript};

/// Every command that needs a server, with the rest of its words.
const COMMANDS: [&str; 5] = [
    "execute message.json",
    "run x --script script.toml",
    "worker --tools basic",
    "tools",
    "workers",
];

/// Runs each command on `url`, and returns what they all say, with the port left out.
async fn all_say(url: &str) -> String {
    let message = Message::new().call("a", "echo", &json!({})).json();
    let files = folder(&[
        ("message.json", message.as_str()),
        ("script.toml", "[[turn]]\ntext = \"a\"\n"),
    ]);
    let mut said = None;
    for words in COMMANDS {
        let command = Callboard::new(words.split(' ')).unwrap().nats(url);
        let ended = command.folder(files.path()).run().await.unwrap();
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(5), ""),
            "{words}: {}",
            ended.stderr
        );
        let text = said.get_or_insert_with(|| ended.stderr.clone());
        assert_eq!(*text, ended.stderr, "{words}");
    }
    let port = url.rsplit(':').next().unwrap().to_owned();
    said.unwrap().replace(&port, "PORT")
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    drop(listener);
    insta::assert_snapshot!(all_say(&url).await);
}

#[tokio::test]
async fn a_host_without_a_name_is_told() {
    let command = Callboard::new(["tools"])
        .unwrap()
        .nats("nats://no-such-host.invalid:4222");
    let ended = command.run().await.unwrap();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("no NATS server answers at nats://no-such-host.invalid:4222")
    );
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    let old = Greeter::of_version("2.9.25").await.unwrap();
    insta::assert_snapshot!(all_say(&old.url()).await);
}

#[tokio::test]
async fn what_is_no_server_is_refused() {
    let web = Greeter::saying("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned())
        .await
        .unwrap();
    insta::assert_snapshot!(all_say(&web.url()).await);
}

#[tokio::test]
async fn who_takes_the_connection_and_keeps_silent_is_given_up() {
    let silent = Greeter::saying(String::new()).await.unwrap();
    let command = Callboard::new(["tools"]).unwrap().nats(&silent.url());
    let ended = command.run().await.unwrap();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("no NATS server answers"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_login_that_is_refused_is_told() {
    let options = Options::default().authorization(r#"users: [{ user: "u", password: "right" }]"#);
    let server = Server::start(&options).await.unwrap();
    let url = server.url().replace("nats://", "nats://u:wrong@");
    let text = all_say(&url).await;
    insta::assert_snapshot!(text);
    assert!(!text.contains("wrong"));
    let right = server.url().replace("nats://", "nats://u:right@");
    let command = Callboard::new(["workers", "--json"]).unwrap().nats(&right);
    let ended = command.run().await.unwrap();
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "[]\n"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_permission_that_is_missing_is_told_with_its_cure() {
    let options = Options::default().authorization(
        r#"users: [{ user: "u", password: "p", permissions: { publish: { deny: "cb.v1.beat.>" } } },
            { user: "v", password: "p", permissions: { subscribe: { deny: "cb.v1.reply.>" } } }]"#,
    );
    let server = Server::start(&options).await.unwrap();
    let mut text = String::new();
    for (user, words) in [("u", "worker --tools basic --name one"), ("v", "tools")] {
        let url = server
            .url()
            .replace("nats://", &format!("nats://{user}:p@"));
        let command = Callboard::new(words.split(' ')).unwrap().nats(&url);
        let ended = command.run().await.unwrap();
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        let why: Vec<&str> = ended
            .stderr
            .lines()
            .filter(|line| line.contains("may not"))
            .collect();
        assert!(!why.is_empty(), "{}", ended.stderr);
        assert!(ended.stderr.contains("allow it under"), "{}", ended.stderr);
        text.push_str(&ended.stderr);
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[tokio::test]
async fn urls_that_name_no_server_are_refused() {
    let nowhere = folder(&[]);
    let told = transcript(
        &[
            "tools --nats http://host",
            "tools --nats nats://",
            "tools --nats nats://host:port",
            "tools --nats nats://host:99999",
            "tools --nats nats://one,",
        ],
        nowhere.path(),
    );
    insta::assert_snapshot!(told.await);
}

#[tokio::test]
async fn a_worker_that_can_not_start_says_why() {
    let files = folder(&[("file.txt", "")]);
    let mut text = transcript(
        &[
            "worker --tools basic",
            "worker --nats localhost",
            "worker --nats localhost --tools fs",
            "worker --nats localhost --tools fs --root missing",
            "worker --nats localhost --tools fs --root file.txt",
        ],
        files.path(),
    )
    .await;
    let missing = Callboard::new(["tools", "--nats", "localhost"])
        .unwrap()
        .env("CALLBOARD_NATS__CREDENTIALS_FILE", "missing.creds");
    let ended = missing.run().await.unwrap();
    text.push_str(&told("tools --nats localhost", &ended));
    insta::assert_snapshot!(text);
}
