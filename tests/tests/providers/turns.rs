//! Whole runs that an SDK drives: it asks the mock, `callboard execute` runs the calls, and what it prints goes back as
//! it is. The mock is strict about pairing, order, ids, signatures and an unchanged past.

use callboard_coordinator::provider::Format;
use callboard_mock_provider::{Mock, Options, Script};
use callboard_tests::harness::Callboard;
use serde_json::Value;

use super::left_out::sdks;
use super::schemas::Schemas;
use super::sdk::Sdk;
use super::words::{first_request, go_on, mock_format};

/// One call; three at once, of which one can't be made; text, thoughts and two calls, of which one names no tool; done.
/// Each turn expects the results of the one before.
const SCRIPT: &str = r#"
[[turn]]
[[turn.call]]
tool = "echo"
arguments = { word = "aardvark" }

[[turn]]
expect = ["aardvark"]
text = "Three at once."
[[turn.call]]
tool = "echo"
arguments = { word = "bumblebee" }
[[turn.call]]
tool = "wait"
arguments = { ms = "long" }
[[turn.call]]
tool = "wait"
arguments = { ms = 3 }

[[turn]]
expect = ["bumblebee", "invalid_arguments", "waited 3 ms"]
thinking = "Well, then."
text = "And two more."
[[turn.call]]
id = "own-id"
tool = "echo"
[[turn.call]]
tool = "no_such_tool"

[[turn]]
expect = ["unknown_tool"]
text = "All done."
"#;

async fn proves(format: Format) {
    let Some(sdks) = sdks(&format!(
        "runs of {format} by its SDK and `callboard execute`"
    )) else {
        return;
    };
    let schemas = Schemas::of(&sdks, format);
    let mut sdk = Sdk::start(&sdks, format);
    for is_streamed in [false, true] {
        let script = Script::from_toml("run", SCRIPT).unwrap();
        let turns = script.turns.len();
        let mock = Mock::start(Options::default(), script).await.unwrap();
        let base_url = mock.base_url(mock_format(format));
        let mut request = first_request(format, is_streamed).sdk;
        let mut exits = Vec::new();
        let text = loop {
            let answer = sdk.ask(&base_url, is_streamed, &request).await;
            let answer = answer.unwrap_or_else(|failure| panic!("{format}: {failure:?}"));
            if answer.calls.is_empty() {
                break answer.text;
            }
            let (code, next) = execute(format, &answer.message).await;
            exits.push(code);
            go_on(format, &mut request, &answer.message, Some(next));
        };
        assert_eq!(text, "All done.", "{format}");
        // 3: not every call succeeded.
        assert_eq!(exits, [Some(0), Some(3), Some(3)], "{format}");
        let asked = mock.requests();
        assert_eq!(asked.len(), turns, "{format}");
        for request in &asked {
            assert_eq!(
                (request.rule, request.status),
                (None, Some(200)),
                "{format}: {request:?}"
            );
        }
        // The last request holds all that was printed; for Gemini, the SDK names the model in the path.
        if format == Format::Gemini {
            request.as_object_mut().unwrap().remove("model");
        }
        assert_eq!(schemas.request(is_streamed, &request), [""; 0], "{format}");
        mock.stop().await;
    }
}

/// Runs a response's calls and gives what is printed.
async fn execute(format: Format, response: &Value) -> (Option<i32>, Value) {
    let command = Callboard::new(["execute", "--tools", "basic", "--provider", format.as_str()]);
    let ended = command
        .unwrap()
        .input(response.to_string())
        .run()
        .await
        .unwrap();
    assert_eq!(ended.stderr, "", "{format}");
    (ended.code, serde_json::from_str(&ended.stdout).unwrap())
}

#[tokio::test]
async fn anthropics_sdk_goes_on_with_what_execute_prints() {
    proves(Format::Anthropic).await;
}

#[tokio::test]
async fn openais_sdk_goes_on_with_what_execute_prints_for_chat_completions() {
    proves(Format::Chat).await;
}

#[tokio::test]
async fn openais_sdk_goes_on_with_what_execute_prints_for_responses() {
    proves(Format::Responses).await;
}

#[tokio::test]
async fn googles_sdk_goes_on_with_what_execute_prints() {
    proves(Format::Gemini).await;
}
