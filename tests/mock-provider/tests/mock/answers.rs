//! What each format makes of one script, to the byte.

use callboard_mock_provider::Format;

use crate::talk::{Talk, mock};

const SCRIPT: &str = r#"
[[turn]]
thinking = "Two things."
text = "I'll look."
server_tool = true
[[turn.call]]
tool = "look"
arguments = { path = "é" }
[[turn.call]]
id = "b"
tool = "wait"
"#;

#[tokio::test]
async fn each_format_says_the_same_in_its_own_way() {
    let mock = mock(SCRIPT).await;
    for format in Format::ALL {
        let reply = Talk::new(format).ask(&mock).await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        insta::assert_snapshot!(
            format!("{format}_plain"),
            serde_json::to_string_pretty(&reply.json()).unwrap()
        );
        let reply = Talk::streamed(format).ask(&mock).await;
        assert_eq!(
            reply.header("content-type"),
            Some("text/event-stream; charset=utf-8")
        );
        insta::assert_snapshot!(
            format!("{format}_stream"),
            reply.text().replace("\r\n", "\n")
        );
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_bytes() {
    for format in Format::ALL {
        let (one, other) = (mock(SCRIPT).await, mock(SCRIPT).await);
        let talk = Talk::streamed(format);
        assert_eq!(talk.ask(&one).await.body(), talk.ask(&other).await.body());
    }
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let mock = mock(SCRIPT).await;
    for format in Format::ALL {
        let reply = Talk::new(format).ask(&mock).await;
        let header = match format {
            Format::Anthropic => "request-id",
            Format::Chat | Format::Responses | Format::Gemini => "x-request-id",
        };
        let id = reply.header(header).unwrap().to_owned();
        assert_eq!(mock.requests().last().unwrap().request_id, id);
    }
    let mut ids: Vec<String> = mock
        .requests()
        .into_iter()
        .map(|request| request.request_id)
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), Format::ALL.len());
}

#[tokio::test]
async fn reasons_to_stop_are_the_formats_own() {
    for (stop, expected) in [
        (
            "end_turn",
            [
                r#""stop_reason":"end_turn""#,
                r#""finish_reason":"stop""#,
                r#""status":"completed""#,
                r#""finishReason":"STOP""#,
            ],
        ),
        (
            "max_tokens",
            [
                r#""stop_reason":"max_tokens""#,
                r#""finish_reason":"length""#,
                r#""reason":"max_output_tokens""#,
                r#""finishReason":"MAX_TOKENS""#,
            ],
        ),
        (
            "refusal",
            [
                r#""stop_reason":"refusal""#,
                r#""finish_reason":"content_filter""#,
                r#""reason":"content_filter""#,
                r#""finishReason":"SAFETY""#,
            ],
        ),
        (
            "pause",
            [
                r#""stop_reason":"pause_turn""#,
                r#""finish_reason":"pause_turn""#,
                r#""reason":"pause_turn""#,
                r#""finishReason":"CONTINUATION""#,
            ],
        ),
        (
            "stop_sequence",
            [
                r#""stop_sequence":"END""#,
                r#""finish_reason":"stop""#,
                r#""status":"completed""#,
                r#""finishReason":"STOP""#,
            ],
        ),
        (
            "MOON",
            [
                r#""stop_reason":"MOON""#,
                r#""finish_reason":"MOON""#,
                r#""reason":"MOON""#,
                r#""finishReason":"MOON""#,
            ],
        ),
    ] {
        let mock = mock(&format!("[[turn]]\ntext = \"Hm.\"\nstop = {stop:?}")).await;
        for (format, expected) in Format::ALL.into_iter().zip(expected) {
            for talk in [Talk::new(format), Talk::streamed(format)] {
                let text = talk.ask(&mock).await.text();
                assert!(text.contains(expected), "{text}\nlacks {expected}");
            }
        }
    }
}
