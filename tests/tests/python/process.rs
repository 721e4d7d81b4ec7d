//! The process: how it says that it can't start, and its exit codes.

use callboard_tests::harness::python;
use callboard_tests::server::{Options, Server};
use xtask::paths;

#[tokio::test]
async fn a_worker_that_can_not_start_says_why() {
    let Some(python) = python::python() else {
        return;
    };
    let referee = paths::root()
        .join("tests")
        .join("python")
        .join("referee.py");
    let referee = referee.to_string_lossy();
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().to_string_lossy();
    for (words, code, says) in [
        (&[&*referee][..], 2, "give one with --nats nats://host:4222"),
        (
            &["nowhere", "--nats", "localhost"],
            2,
            "there is no module nowhere here",
        ),
        (&["json", "--nats", "localhost"], 2, "json holds no tools"),
        (
            &["json:nothing", "--nats", "localhost"],
            2,
            "json has no nothing",
        ),
        (&[&referee, "--nats", "http://a"], 2, "names no NATS server"),
        (
            &[&referee, "--nats", "localhost", "--slots", "0"],
            2,
            "lets nothing run",
        ),
        (
            &[&referee, "--nats", "localhost", "--grace", "soon"],
            2,
            "write it like 30s",
        ),
        (
            &[&referee, "--nats", "localhost", "--name", "a b"],
            2,
            "allowed are letters",
        ),
        (
            &[&referee, "--nats", "localhost", "--label", "gpu"],
            2,
            "a label is written key=value",
        ),
        (
            &[&referee, &referee, "--nats", "localhost"],
            2,
            "two tools are named",
        ),
        (
            &[&referee, "--nats", "localhost", "--creds", "missing"],
            2,
            "can't be read",
        ),
        (
            &[&referee, "--nats", "nats://u:secret@127.0.0.1:1"],
            5,
            "no NATS server answers at nats://127.0.0.1:1",
        ),
    ] {
        let worker = python::worker(&python, words);
        let worker = worker
            .env("REFEREE_WORKER", "py")
            .env("REFEREE_LEDGER", &ledger);
        let ended = worker.folder(folder.path()).run().await.unwrap();
        assert_eq!(ended.code, Some(code), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{words:?}: {}", ended.stderr);
        assert!(
            !ended.stderr.contains("secret") && !ended.stderr.contains("Traceback"),
            "{}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn a_server_that_grants_too_little_is_told_with_the_cure() {
    let Some(python) = python::python() else {
        return;
    };
    let options = Options::default().authorization(
        r#"users: [{ user: "w", password: "w", permissions: {
            publish: ["cb.v1.beat.>", "cb.v1.reply.>"], subscribe: ["cb.v1.worker.>", "$SRV.>"] } }]"#,
    );
    let server = Server::start(&options).await.unwrap();
    let url = server.url().replace("nats://", "nats://w:w@");
    let referee = paths::root()
        .join("tests")
        .join("python")
        .join("referee.py");
    let worker = python::worker(&python, &[&referee.to_string_lossy()]).nats(&url);
    let worker = worker
        .env("REFEREE_WORKER", "py")
        .env("REFEREE_LEDGER", "nowhere");
    let ended = worker.run().await.unwrap();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("may not subscribe to \"cb.v1.call.default."),
        "{}",
        ended.stderr
    );

    let wrong = server.url().replace("nats://", "nats://w:wrong@");
    let worker = python::worker(&python, &[&referee.to_string_lossy()]).nats(&wrong);
    let worker = worker
        .env("REFEREE_WORKER", "py")
        .env("REFEREE_LEDGER", "nowhere");
    let ended = worker.run().await.unwrap();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("refuses the login"),
        "{}",
        ended.stderr
    );
}
