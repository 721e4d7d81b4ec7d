//! Questions.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::catalogue::Catalogue;
use crate::model::Conversation;
use crate::provider::chat::parse;
use crate::provider::openai::testing::{conversation, exchange};
use crate::provider::{ChatDialect, Format, Parallel, Settings, ToolChoice};

fn body(settings: &Settings, conversation: &Conversation) -> String {
    let request = Format::Chat.request(settings, conversation);
    assert_eq!(request.path, "/chat/completions");
    String::from_utf8(request.body.to_vec()).unwrap()
}

fn value(settings: &Settings, conversation: &Conversation) -> Value {
    serde_json::from_str(&body(settings, conversation)).unwrap()
}

fn said(conversation: &mut Conversation, message: &str) {
    let turn = u32::try_from(conversation.exchanges.len()).unwrap() + 1;
    let answer = parse(message.as_bytes()).unwrap();
    conversation.exchanges.push(exchange(turn, answer));
}

const ASKS: &str = r#"{"role":"assistant" ,"content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{}"},"x":1.50}]}"#;

#[test]
fn a_request_is_byte_exact() {
    let mut settings = Settings::new("gpt-x");
    settings.system = Some("Be brief.".to_owned());
    settings.extra = json!({"reasoning_effort": "low", "max_completion_tokens": 5, "messages": []})
        .as_object()
        .unwrap()
        .clone();
    let mut conversation = conversation();
    said(&mut conversation, ASKS);
    insta::assert_snapshot!(body(&settings, &conversation));
}

#[test]
fn each_setting_says_what_it_means() {
    let mut settings = Settings::new("m");
    settings.dialect = ChatDialect::Compatible;
    settings.system = Some("s".to_owned());
    settings.is_streamed = false;
    settings.max_tokens = Some(9);
    settings.parallel = Parallel::Off;
    settings.tool_choice = ToolChoice::Tool("clock_now".to_owned());
    let body = value(&settings, &conversation());
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["max_tokens"], 9);
    assert_eq!(body["parallel_tool_calls"], false);
    assert_eq!(
        body["tool_choice"],
        json!({"type": "function", "function": {"name": "clock_now"}})
    );
    for absent in ["stream", "stream_options", "max_completion_tokens"] {
        assert_eq!(body[absent], Value::Null, "{absent}");
    }
    settings.max_tokens = None;
    settings.parallel = Parallel::Limit(NonZeroU32::MIN);
    for (choice, expected) in [
        (ToolChoice::Auto, Value::Null),
        (ToolChoice::Any, json!("required")),
        (ToolChoice::None, json!("none")),
    ] {
        settings.tool_choice = choice;
        let body = value(&settings, &conversation());
        assert_eq!(body["tool_choice"], expected);
        assert_eq!(body["parallel_tool_calls"], true);
        assert_eq!(body["max_tokens"], Value::Null);
    }
}

#[test]
fn several_calls_are_spoken_of_where_silence_would_say_something_else() {
    let said = |dialect, parallel| {
        let settings = Settings {
            dialect,
            parallel,
            ..Settings::new("m")
        };
        let body = value(&settings, &conversation());
        let has_options = body.get("stream_options").is_some();
        (body.get("parallel_tool_calls").cloned(), has_options)
    };
    let four = Parallel::Limit(4.try_into().unwrap());
    for (dialect, parallel, expected) in [
        (ChatDialect::OpenAi, Parallel::Auto, None),
        (ChatDialect::OpenAi, four, None),
        (ChatDialect::OpenAi, Parallel::Off, Some(false)),
        (ChatDialect::Compatible, Parallel::Auto, Some(true)),
        (ChatDialect::Compatible, four, Some(true)),
        (ChatDialect::Compatible, Parallel::Off, Some(false)),
        (ChatDialect::Minimal, Parallel::Auto, None),
        (ChatDialect::Minimal, Parallel::Off, None),
    ] {
        let expected = (expected.map(Value::Bool), dialect != ChatDialect::Minimal);
        assert_eq!(
            said(dialect, parallel),
            expected,
            "{dialect:?} {parallel:?}"
        );
    }
}

#[test]
fn without_tools_nothing_is_said_of_tools() {
    let mut conversation = conversation();
    conversation.catalogue = Arc::new(Catalogue::freeze([]));
    let mut settings = Settings::new("m");
    settings.tool_choice = ToolChoice::Any;
    let body = value(&settings, &conversation);
    for absent in ["tools", "tool_choice", "parallel_tool_calls"] {
        assert_eq!(body[absent], Value::Null, "{absent}");
    }
}

#[test]
fn each_request_begins_with_the_one_before_it_and_no_two_turns_share_an_id() {
    let settings = Settings::new("m");
    let mut conversation = conversation();
    let mut bodies = vec![body(&settings, &conversation)];
    let missing = ASKS.replace("\"id\":\"call_1\",", "");
    for message in [ASKS, ASKS, &missing, &missing, ASKS] {
        said(&mut conversation, message);
        bodies.push(body(&settings, &conversation));
    }
    for pair in bodies.windows(2) {
        let before = pair[0].strip_suffix("]}").unwrap();
        assert!(pair[1].starts_with(before));
    }
    let last: Value = serde_json::from_str(bodies.last().unwrap()).unwrap();
    let messages = last["messages"].as_array().unwrap();
    let mut ids = Vec::new();
    for pair in messages[1..].chunks(2) {
        let id = pair[0]["tool_calls"][0]["id"].as_str().unwrap();
        assert_eq!(pair[1]["tool_call_id"], id);
        ids.push(id.to_owned());
    }
    assert_eq!(ids[0], "call_1");
    assert!(
        bodies[5].contains(ASKS),
        "the first message is repeated to the byte"
    );
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}
