//! `run --model`: what is wrong with models, keys and base URLs, and keys that are shown nowhere.

use callboard_tests::harness::Callboard;

use super::common::{folder, told};

const KEY: &str = "sk-hunter2secret";
/// Variables with which a key could come from whoever runs the tests.
const KEYS: [&str; 3] = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"];

fn command(words: &str) -> Callboard {
    KEYS.iter().fold(
        Callboard::new(words.split(' ')).unwrap(),
        |command, name| command.env(name, KEY),
    )
}

#[tokio::test]
async fn what_is_wrong_with_a_model_is_told_with_its_cure() {
    let files = folder(&[
        ("key.txt", "two words\n"),
        (
            "both.toml",
            "[provider.gemini]\napi_key_env = \"A\"\napi_key_file = \"b\"\n",
        ),
        ("foreign.toml", "[provider.openai]\nauth = \"bearer\"\n"),
        (
            "dialect.toml",
            "[provider.openai]\ndialect = \"compatible\"\n",
        ),
        ("word.toml", "[model]\nparallel = \"many\"\n"),
        (
            "key.toml",
            "[provider.openai]\napi_key_file = \"key.txt\"\n",
        ),
        (
            "unset.toml",
            "[provider.openai]\napi_key_env = \"CALLBOARD_TEST_UNSET\"\n",
        ),
        (
            "away.toml",
            "[provider.openai]\napi_key_file = \"nowhere.txt\"\n",
        ),
        ("eager.toml", "[model]\neager = \"read\"\nstream = false\n"),
        (
            "header.toml",
            "[provider.openai]\nheaders = { \"a b\" = \"x\" }\n",
        ),
    ]);
    let mut text = String::new();
    for words in [
        "run x",
        "run x --model claude-x",
        "run x --model mistral/x",
        "run x --model anthropic/",
        "run x --model anthropic/x --script x.toml",
        "run x --model anthropic/x --max-tokens 0",
        "run x --model anthropic/x --parallel many",
        "run x --model anthropic/x --eager all",
        "run x --model anthropic/x --tokens 0",
        "run x --model anthropic/x --base-url localhost:80",
        "run x --model anthropic/x --base-url http://u:p@localhost",
        "run x --model openai-chat/x --base-url http://192.0.2.1",
        "run x --model anthropic/x --tool-choice hammer",
        "tools --config both.toml",
        "tools --config foreign.toml",
        "tools --config dialect.toml",
        "tools --config word.toml",
        "tools --config eager.toml",
        "run x --model openai/x --config key.toml",
        "run x --model openai/x --config unset.toml",
        "run x --model openai/x --config away.toml",
        "run x --model openai/x --config header.toml",
    ] {
        let ended = command(words).folder(files.path()).run().await.unwrap();
        text.push_str(&told(words, &ended));
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_key_is_never_shown() {
    for provider in ["anthropic", "openai", "openai-chat", "gemini"] {
        for words in [
            "--log trace",
            "--log trace --json --verbose",
            "--print-config",
            "--check-config --log trace",
        ] {
            let words = format!("run x --model {provider}/m --base-url http://127.0.0.1:1 {words}");
            let retries = format!(
                "CALLBOARD_PROVIDER__{}__RETRIES",
                provider.replace('-', "_").to_uppercase()
            );
            let ended = command(&words).env(&retries, "0").run().await.unwrap();
            for said in [&ended.stdout, &ended.stderr] {
                assert!(!said.contains("hunter2"), "{words}: {said}");
            }
            let is_asked = !words.contains("-config");
            let expected = if is_asked { Some(6) } else { Some(0) };
            assert_eq!(ended.code, expected, "{words}: {}", ended.stderr);
        }
    }
}
