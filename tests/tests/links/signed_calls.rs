//! The real binary with `[signing]` as `callboard keys` writes it, on a server that is locked down.

use callboard_tests::harness::{Callboard, Child, Message, Report};
use serde_json::{Value, json};

use super::locked::{Locked, text};

/// A tool with an effect: it needs a signed call and a signed grant.
const WRITE: &str = "refund_order";

/// A command of the tenant under the key of `role`, with the `[signing]` of its side.
fn signed(locked: &Locked, words: &str, role: &str, side: &str) -> Callboard {
    let file = locked.path(&format!("acme/signing-{side}.toml"));
    let command = locked.command(words, "acme", role);
    command.args(["--config", &text(&file)])
}

async fn worker(locked: &Locked) -> Child {
    let words = "worker --tools shop --tools basic --pool main";
    let command = signed(locked, words, "worker-main", "worker");
    command.offers().await.unwrap()
}

fn message() -> Message {
    let refund = json!({"order_id": "O-1034", "reason": "it came broken", "amount_cents": 1});
    Message::new()
        .call("paid", WRITE, &refund)
        .call("said", "echo", &json!({"n": 1}))
}

#[tokio::test]
async fn a_write_runs_where_all_that_decides_about_it_is_signed() {
    let locked = Locked::start().await;
    let _worker = worker(&locked).await;
    let message = message();
    let execute = signed(
        &locked,
        "execute --json --deadline 20s",
        "coordinator",
        "coordinator",
    );
    let ended = execute.input(message.json()).run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    for id in message.ids() {
        let call = report.call(id).unwrap();
        assert_eq!(
            (call.outcome.as_str(), call.attempts),
            ("completed", 1),
            "{id}"
        );
    }
}

#[tokio::test]
async fn who_does_not_sign_makes_no_worker_run_anything() {
    let locked = Locked::start().await;
    let _worker = worker(&locked).await;
    let message = message();
    // The key is the right one, and the server lets it through.
    let execute = locked.command("execute --json --deadline 3s", "acme", "coordinator");
    let ended = execute.input(message.json()).run().await.unwrap();
    assert_ne!(ended.code, Some(0), "{}", ended.stdout);
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    for id in message.ids() {
        let call = report.call(id).unwrap();
        assert_ne!(call.outcome, "completed", "{id}");
        assert_eq!(call.executed, "no", "{id}");
    }
}

#[tokio::test]
async fn answers_of_a_worker_that_does_not_sign_are_dropped() {
    let locked = Locked::start().await;
    let _worker = locked
        .command("worker --tools shop --pool main", "acme", "worker-main")
        .offers()
        .await
        .unwrap();
    let message = Message::new().call("paid", WRITE, &json!({"order_id": "O-1034", "reason": "r"}));
    let execute = signed(
        &locked,
        "execute --json --deadline 3s",
        "coordinator",
        "coordinator",
    );
    let ended = execute.input(message.json()).run().await.unwrap();
    assert_ne!(ended.code, Some(0), "{}", ended.stdout);
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    let call = report.call("paid").unwrap();
    assert_ne!(call.outcome, "completed");
    assert!(
        ended
            .stderr
            .contains("it isn't signed; set signing.sign = true where it was sent"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn the_doctor_sees_who_could_not_be_heard() {
    let locked = Locked::start().await;
    let doctor = async |command: Callboard| {
        let ended = command.run().await.unwrap();
        let view: Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
        let checks = view["checks"].as_array().unwrap().iter();
        let signing = checks.filter(|check| check["what"] == "signing");
        let told: Vec<String> = signing
            .map(|check| format!("{}: {}", check["status"], check["finding"]))
            .collect();
        (ended.code, told.join("\n"))
    };
    let words = "doctor --json --as coordinator";
    let (code, told) = doctor(locked.command(words, "acme", "coordinator")).await;
    assert_eq!((code, told.as_str()), (Some(0), ""), "it is off");

    let (code, told) = doctor(signed(&locked, words, "coordinator", "coordinator")).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("what is sent is signed by U"), "{told}");
    assert!(
        told.contains("signatures are asked of workers of gpu, main"),
        "{told}"
    );

    let other_side = signed(&locked, words, "coordinator", "worker");
    let (code, told) = doctor(other_side).await;
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("no key of a worker is listed"), "{told}");

    // A pool whose keys this configuration doesn't know.
    let _worker = locked
        .command("worker --tools basic --pool main", "acme", "worker-main")
        .offers()
        .await
        .unwrap();
    let gpu_alone = locked.path("gpu.toml");
    let written = std::fs::read_to_string(locked.path("acme/signing-coordinator.toml")).unwrap();
    let lines = written.lines().filter(|line| !line.starts_with("\"main\""));
    std::fs::write(&gpu_alone, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let command = locked.command(words, "acme", "coordinator");
    let (code, told) = doctor(command.args(["--config", &text(&gpu_alone)])).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("workers of main are there, and no key of theirs is listed"),
        "{told}"
    );

    // A configuration that can't be kept is said before anything is looked at.
    let command = signed(&locked, words, "coordinator", "coordinator");
    let nowhere = text(&locked.path("nowhere.nk"));
    let command = command.env("CALLBOARD_NATS__NKEY_FILE", &nowhere);
    let ended = command.run().await.unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("nowhere.nk can't be used"),
        "{}",
        ended.stderr
    );
}
