//! What a confined program can't do, and what limits do to it.

use callboard_tests::harness::{Callboard, Message, Results};
use serde_json::{Value, json};
use tempfile::TempDir;

const FILE: &str = r#"
[[tool]]
name = "script"
description = "Runs a script."
input_schema = '{"type":"object","required":["it"],"properties":{"it":{"type":"string"}}}'
[tool.process]
argv = ["bash", "-c", "{it}"]
dashes = "checked"
env.SECRET = { env = "A_SECRET" }
sandbox.read = ["FOLDER/read"]
sandbox.write = ["FOLDER/write"]
limits.file_bytes_max = 1000
limits.memory_bytes_max = 300000000
limits.cpu_seconds_max = 1
limits.output_bytes_max = 64

[[tool]]
name = "count"
description = "Counts what it is given."
input_schema = '{"type":"object"}'
[tool.process]
argv = ["wc", "-c"]
stdin = "json"

[[tool]]
name = "json"
description = "Gives JSON."
input_schema = '{"type":"object"}'
[tool.process]
argv = ["cat"]
stdin = "json"
output = "json"
"#;

fn text(results: &Results, id: &str) -> String {
    results.get(id).unwrap().text.clone()
}

#[tokio::test]
async fn a_program_sees_and_does_what_it_may() {
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    for name in ["read", "write", "other"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("file"), name).unwrap();
    }
    let here = folder.path().display().to_string();
    std::fs::write(
        folder.path().join("worker.toml"),
        FILE.replace("FOLDER", &here),
    )
    .unwrap();
    let script = |it: &str| json!({"it": it.replace("FOLDER", &here)});
    let cases: [(&str, &str, Value); 13] = [
        ("reads", "script", script("cat FOLDER/read/file")),
        (
            "writes",
            "script",
            script(
                "echo new > FOLDER/write/file; cat FOLDER/write/file; echo x > $TMPDIR/y && cat $TMPDIR/y",
            ),
        ),
        ("no-read", "script", script("cat FOLDER/other/file")),
        ("no-write", "script", script("echo x > FOLDER/read/file")),
        (
            "no-network",
            "script",
            script("exec 3<>/dev/tcp/127.0.0.1/1"),
        ),
        (
            "no-spying",
            "script",
            script("tr '\\0' '\\n' < /proc/$PPID/environ"),
        ),
        (
            "secret",
            "script",
            script("echo $SECRET; echo ${HOME#/}x | cut -c 1-3; echo ${A_SECRET:-none}"),
        ),
        ("file", "script", script("head -c 5000 /dev/zero > big")),
        (
            "processor",
            "script",
            script("exec 2>/dev/null; while :; do :; done"),
        ),
        ("output", "script", script("seq 1 100")),
        ("stdin", "count", json!({"a": 1})),
        ("json", "json", json!({"b": [1, 2]})),
        ("dash", "script", script("-x")),
    ];
    let message = cases
        .iter()
        .fold(Message::new(), |message, (id, tool, input)| {
            message.call(id, tool, input)
        });
    let execute = Callboard::new(["execute", "--config", "worker.toml"]).unwrap();
    let execute = execute
        .env("A_SECRET", "s3cr3t")
        .folder(folder.path())
        .input(message.json());
    let ended = execute.run().await.unwrap();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let results = Results::of(&message, &ended.stdout).unwrap();
    assert_eq!(text(&results, "reads"), "read");
    assert_eq!(text(&results, "writes"), "new\nx\n");
    for id in ["no-read", "no-write", "no-spying"] {
        let result = results.get(id).unwrap();
        assert!(
            result.is_error && result.text.contains("Permission denied"),
            "{id}: {result:?}"
        );
    }
    assert!(
        text(&results, "no-network").contains("Operation not permitted"),
        "{}",
        text(&results, "no-network")
    );
    assert_eq!(text(&results, "secret"), "s3cr3t\ntmp\nnone\n");
    assert!(
        results.get("file").unwrap().is_error,
        "{}",
        text(&results, "file")
    );
    assert!(
        text(&results, "processor")
            .contains("signal SIGXCPU: the processor time of its limits was used up"),
        "{}",
        text(&results, "processor")
    );
    let output = text(&results, "output");
    assert!(
        output.starts_with("1\n2\n")
            && output.ends_with("\n100\n")
            && output.contains("bytes left out"),
        "{output}"
    );
    assert_eq!(text(&results, "stdin").trim(), "7");
    assert_eq!(text(&results, "json"), r#"{"b":[1,2]}"#);
    assert!(
        text(&results, "dash").starts_with("Error (invalid_arguments)"),
        "{}",
        text(&results, "dash")
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("read/file")).unwrap(),
        "read"
    );
}
