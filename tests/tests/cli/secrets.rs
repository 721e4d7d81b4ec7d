//! A password in the server's URL is shown nowhere.

use callboard_tests::harness::{Callboard, Greeter, Message, until, workers};
use callboard_tests::server::{Options, Server};
use serde_json::json;

const PASSWORD: &str = "hunter2secret";

#[tokio::test]
async fn a_password_in_the_url_is_never_shown() {
    let user = format!(r#"users: [{{ user: "u", password: "{PASSWORD}" }}]"#);
    let server = Server::start(&Options::default().authorization(&user))
        .await
        .unwrap();
    let with = |url: &str, login: &str| url.replace("nats://", &format!("nats://{login}@"));
    let login = format!("u:{PASSWORD}");
    let old = Greeter::of_version("2.9.25").await.unwrap();
    let message = Message::new().call("a", "echo", &json!({})).json();
    let all = [
        with(&server.url(), &login),
        with(&server.url(), &format!("nobody:{PASSWORD}")),
        with(&server.url(), PASSWORD),
        with(&old.url(), &login),
        with("nats://127.0.0.1:1", &login),
        with("nats://host:port", &login),
        with("nats://h ost", &login),
        format!("http://{login}@host"),
        format!("nats://{login}"),
        format!("nats://{login}@"),
        format!("{login}@"),
        format!("nats://{login}@[::1"),
        format!("nats://one,nats://{login}@two:port"),
    ];
    for url in all {
        for words in [
            "tools --log trace",
            "execute --json --log trace",
            "worker --tools basic --print-config",
            "workers --check-config --log trace",
        ] {
            for by_flag in [true, false] {
                let command = Callboard::new(words.split(' '))
                    .unwrap()
                    .input(message.as_str());
                let command = if by_flag {
                    command.nats(&url)
                } else {
                    command.env("CALLBOARD_NATS__URL", &url)
                };
                let ended = command.run().await.unwrap();
                for said in [&ended.stdout, &ended.stderr] {
                    assert!(!said.contains(PASSWORD), "{words} on {url}: {said}");
                }
                assert_ne!(ended.code, Some(1), "{words} on {url}: {}", ended.stderr);
            }
        }
    }
}

#[tokio::test]
async fn a_worker_with_a_password_never_shows_it() {
    let user = format!(r#"users: [{{ user: "u", password: "{PASSWORD}" }}]"#);
    let mut server = Server::start(&Options::default().authorization(&user))
        .await
        .unwrap();
    let url = server
        .url()
        .replace("nats://", &format!("nats://u:{PASSWORD}@"));
    let worker = Callboard::worker("one", &url).unwrap();
    let worker = worker.args("--tools basic --log trace".split(' '));
    let worker = worker.offers().await.unwrap();
    // What it says of a lost connection, too.
    server.restart().await.unwrap();
    until("the worker on the new server", async || {
        Ok((!workers(&url).await?.is_empty()).then_some(()))
    })
    .await
    .unwrap();
    worker.terminate().unwrap();
    let ended = worker.ended().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains(PASSWORD), "{}", ended.stderr);
}
