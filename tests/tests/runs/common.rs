//! What these tests share.

use callboard_mock_provider::{Format, Mock, Options, Script};
use callboard_tests::harness::{Callboard, Ended};
use serde_json::Value;

/// The key that the mock wants; it must be seen nowhere.
pub(crate) const KEY: &str = "sk-seen-nowhere-0123456789";

/// Each format with its word on the command line and the variable that holds its key.
pub(crate) const FORMATS: [(Format, &str, &str); 4] = [
    (Format::Anthropic, "anthropic", "ANTHROPIC_API_KEY"),
    (Format::Chat, "openai-chat", "OPENAI_API_KEY"),
    (Format::Responses, "openai", "OPENAI_API_KEY"),
    (Format::Gemini, "gemini", "GEMINI_API_KEY"),
];

/// A mock that plays this script.
pub(crate) async fn mock(script: &str) -> Mock {
    let script = Script::from_toml("test", script).unwrap();
    Mock::start(Options::default(), script).await.unwrap()
}

/// `callboard run` against a mock; what it says never holds the key.
pub(crate) async fn run(
    provider: &str,
    variable: &str,
    url: &str,
    more: &[&str],
    set_up: impl FnOnce(Callboard) -> Callboard,
) -> Ended {
    let model = format!("{provider}/mock");
    let words = ["run", "How are my last orders?", "--base-url", url];
    let command = Callboard::new(words).unwrap().args(["--model", &model]);
    let command = set_up(command.args(more).env(variable, KEY));
    let ended = command.run().await.unwrap();
    assert!(!ended.stdout.contains(KEY) && !ended.stderr.contains(KEY));
    ended
}

/// The report that `--json` printed.
pub(crate) fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", ended.stdout, ended.stderr))
}
