//! `callboard probe`, as the health check of a container.

use callboard_mock_provider::{Format, Mock, Options, Script};
use callboard_tests::harness::{Callboard, Child, Ended};
use tokio::net::TcpListener;

async fn probe(words: &[&str]) -> Ended {
    let command = Callboard::new(["probe"]).unwrap().args(words);
    command.run().await.unwrap()
}

/// The address that a process says behind these words.
async fn said(child: &mut Child, words: &str) -> String {
    let said = child.hears(words).await.unwrap();
    let rest = said.split(words).nth(1).unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn who_is_ready_answers_and_who_is_not_is_told() {
    let mut service = Callboard::new(["serve", "--listen", "127.0.0.1:0", "--tools", "basic"])
        .unwrap()
        .start()
        .unwrap();
    let url = said(&mut service, "serving on ").await;
    let ready = probe(&[&format!("{url}/readyz")]).await;
    assert_eq!(ready.code, Some(0), "{}", ready.stderr);
    assert!(ready.stdout.contains("\"ready\":true"), "{}", ready.stdout);
    let wrong = probe(&[&format!("{url}/nothing")]).await;
    assert_eq!(wrong.code, Some(5), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("answers 404"), "{}", wrong.stderr);

    let script = Script::from_toml("test", "[[turn]]\ntext = \"a\"\n").unwrap();
    let mock = Mock::start(Options::default(), script).await.unwrap();
    let well = probe(&[&format!("{}/healthz", mock.base_url(Format::Anthropic))]).await;
    assert_eq!((well.code, well.stdout.as_str()), (Some(0), "ok\n"));
    assert!(mock.requests().is_empty());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!(
        "http://user:secret@{}/readyz",
        listener.local_addr().unwrap()
    );
    let ended = probe(&[&silent, "--timeout", "50ms"]).await;
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("gives no answer"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    let odd = probe(&["localhost"]).await;
    assert_eq!(odd.code, Some(2), "{}", odd.stderr);
    assert!(
        odd.stderr.contains("no address of a probe"),
        "{}",
        odd.stderr
    );
}
