//! What a request may say, by itself.

use callboard_mock_provider::Format;
use serde_json::{Value, json};

use crate::client::post;
use crate::talk::{Talk, mock};

const SCRIPT: &str = "api_key = \"key\"\n[[turn]]\ntext = \"Hi.\"";

type Change = fn(&mut Talk);

async fn refused(format: Format, change: Change, status: u16, words: &str) {
    let mock = mock(SCRIPT).await;
    let mut talk = Talk::new(format);
    change(&mut talk);
    let reply = talk.ask(&mock).await;
    assert_eq!(reply.status, status, "{format}: {}", reply.text());
    assert!(
        mock.requests()[0].refusal.as_ref().unwrap().contains(words),
        "{format}: {}\nlacks {words}",
        reply.text()
    );
}

#[tokio::test]
async fn keys_are_checked_in_the_providers_words() {
    for (format, wrong, missing) in [
        (
            Format::Anthropic,
            (401, "invalid x-api-key"),
            (401, "x-api-key header is required"),
        ),
        (
            Format::Chat,
            (401, "Incorrect API key provided"),
            (401, "You didn't provide an API key"),
        ),
        (
            Format::Responses,
            (401, "Incorrect API key provided"),
            (401, "You didn't provide an API key"),
        ),
        (
            Format::Gemini,
            (400, "API key not valid"),
            (403, "unregistered callers"),
        ),
    ] {
        refused(format, |talk| talk.key = "other", wrong.0, wrong.1).await;
        refused(format, |talk| talk.key = "", missing.0, missing.1).await;
    }
    let gemini = mock(SCRIPT).await;
    let mut talk = Talk::new(Format::Gemini);
    talk.key = "other";
    let body = talk.ask(&gemini).await.json();
    assert_eq!(body["error"]["details"][0]["reason"], "API_KEY_INVALID");
}

#[tokio::test]
async fn anthropic_takes_its_key_either_way() {
    let mock = mock(SCRIPT).await;
    let talk = Talk::new(Format::Anthropic);
    let body = talk.body().to_string();
    for (header, value) in [("x-api-key", "key"), ("authorization", "Bearer key")] {
        let headers = [("anthropic-version", "2026-10-21"), (header, value)];
        let reply = post(mock.address(), talk.path(), &headers, body.as_bytes())
            .await
            .unwrap();
        assert_eq!(reply.status, 200);
        let last = mock.requests().pop().unwrap();
        assert_eq!(last.key_header, Some(header));
        assert_eq!(last.header("anthropic-version"), Some("2026-10-21"));
        assert!(!format!("{last:?}").contains("\"key\""));
    }
}

#[tokio::test]
async fn another_model_is_not_found() {
    for format in [Format::Anthropic, Format::Chat, Format::Responses] {
        let words = match format {
            Format::Anthropic => "model: other",
            Format::Chat | Format::Responses | Format::Gemini => "The model `other` does not exist",
        };
        refused(
            format,
            |talk| talk.rest["model"] = json!("other"),
            404,
            words,
        )
        .await;
    }
    let mock = mock(SCRIPT).await;
    let talk = Talk::new(Format::Gemini);
    let reply = post(
        mock.address(),
        "/v1beta/models/other:generateContent",
        &[("x-goog-api-key", "key")],
        talk.body().to_string().as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(reply.status, 404);
    assert!(
        reply
            .text()
            .contains("models/other is not found for API version v1beta")
    );
}

#[tokio::test]
async fn unknown_fields_are_refused() {
    for (format, words) in Format::ALL.into_iter().zip([
        "bogus: Extra inputs are not permitted",
        "Unrecognized request argument supplied: bogus",
        "Unknown parameter: 'bogus'.",
        "Unknown name \"bogus\": Cannot find field.",
    ]) {
        refused(format, |talk| talk.rest["bogus"] = json!(1), 400, words).await;
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let mock = mock(SCRIPT).await;
    for format in Format::ALL {
        let talk = Talk::new(format);
        let headers = talk.header_list();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        for body in ["", "{", "[]", "\u{fffd}", &"[".repeat(5000)] {
            let reply = post(mock.address(), talk.path(), &headers, body.as_bytes())
                .await
                .unwrap();
            assert_eq!(reply.status, 400, "{format}: {body:.20}");
            reply.json();
        }
    }
}

#[tokio::test]
async fn a_body_of_more_than_32_mb_is_too_large() {
    let mock = mock(SCRIPT).await;
    let talk = Talk::new(Format::Anthropic);
    let headers = [("anthropic-version", "2026-10-21"), ("x-api-key", "key")];
    let body = vec![b' '; 32 * 1024 * 1024 + 1];
    let reply = post(mock.address(), talk.path(), &headers, &body)
        .await
        .unwrap();
    assert_eq!(reply.status, 413);
    assert_eq!(reply.json()["error"]["type"], "request_too_large");
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let mock = mock(SCRIPT).await;
    for path in [
        "/",
        "/messages",
        "/v1/v1/messages",
        "/v1/models/mock",
        "/v2/models/mock:generateContent",
        "/v1/models/mock:countTokens",
    ] {
        let reply = post(mock.address(), path, &[], b"{}").await.unwrap();
        assert_eq!(reply.status, 404, "{path}");
    }
    assert!(
        mock.requests()
            .iter()
            .all(|request| request.rule == Some("path"))
    );
}

fn tool(talk: &mut Talk) -> &mut Value {
    match talk.format {
        Format::Gemini => &mut talk.rest["tools"][0]["functionDeclarations"][0],
        Format::Chat => &mut talk.rest["tools"][0]["function"],
        Format::Anthropic | Format::Responses => &mut talk.rest["tools"][0],
    }
}

#[tokio::test]
async fn tools_have_each_apis_own_shape_and_names() {
    for (format, words) in Format::ALL.into_iter().zip([
        "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        "Invalid 'tools[0].function.name': string does not match pattern",
        "Invalid 'tools[0].name': string does not match pattern",
        "Invalid function name",
    ]) {
        refused(format, |talk| tool(talk)["name"] = json!("a b"), 400, words).await;
    }
    for format in [Format::Chat, Format::Responses] {
        refused(
            format,
            |talk| tool(talk)["name"] = json!("a".repeat(65)),
            400,
            "string too long. Expected a string with maximum length 64",
        )
        .await;
    }
    let chat_tools =
        |talk: &mut Talk| talk.rest["tools"] = Talk::new(Format::Chat).rest["tools"].clone();
    let flat_tools =
        |talk: &mut Talk| talk.rest["tools"] = Talk::new(Format::Responses).rest["tools"].clone();
    refused(
        Format::Responses,
        chat_tools,
        400,
        "Missing required parameter: 'tools[0].name'.",
    )
    .await;
    refused(
        Format::Chat,
        flat_tools,
        400,
        "Missing required parameter: 'tools[0].function'.",
    )
    .await;
    refused(
        Format::Anthropic,
        |talk| {
            talk.rest["tools"][1]["name"] = json!("look");
        },
        400,
        "Tool names must be unique",
    )
    .await;
    refused(
        Format::Anthropic,
        |talk| tool(talk)["input_schema"] = json!({"type": "array"}),
        400,
        "tools.0.custom.input_schema.type: Input should be 'object'",
    )
    .await;
    refused(
        Format::Chat,
        |talk| tool(talk)["parameters"] = json!({"type": "array"}),
        400,
        "schema must be a JSON Schema of 'type: \"object\"'",
    )
    .await;
}

#[tokio::test]
async fn anthropic_keeps_its_version_and_its_messages_in_order() {
    let cases: [(Change, &str); 12] = [
        (
            |talk| talk.headers.clear(),
            "anthropic-version: header is required",
        ),
        (
            |talk| talk.headers = vec![("anthropic-version", "2024-01-01")],
            "is not a valid version",
        ),
        (
            |talk| talk.rest["temperature"] = json!(1.0),
            "temperature: not supported with anthropic-version 2026-10-21",
        ),
        (
            |talk| {
                talk.rest.as_object_mut().unwrap().remove("max_tokens");
            },
            "max_tokens: Field required",
        ),
        (
            |talk| talk.history.clear(),
            "messages: at least one message is required",
        ),
        (
            |talk| talk.history[0]["role"] = json!("assistant"),
            "first message must use the \"user\" role",
        ),
        (
            |talk| talk.history[0]["content"] = json!([]),
            "all messages must have non-empty content",
        ),
        (
            |talk| talk.history[0]["content"] = json!(""),
            "text content blocks must be non-empty",
        ),
        (
            |talk| {
                talk.history[0]["content"] =
                    json!([{"type": "tool_use", "id": "a", "name": "b", "input": {}}])
            },
            "`tool_use` blocks can only be in `assistant` messages",
        ),
        (
            |talk| talk.history[0]["content"] = json!([{"type": "tool_result", "content": "x"}]),
            "messages.0.content.0.tool_result.tool_use_id: Field required",
        ),
        (
            |talk| {
                talk.history[0]["content"] =
                    json!([{"type": "text", "text": "x", "citations": [{}]}])
            },
            "citations are not permitted on user text blocks",
        ),
        (
            |talk| {
                talk.rest["tool_choice"] =
                    json!({"type": "none", "disable_parallel_tool_use": true})
            },
            "tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted",
        ),
    ];
    for (change, words) in cases {
        refused(Format::Anthropic, change, 400, words).await;
    }
    let mock = mock(SCRIPT).await;
    let mut older = Talk::new(Format::Anthropic);
    older.headers = vec![("anthropic-version", "2023-06-01")];
    older.rest["temperature"] = json!(1.0);
    assert_eq!(older.ask(&mock).await.status, 200);
}

#[tokio::test]
async fn server_tools_have_their_results() {
    let mock = mock(SCRIPT).await;
    let mut talk = Talk::new(Format::Anthropic);
    let search =
        json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}});
    talk.history.extend([
        json!({"role": "assistant", "content": [search]}),
        json!({"role": "user", "content": "And?"}),
    ]);
    assert!(talk.ask(&mock).await.text().contains(
        "`web_search` tool use with id `srvtoolu_1` was found without a corresponding `web_search_tool_result` block"
    ));
}

#[tokio::test]
async fn openai_says_what_a_message_or_item_lacks() {
    let cases: [(Format, Change, &str); 10] = [
        (
            Format::Chat,
            |talk| talk.history.push(json!({"role": "tool", "content": "x"})),
            "Missing required parameter: 'messages[1].tool_call_id'.",
        ),
        (
            Format::Chat,
            |talk| talk.history[0]["content"] = Value::Null,
            "Invalid value for 'content': expected a string, got null.",
        ),
        (
            Format::Chat,
            |talk| {
                talk.history
                    .push(json!({"role": "assistant", "content": null, "tool_calls": []}))
            },
            "empty array",
        ),
        (
            Format::Chat,
            |talk| {
                talk.history.push(json!({"role": "tool", "tool_call_id": "a", "content": [{"type": "image_url"}]}));
            },
            "tool messages take content parts of type 'text' only",
        ),
        (
            Format::Chat,
            |talk| talk.rest["stream_options"] = json!({"include_usage": true}),
            "only allowed when 'stream' is enabled",
        ),
        (
            Format::Responses,
            |talk| talk.rest["previous_response_id"] = json!("resp_1"),
            "Previous response with id 'resp_1' not found.",
        ),
        (
            Format::Responses,
            |talk| {
                talk.history
                    .push(json!({"type": "function_call_output", "call_id": "a"}))
            },
            "Missing required parameter: 'input[1].output'.",
        ),
        (
            Format::Responses,
            |talk| {
                talk.history.push(
                    json!({"type": "function_call_output", "call_id": "a", "output": {"x": 1}}),
                )
            },
            "Invalid type for 'input[1].output'",
        ),
        (
            Format::Responses,
            |talk| {
                talk.history.push(json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}))
            },
            "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
        ),
        (
            Format::Responses,
            |talk| {
                talk.rest["tool_choice"] = json!({"type": "function", "function": {"name": "look"}})
            },
            "Missing required parameter: 'tool_choice.name'.",
        ),
    ];
    for (format, change, words) in cases {
        refused(format, change, 400, words).await;
    }
    refused(
        Format::Responses,
        |talk| {
            talk.history
                .push(json!({"type": "reasoning", "id": "rs_1", "summary": []}))
        },
        404,
        "Items are not persisted when `store` is set to false.",
    )
    .await;
}

#[tokio::test]
async fn gemini_keeps_its_types_and_roles() {
    let cases: [(Change, &str); 7] = [
        (|talk| talk.history.clear(), "contents is not specified"),
        (
            |talk| talk.history[0]["role"] = json!("assistant"),
            "Please use a valid role: user, model.",
        ),
        (
            |talk| talk.history[0]["parts"] = json!([]),
            "contents.parts must not be empty",
        ),
        (
            |talk| {
                let response = json!({"name": "look", "response": "text"});
                talk.history[0]["parts"] = json!([{"functionResponse": response}]);
            },
            "Invalid value at 'contents[0].parts[0].function_response.response' (type.googleapis.com/google.protobuf.Struct), \"text\"",
        ),
        (
            |talk| {
                let response = json!({"name": "look", "response": {}, "is_error": true});
                talk.history[0]["parts"] = json!([{"functionResponse": response}]);
            },
            "Unknown name \"isError\" at 'contents[0].parts[0].function_response'",
        ),
        (
            |talk| tool(talk)["inputSchema"] = json!({}),
            "Unknown name \"inputSchema\" at 'tools[0].function_declarations[0]'",
        ),
        (
            |talk| {
                talk.rest["toolConfig"] = json!({"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["look"]}});
            },
            "only be set when function calling mode is ANY or VALIDATED",
        ),
    ];
    for (change, words) in cases {
        refused(Format::Gemini, change, 400, words).await;
    }
}

#[tokio::test]
async fn gemini_reads_snake_case_too() {
    let mock = mock(SCRIPT).await;
    let mut talk = Talk::new(Format::Gemini);
    let tools = json!([{"function_declarations": [{"name": "look", "parameters_json_schema": {"type": "object"}}]}]);
    talk.rest = json!({"system_instruction": {"parts": [{"text": "Be brief."}]}, "tools": tools});
    assert_eq!(talk.ask(&mock).await.status, 200);
}
