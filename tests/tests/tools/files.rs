//! Worker files that can't be used.

use callboard_tests::harness::Callboard;
use tempfile::TempDir;
use xtask::paths;

#[tokio::test]
async fn a_bad_worker_file_is_refused_with_line_and_cure() {
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    let entry = |process: &str| {
        format!(
            "[worker]\nslots = 2\n\n[[tool]]\nname = \"t\"\ndescription = \"d\"\ninput_schema = '{{\"type\":\"object\"}}'\n{process}\n"
        )
    };
    let cases = [
        entry("process.argv = [\"no-such-program\"]"),
        entry("process.argv = [\"ls\", \"--\", \"{path}\"]"),
        entry("process.argv = [\"ls\"]\nprocess.shell = true"),
        entry("http.url = \"http://localhost:8080/\""),
        entry("http.url = \"https://example.com/{id}\""),
        entry(
            "http.url = \"https://example.com/\"\nhttp.headers.X = { env = \"NOBODY_SET_THIS\" }",
        ),
        entry("[[tools]]"),
        entry("require = [\"gpu=x\"]\nprocess.argv = [\"ls\"]"),
        entry("process.argv = [\"ls\"]\nprocess.sandbox.read = [\"/nope/nope\"]"),
        "[[mcp]]\nname = \"m\"\ncommand = [\"ls\"]\nsandbox.write = [\"/nope\"]\n".to_owned(),
        "[worker]\nslots = 2\n".to_owned(),
        "[worker]\ntools = [\"fs\"]\n".to_owned(),
    ];
    let mut texts = String::new();
    for case in cases {
        std::fs::write(folder.path().join("worker.toml"), &case).unwrap();
        for words in [
            [
                "worker",
                "--config",
                "worker.toml",
                "--nats",
                "nats://127.0.0.1:1",
            ],
            [
                "worker",
                "--config",
                "worker.toml",
                "--check-config",
                "--embedded",
            ],
        ] {
            let ended = Callboard::new(words)
                .unwrap()
                .folder(folder.path())
                .run()
                .await
                .unwrap();
            texts.push_str(&format!(
                "{} [exit {:?}]\n",
                ended.stderr.trim_end(),
                ended.code
            ));
        }
        texts.push('\n');
    }
    insta::assert_snapshot!(texts);
}

#[tokio::test]
async fn the_example_can_be_offered() {
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    let example = std::fs::read_to_string(paths::root().join("examples/worker.toml")).unwrap();
    // Its repository is somebody's.
    let here = folder.path().display().to_string();
    let example = example.replace("/srv/repository", &here);
    std::fs::write(folder.path().join("worker.toml"), example).unwrap();
    let tools = Callboard::new(["tools", "--json", "--embedded", "--config", "worker.toml"]);
    let ended = tools.unwrap().folder(folder.path()).run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for name in ["git_log", "http_fetch", "item_put", "word_count"] {
        assert!(
            ended.stdout.contains(&format!("{name:?}")),
            "{}",
            ended.stdout
        );
    }
}
