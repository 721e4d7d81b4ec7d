//! Requests and what the API answers to bad ones.

use std::sync::Arc;
use std::time::Duration;

use callboard_proto::{Digest, Effect, Manifest, Outcome, ToolName, ToolSpec, Turn};
use serde_json::{Value, json};

use super::report;
use crate::catalogue::{Catalogue, Offer};
use crate::model::{Conversation, Exchange};
use crate::provider::gemini::{parse, read_error, request};
use crate::provider::{Format, Settings, ToolChoice};

fn offer(name: &str, description: &str, schema: &str) -> Offer {
    Offer {
        digest: Digest::new([1; 32]),
        spec: Arc::new(ToolSpec {
            name: ToolName::new(name).unwrap(),
            description: description.to_owned(),
            input_schema: schema.to_owned(),
            manifest: Manifest::new(Effect::Read),
        }),
        instances: 1,
    }
}

fn conversation() -> Conversation {
    let weather = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
        "properties":{"city":{"type":"string","minLength":1}},"required":["city"]}"#;
    Conversation {
        task: "How warm is it?".into(),
        catalogue: Arc::new(Catalogue::freeze([
            offer("get.weather", "Says the weather.", weather),
            offer("7zip", "", r#"{"type":"object"}"#),
        ])),
        exchanges: Vec::new(),
    }
}

/// The conversation goes on: two calls, one fails, then one more.
fn go_on(conversation: &mut Conversation, turn: u32) {
    let response = r#"{"candidates":[{"content":{"parts": [
        {"functionCall":{"id":"a1","name":"get_weather","args":{"city": "Paris", "n": 1.0}},"thoughtSignature":"c2ln"},
        {"functionCall":{"name":"_7zip"}}],"role":"model"},"finishReason":"STOP"}]}"#;
    let answer = parse(response.as_bytes()).unwrap();
    let report = report(
        &answer.calls,
        vec![Outcome::text("15 °C"), Outcome::text("done")],
    );
    conversation.exchanges.push(Exchange {
        turn: Turn(turn),
        answer,
        report: Some(report),
    });
}

fn body(settings: &Settings, conversation: &Conversation) -> Value {
    serde_json::from_slice(&request(settings, conversation).body).unwrap()
}

#[test]
fn a_request_is_byte_exact_and_what_was_sent_is_a_prefix() {
    let mut settings = Settings::new("gemini-3.8-flash");
    settings.system = Some("Be brief.".to_owned());
    settings.tool_choice = ToolChoice::Any;
    let mut conversation = conversation();
    let mut before = String::new();
    for turn in 1..=3 {
        let sent = request(&settings, &conversation).body;
        let sent = std::str::from_utf8(&sent).unwrap().to_owned();
        let kept = sent.strip_suffix("]}").unwrap();
        assert!(kept.starts_with(&before), "{kept}");
        before = kept.to_owned();
        go_on(&mut conversation, turn);
        if turn == 2 {
            insta::assert_snapshot!(sent.replace("},{\"role\"", "},\n{\"role\""));
        }
    }
}

#[test]
fn no_two_calls_of_a_conversation_share_an_id_and_results_name_their_own() {
    let mut conversation = conversation();
    for turn in 1..=3 {
        go_on(&mut conversation, turn);
    }
    let sent = body(&Settings::new("g"), &conversation);
    let contents = sent["contents"].as_array().unwrap();
    let ids = |of: &str, at: usize| -> Vec<Value> {
        let parts = contents[at]["parts"].as_array().unwrap();
        parts.iter().map(|part| part[of]["id"].clone()).collect()
    };
    let mut named = Vec::new();
    for turn in 0..3 {
        let asked = ids("functionCall", 1 + 2 * turn);
        assert_eq!(asked, ids("functionResponse", 2 + 2 * turn));
        assert_eq!(asked[1], Value::Null, "a call without an id stays without");
        let part = &contents[1 + 2 * turn]["parts"][0];
        assert_eq!(part["thoughtSignature"], "c2ln");
        named.push(asked[0].as_str().unwrap().to_owned());
    }
    assert_eq!(named[0], "a1");
    named.sort();
    named.dedup();
    assert_eq!(named.len(), 3);
}

#[test]
fn a_paused_response_is_asked_for_on_by_its_token_and_is_one_content_in_the_end() {
    let mut conversation = conversation();
    let settings = Settings::new("g");
    let first = body(&settings, &conversation);
    let mut go_on = |text: &str, reason: &str| {
        let content = format!(r#"{{"role":"model","parts":[{{"text":"{text}", "n":1.0}}]}}"#);
        let response = format!(r#"{{"candidates":[{{"content":{content},{reason}}}]}}"#);
        conversation.exchanges.push(Exchange {
            turn: Turn(1),
            answer: parse(response.as_bytes()).unwrap(),
            report: None,
        });
        request(&settings, &conversation).body
    };
    for (text, token) in [("One, ", "b25l"), ("two, ", "dHdv")] {
        let reason = format!(r#""finishReason":"CONTINUATION","continuationToken":"{token}""#);
        let asked: Value = serde_json::from_slice(&go_on(text, &reason)).unwrap();
        assert_eq!(asked["continuationToken"], token);
        assert_eq!(asked["contents"], first["contents"], "what was asked stays");
    }
    let last = go_on("three.", r#""finishReason":"STOP""#);
    let sent = std::str::from_utf8(&last).unwrap();
    let content = r#"{"role":"model","parts":[{"text":"One, ", "n":1.0},{"text":"two, ", "n":1.0},{"text":"three.", "n":1.0}]}]}"#;
    assert!(sent.ends_with(content), "{sent}");
    assert!(!sent.contains("continuationToken"));
}

#[test]
fn the_path_names_model_and_method() {
    let path = |model: &str, is_streamed| {
        let mut settings = Settings::new(model);
        settings.is_streamed = is_streamed;
        request(&settings, &conversation()).path
    };
    assert_eq!(
        path("gemini-3.8-flash", true),
        "/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    );
    assert_eq!(path("models/g", false), "/models/g:generateContent");
    assert_eq!(
        path("tunedModels/a b?c#d", false),
        "/tunedModels/a%20b%3Fc%23d:generateContent"
    );
}

#[test]
fn what_is_not_wanted_is_not_sent() {
    let mut settings = Settings::new("g");
    settings.max_tokens = None;
    let mut conversation = conversation();
    conversation.catalogue = Arc::new(Catalogue::freeze([]));
    settings.tool_choice = ToolChoice::Any;
    let contents = json!([{"role": "user", "parts": [{"text": "How warm is it?"}]}]);
    assert_eq!(
        body(&settings, &conversation),
        json!({"contents": contents})
    );
}

#[test]
fn choices_are_modes() {
    let conversation = conversation();
    let mut settings = Settings::new("g");
    let mut mode = |choice| {
        settings.tool_choice = choice;
        body(&settings, &conversation)["toolConfig"]["functionCallingConfig"].take()
    };
    assert_eq!(mode(ToolChoice::Auto), Value::Null);
    assert_eq!(mode(ToolChoice::Any), json!({"mode": "ANY"}));
    assert_eq!(mode(ToolChoice::None), json!({"mode": "NONE"}));
    assert_eq!(
        mode(ToolChoice::Tool("get_weather".to_owned())),
        json!({"mode": "ANY", "allowedFunctionNames": ["get_weather"]})
    );
}

#[test]
fn extra_fields_win_one_by_one() {
    let mut settings = Settings::new("g");
    let extra = json!({
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}},
        "tools": [{"googleSearch": {}}],
        "safetySettings": [],
        "contents": [],
    });
    settings.extra = serde_json::from_value(extra).unwrap();
    let sent = body(&settings, &conversation());
    assert_eq!(
        sent["generationConfig"],
        json!({"maxOutputTokens": 8192, "thinkingConfig": {"thinkingLevel": "LOW"}})
    );
    assert_eq!(sent["tools"].as_array().unwrap().len(), 2);
    assert_eq!(sent["tools"][1], json!({"googleSearch": {}}));
    assert_eq!(sent["safetySettings"], json!([]));
    assert_eq!(sent["contents"].as_array().unwrap().len(), 1);
    settings.extra =
        serde_json::from_value(json!({"generationConfig": {"maxOutputTokens": 5}})).unwrap();
    let sent = body(&settings, &conversation());
    assert_eq!(sent["generationConfig"], json!({"maxOutputTokens": 5}));
}

#[test]
fn errors_are_read_with_their_details() {
    let google = "type.googleapis.com/google.rpc.";
    let error = |details: Value| json!({"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED", "details": details}});
    let retry = json!({"@type": format!("{google}RetryInfo"), "retryDelay": "34.074824224s"});
    let quota = |ids: &[&str]| {
        let violations: Vec<Value> = ids.iter().map(|id| json!({"quotaId": id})).collect();
        json!({"@type": format!("{google}QuotaFailure"), "violations": violations})
    };
    let minute = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";
    let day = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";

    let slow = error(json!([retry, quota(&[minute]), {"@type": format!("{google}Help")}]));
    let read = read_error(slow.to_string().as_bytes());
    assert_eq!(
        (read.code.as_str(), read.message.as_str()),
        ("RESOURCE_EXHAUSTED", "Quota exceeded.")
    );
    assert_eq!(read.detail.as_deref(), Some(minute));
    assert_eq!(read.retry_after, Some(Duration::new(34, 74_824_224)));
    assert!(read.is_retryable && !read.is_final);
    assert_eq!(read_error(json!([slow]).to_string().as_bytes()), read);

    let over = error(json!([quota(&[minute, day]), retry]));
    let read = read_error(over.to_string().as_bytes());
    assert_eq!(read.detail.as_deref(), Some(day));
    assert!(read.is_final && !read.is_retryable);

    let key = json!({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": format!("{google}ErrorInfo"), "reason": "API_KEY_INVALID"}, {"@type": format!("{google}RequestInfo"), "requestId": "r1"}]}});
    let read = read_error(key.to_string().as_bytes());
    assert_eq!(read.detail.as_deref(), Some("API_KEY_INVALID"));
    assert_eq!(read.request_id.as_deref(), Some("r1"));
    assert!(!read.is_retryable && !read.is_final);

    let bare = read_error(br#"{"error":{"code":503}}"#);
    assert_eq!(bare.code, "503");
    assert!(bare.is_retryable);
}

#[test]
fn a_foreign_error_says_that_it_is_one() {
    let long = "é".repeat(600);
    for body in [
        "<html>502 Bad Gateway</html>",
        "",
        "{}",
        "[]",
        "{\"error\":\"no\"}",
        &long,
    ] {
        let read = read_error(body.as_bytes());
        assert_eq!(read.code, "");
        assert!(!read.is_retryable && !read.is_final);
        assert!(read.message.starts_with("the body is"), "{}", read.message);
        assert!(read.message.chars().count() <= 500);
    }
    assert_eq!(Format::Gemini.read_error(b"\xff").code, "");
}
