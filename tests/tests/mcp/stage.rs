//! A folder with a worker's file, and ways to run it.

use std::path::Path;

use callboard_tests::harness::{Callboard, Child, Ended, Message, Results};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a worker's file.
pub(super) struct Stage {
    folder: TempDir,
}

impl Stage {
    pub(super) fn new(file: &str) -> Self {
        let folder = TempDir::with_prefix("callboard-mcp-").unwrap();
        std::fs::write(folder.path().join("worker.toml"), file).unwrap();
        Self { folder }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command with the file.
    pub(super) fn command(&self, words: &str) -> Callboard {
        let words = words.split(' ').chain(["--config", "worker.toml"]);
        Callboard::new(words).unwrap().folder(self.path())
    }

    /// A worker on a server, once it says so.
    pub(super) async fn worker(&self, url: &str, words: &str) -> Child {
        let mut worker = self.command(words).nats(url).start().unwrap();
        worker.says(" offers ").await.unwrap();
        worker
    }

    /// The results of a message, on an embedded worker.
    pub(super) async fn execute(&self, message: &Message) -> Results {
        let execute = self.command("execute").input(message.json());
        results(message, &execute.run().await.unwrap())
    }
}

/// The results of a message, by whoever is on a server.
pub(super) async fn execute_on(url: &str, words: &str, message: &Message) -> Results {
    let execute = Callboard::new(words.split(' ')).unwrap().nats(url);
    let ended = execute.input(message.json()).run().await.unwrap();
    results(message, &ended)
}

fn results(message: &Message, ended: &Ended) -> Results {
    Results::of(message, &ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stderr))
}

/// What a view prints as JSON.
pub(super) async fn view(command: Callboard) -> Value {
    let ended = command.args(["--json"]).run().await.unwrap();
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stderr))
}

/// An entry for the fake server.
pub(super) fn fake(name: &str, words: &[&str], more: &str) -> String {
    let mut command = vec![env!("CARGO_BIN_EXE_mcp-server")];
    command.extend(words);
    format!("[[mcp]]\nname = {name:?}\ncommand = {command:?}\n{more}\n\n")
}

/// All texts of the results, by id.
pub(super) fn told(message: &Message, results: &Results) -> String {
    let mut told = String::new();
    for id in message.ids() {
        let result = results.get(id).unwrap();
        let mark = if result.is_error { " (error)" } else { "" };
        told.push_str(&format!("{id}{mark}: {}\n", result.text));
    }
    told
}
