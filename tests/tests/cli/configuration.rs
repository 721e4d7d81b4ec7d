//! The configuration's layers and what is wrong in them.

use callboard_tests::harness::Callboard;
use serde_json::json;

use super::common::{folder, run, told, transcript};

#[tokio::test]
async fn what_is_wrong_in_a_file_is_told_with_its_place() {
    let files = folder(&[
        (
            "unknown.toml",
            "[nats]\ntenant = \"acme\"\n\n[worker]\nslot = 4\n",
        ),
        ("section.toml", "[workers]\nslots = 4\n"),
        ("syntax.toml", "[worker]\nslots = = 4\n"),
        ("type.toml", "[worker]\nslots = \"many\"\n"),
        ("duration.toml", "[coordinator]\ndeadline = \"soon\"\n"),
        ("zero.toml", "[worker]\nslots = 0\n"),
        ("zero-deadline.toml", "[coordinator]\ndeadline = \"0s\"\n"),
        ("tool.toml", "[worker]\ntools = [\"hammer\"]\n"),
        (
            "half.toml",
            "[nats]\nurl = \"tls://host\"\nclient_key_file = \"key.pem\"\n",
        ),
    ]);
    let told = transcript(
        &[
            "tools --config missing.toml",
            "tools --config unknown.toml",
            "tools --config section.toml",
            "tools --config syntax.toml",
            "tools --config type.toml",
            "tools --config duration.toml",
            "tools --config zero.toml",
            "tools --config zero-deadline.toml",
            "tools --config tool.toml",
            "tools --config half.toml",
        ],
        files.path(),
    );
    insta::assert_snapshot!(told.await);
}

#[tokio::test]
async fn what_is_wrong_in_flags_and_variables_is_told_with_its_name() {
    let nowhere = folder(&[]);
    let mut text = transcript(
        &[
            "tools --tenant a.b",
            "tools --log =x=",
            "worker --nats localhost --tools basic --name two.words",
            "worker --nats localhost --tools basic --pool *",
            "worker --nats localhost --tools basic --label gpu",
            "worker --nats localhost --tools basic --label =yes",
        ],
        nowhere.path(),
    )
    .await;
    for (name, value) in [
        ("CALLBOARD_WORKER__SLOT", "4"),
        ("CALLBOARD_WORKER__SLOTS", "many"),
        ("CALLBOARD_WRKER__SLOTS", "4"),
    ] {
        let command = Callboard::new(["tools"]).unwrap().env(name, value);
        let ended = command.run().await.unwrap();
        text.push_str(&format!("{name}={value} {}\n", told("tools", &ended)));
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn flags_win_over_variables_and_these_over_the_file() {
    let files = folder(&[(
        "callboard.toml",
        "[worker]\nslots = 1\npool = \"file\"\nname = \"file\"\n[log]\nformat = \"json\"\n",
    )]);
    let command =
        Callboard::new("worker --config callboard.toml --slots 3 --print-config".split(' '));
    let printed = command
        .unwrap()
        .folder(files.path())
        .env("CALLBOARD_WORKER__SLOTS", "2")
        .env("CALLBOARD_WORKER__POOL", "variable")
        .run()
        .await
        .unwrap();
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    insta::assert_snapshot!(printed.stdout);
    // What is printed can be read again.
    std::fs::write(files.path().join("printed.toml"), &printed.stdout).unwrap();
    let again = run("worker --config printed.toml --print-config", files.path()).await;
    assert_eq!(again.stdout, printed.stdout);
    let checked = run("tools --config printed.toml --check-config", files.path()).await;
    insta::assert_snapshot!(told("tools --check-config", &checked), @r"
    $ callboard tools --check-config
    callboard: the configuration is good
    [exit 0]
    ");
}

#[tokio::test]
async fn the_limits_of_the_file_hold() {
    let files = folder(&[(
        "callboard.toml",
        "[coordinator]\ncall_deadline = \"200ms\"\n",
    )]);
    let message = callboard_tests::harness::Message::new()
        .call("a", "wait", &json!({"ms": 600_000}))
        .call("b", "wait", &json!({"ms": 1}));
    let command = Callboard::new(["execute", "--config", "callboard.toml"]).unwrap();
    let command = command.folder(files.path()).input(message.json());
    let ended = command.run().await.unwrap();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let results = callboard_tests::harness::Results::of(&message, &ended.stdout).unwrap();
    assert!(
        results
            .get("a")
            .unwrap()
            .text
            .starts_with("Error (timed_out)")
    );
    assert_eq!(results.get("b").unwrap().text, "waited 1 ms");
}
