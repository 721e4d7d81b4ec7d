//! The agents of `examples/agents`: the official SDKs' own loops, with tools that run on `callboard serve`.

use std::process::Stdio;

use callboard_mock_provider::{Format, Mock, Options, Script};
use callboard_tests::harness::Callboard;
use tokio::process::Command;
use xtask::paths;

use super::left_out::sdks;

/// Two turns of two calls each, one of which fails, and an answer.
const SCRIPT: &str = r#"
[[turn]]
[[turn.call]]
tool = "echo"
arguments = { n = 1 }
[[turn.call]]
tool = "nobody_offers_this"
arguments = {}
[[turn]]
[[turn.call]]
tool = "echo"
arguments = { n = 2 }
[[turn.call]]
tool = "wait"
arguments = { ms = 1 }
[[turn]]
text = "all is well"
"#;

#[tokio::test]
async fn agents_on_the_official_sdks_hand_their_calls_over() {
    let Some(sdks) = sdks("agents that keep their loop") else {
        return;
    };
    let words = ["serve", "--listen", "127.0.0.1:0", "--tools", "basic"];
    let mut service = Callboard::new(words).unwrap().start().unwrap();
    let said = service.hears("serving on ").await.unwrap();
    let url = said.split("serving on ").nth(1).unwrap();
    let url = url.split_whitespace().next().unwrap().to_owned();
    for (format, agent, key, base) in [
        (
            Format::Anthropic,
            "anthropic_agent.py",
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_BASE_URL",
        ),
        (
            Format::Responses,
            "openai_agent.py",
            "OPENAI_API_KEY",
            "OPENAI_BASE_URL",
        ),
        (
            Format::Gemini,
            "gemini_agent.py",
            "GEMINI_API_KEY",
            "GEMINI_BASE_URL",
        ),
    ] {
        let script = Script::from_toml("test", SCRIPT).unwrap();
        let mock = Mock::start(Options::default(), script).await.unwrap();
        let output = Command::new(sdks.python())
            .arg("-B")
            .arg(paths::root().join("examples/agents").join(agent))
            .args(["mock", "How are my orders?"])
            .env("CALLBOARD_URL", &url)
            .env(key, "any")
            .env(base, mock.base_url(format))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{agent}: {errors}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "all is well\n",
            "{agent}"
        );
        let requests = mock.requests();
        assert_eq!(requests.len(), 3, "{agent}");
        for request in requests {
            assert_eq!(
                request.refusal, None,
                "{agent}: the strict mock takes each request"
            );
        }
    }
}
