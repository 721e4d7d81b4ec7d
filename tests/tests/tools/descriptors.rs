//! What was open in whoever started the worker is open in no program.

use callboard_tests::harness::{Callboard, Message, Results, callboard};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

/// Notes what is open in it, and then serves.
const NOTING: &str = "ls -l /proc/self/fd > \"$NOTES\"; exec \"$0\"";

#[tokio::test]
async fn no_file_that_was_open_before_the_worker_is_open_in_a_program() {
    let folder = TempDir::with_prefix("callboard-tools-").unwrap();
    let secret = folder.path().join("a-secret");
    std::fs::write(&secret, "s3cr3t").unwrap();
    let notes = folder.path().join("notes");
    let server = env!("CARGO_BIN_EXE_mcp-server");
    let file = format!(
        "[[tool]]\nname = \"list\"\ndescription = \"Lists what is open.\"\ninput_schema = '{{\"type\":\"object\"}}'\n\
         process.argv = [\"bash\", \"-c\", \"ls -l /proc/self/fd; cat <&9\"]\n\n\
         [[mcp]]\nname = \"server\"\ncommand = [\"bash\", \"-c\", {NOTING:?}, {server:?}]\nenv = {{ NOTES = {notes:?} }}\n"
    );
    std::fs::write(folder.path().join("worker.toml"), file).unwrap();
    let message =
        Message::new()
            .call("list", "list", &json!({}))
            .call("about", "server_about", &json!({}));
    let mut command = Command::new("bash");
    let script = "exec 9<a-secret; exec \"$0\" execute --config worker.toml";
    command.args(["-c", script]).arg(callboard().unwrap());
    let execute = Callboard::of(command).folder(folder.path());
    let ended = execute.input(message.json()).run().await.unwrap();
    let results = Results::of(&message, &ended.stdout).unwrap();
    let listed = results.get("list").unwrap();
    assert!(listed.text.contains("9: Bad file descriptor"), "{listed:?}");
    assert!(!results.get("about").unwrap().is_error, "{results:?}");
    let noted = std::fs::read_to_string(notes).unwrap();
    for open in [&listed.text, &noted] {
        assert!(open.contains("0 -> "), "{open}");
        assert!(!open.contains("a-secret"), "{open}");
    }
}
