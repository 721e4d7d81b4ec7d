//! `--help`, `--version` and wrong words.

use callboard_tests::harness::Callboard;

use super::common::{folder, run, transcript};

const COMMANDS: [&str; 7] = [
    "demo",
    "run",
    "execute",
    "worker",
    "tools",
    "workers",
    "mock-provider",
];

#[tokio::test]
async fn every_command_has_help_with_an_example() {
    let nowhere = folder(&[]);
    for command in COMMANDS {
        let ended = run(&format!("{command} --help"), nowhere.path()).await;
        assert_eq!(ended.code, Some(0));
        assert_eq!(ended.stderr, "");
        let example = format!("Example:\n  callboard {command}");
        assert!(ended.stdout.contains(&example), "{}", ended.stdout);
        assert!(ended.stdout.contains("--nats <URL>"), "{}", ended.stdout);
    }
    let execute = run("execute --help", nowhere.path()).await.stdout;
    assert!(
        execute.contains(
            "Without --idempotency-key, executing a message again executes its writes again"
        ),
        "{execute}"
    );
}

#[tokio::test]
async fn help_tells_the_commands_and_the_exit_codes() {
    let nowhere = folder(&[]);
    let ended = run("--help", nowhere.path()).await;
    assert_eq!(ended.code, Some(0));
    insta::assert_snapshot!(ended.stdout);
    for command in COMMANDS {
        assert!(
            ended.stdout.contains(&format!("\n  {command} ")),
            "{command}"
        );
    }
    let bare = Callboard::new([""; 0]).unwrap().run().await.unwrap();
    assert_eq!((bare.code, bare.stderr), (Some(2), ended.stdout));
    let version = run("--version", nowhere.path()).await;
    let expected = format!("callboard {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.code, version.stdout), (Some(0), expected));
}

#[tokio::test]
async fn wrong_words_are_refused_with_what_is_right() {
    let nowhere = folder(&[]);
    let told = transcript(
        &[
            "exekute",
            "execute --deadlin 3s",
            "execute --deadline soon",
            "execute --deadline 0s",
            "execute --parallel 0",
            "execute --provider opnai",
            "execute --nats localhost --embedded",
            "execute one.json two.json",
            "run",
            "worker --slots none",
            "worker --tools hammer",
        ],
        nowhere.path(),
    );
    insta::assert_snapshot!(told.await);
}
