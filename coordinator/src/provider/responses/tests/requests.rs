//! Questions.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::catalogue::Catalogue;
use crate::model::Conversation;
use crate::provider::openai::testing::{conversation, exchange};
use crate::provider::responses::parse;
use crate::provider::{Format, Parallel, Settings, ToolChoice};

const OUTPUT: &str = r#"[{"type":"reasoning" ,"id":"rs_1","summary":[],"encrypted_content":"gAAA"},{"type":"function_call","call_id":"call_1","name":"get_weather","arguments":"{}","x":1.50}]"#;

fn body(settings: &Settings, conversation: &Conversation) -> String {
    let request = Format::Responses.request(settings, conversation);
    assert_eq!(request.path, "/responses");
    String::from_utf8(request.body.to_vec()).unwrap()
}

fn value(settings: &Settings, conversation: &Conversation) -> Value {
    serde_json::from_str(&body(settings, conversation)).unwrap()
}

fn said(conversation: &mut Conversation, output: &str) {
    let turn = u32::try_from(conversation.exchanges.len()).unwrap() + 1;
    let answer = parse(output.as_bytes()).unwrap();
    conversation.exchanges.push(exchange(turn, answer));
}

#[test]
fn a_request_is_byte_exact() {
    let mut settings = Settings::new("gpt-x");
    settings.system = Some("Be brief.".to_owned());
    settings.extra = json!({"reasoning": {"effort": "low"}, "include": [], "input": []})
        .as_object()
        .unwrap()
        .clone();
    let mut conversation = conversation();
    said(&mut conversation, OUTPUT);
    insta::assert_snapshot!(body(&settings, &conversation));
}

#[test]
fn each_setting_says_what_it_means() {
    let mut settings = Settings::new("m");
    let body = value(&settings, &conversation());
    assert_eq!(body["store"], false);
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    assert_eq!(body["stream"], true);
    assert_eq!(body["parallel_tool_calls"], Value::Null, "silence is a yes");
    assert_eq!(body["tool_choice"], Value::Null);
    assert_eq!(body["max_output_tokens"], 8192);
    settings.is_streamed = false;
    settings.max_tokens = None;
    settings.parallel = Parallel::Off;
    for (choice, expected) in [
        (ToolChoice::Any, json!("required")),
        (ToolChoice::None, json!("none")),
        (
            ToolChoice::Tool("clock_now".to_owned()),
            json!({"type": "function", "name": "clock_now"}),
        ),
    ] {
        settings.tool_choice = choice;
        let body = value(&settings, &conversation());
        assert_eq!(body["tool_choice"], expected);
        assert_eq!(body["parallel_tool_calls"], false);
        assert_eq!(body["stream"], Value::Null);
        assert_eq!(body["max_output_tokens"], Value::Null);
    }
    let mut conversation = conversation();
    conversation.catalogue = Arc::new(Catalogue::freeze([]));
    let body = value(&settings, &conversation);
    for absent in ["tools", "tool_choice", "parallel_tool_calls"] {
        assert_eq!(body[absent], Value::Null, "{absent}");
    }
}

#[test]
fn each_request_begins_with_the_one_before_it() {
    let settings = Settings::new("m");
    let mut conversation = conversation();
    let mut before = body(&settings, &conversation);
    for _ in 0..3 {
        said(&mut conversation, OUTPUT);
        let now = body(&settings, &conversation);
        assert!(now.starts_with(before.strip_suffix("]}").unwrap()));
        assert!(now.contains(OUTPUT.trim_matches(['[', ']'])));
        before = now;
    }
}
