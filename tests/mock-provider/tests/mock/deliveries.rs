//! How answers are carried: each oddity shows, and takes nothing away.

use callboard_mock_provider::Format;
use serde_json::Value;

use crate::client::Reply;
use crate::talk::{Talk, mock};

const TURN: &str = r#"
[[turn]]
text = "Héllo."
[[turn.call]]
tool = "look"
arguments = { path = "é" }
[[turn.call]]
tool = "wait"
"#;

async fn streamed(format: Format, delivery: &str) -> Reply {
    let mock = mock(&format!("{TURN}{delivery}")).await;
    Talk::streamed(format).ask(&mock).await
}

async fn quirk(format: Format, quirk: &str) -> Reply {
    streamed(format, &format!("[turn.delivery]\nquirks = [{quirk:?}]")).await
}

fn read(data: &str) -> Value {
    serde_json::from_str(data).unwrap()
}

#[tokio::test]
async fn lines_end_as_asked() {
    for format in Format::ALL {
        let plain = streamed(format, "").await;
        let lines: Vec<_> = plain.events();
        for (name, end) in [("lf", "\n"), ("crlf", "\r\n"), ("cr", "\r")] {
            let reply = streamed(format, &format!("[turn.delivery]\nline_end = {name:?}")).await;
            let text = reply.text();
            assert_eq!(text.replace(end, "\n"), plain.text().replace("\r\n", "\n"));
            assert!(text.ends_with(&end.repeat(2)));
            assert_eq!(reply.events(), lines);
        }
    }
    assert!(
        streamed(Format::Gemini, "")
            .await
            .text()
            .contains("\r\n\r\n")
    );
}

#[tokio::test]
async fn writes_part_characters_and_line_ends() {
    for format in Format::ALL {
        let whole = streamed(format, "[turn.delivery]\nline_end = \"crlf\"").await;
        for size in [1, 7] {
            let delivery = format!("[turn.delivery]\nline_end = \"crlf\"\nwrite_bytes = {size}");
            let reply = streamed(format, &delivery).await;
            assert!(reply.chunks.iter().all(|chunk| chunk.len() <= size));
            assert_eq!(reply.body(), whole.body());
        }
        let mock = mock(&format!("{TURN}[turn.delivery]\nwrite_bytes = 5")).await;
        let plain = Talk::new(format).ask(&mock).await;
        assert!(plain.chunks.iter().all(|chunk| chunk.len() <= 5));
        plain.json();
    }
}

#[tokio::test]
async fn arguments_come_in_as_many_pieces_as_asked() {
    for (format, marker) in [
        (Format::Anthropic, "partial_json"),
        (Format::Chat, "\"function\":{\"arguments\""),
        (Format::Responses, "response.function_call_arguments.delta"),
    ] {
        let reply = streamed(format, "[turn.delivery]\nfragments = 76").await;
        let pieces = reply
            .events()
            .iter()
            .filter(|data| data.contains(marker))
            .count();
        let first_ones = if format == Format::Anthropic { 2 } else { 0 };
        assert_eq!(pieces, 2 * 76 + first_ones, "{format}");
    }
}

#[tokio::test]
async fn more_is_mixed_in_and_nothing_taken_away() {
    for format in Format::ALL {
        let plain = streamed(format, "").await.events();
        for (name, marker) in [
            ("pings", "ping"),
            ("comments", ": OPENROUTER PROCESSING"),
            ("unknown_events", "from the future"),
            ("padding", "}  "),
        ] {
            let reply = quirk(format, name).await;
            assert!(reply.text().contains(marker), "{format} {name}");
            let mut events = reply.events();
            events.retain(|data| !data.contains("ping") && !data.contains("from the future"));
            assert_eq!(events, plain, "{format} {name}");
        }
    }
}

#[tokio::test]
async fn ends_are_left_open() {
    for format in Format::ALL {
        let reply = quirk(format, "unterminated_end").await;
        assert!(!reply.text().ends_with("\n\n") && !reply.text().ends_with("\r\n\r\n"));
        assert!(reply.is_whole);
    }
    let text = quirk(Format::Anthropic, "no_final_marker").await.text();
    assert!(text.contains("message_delta") && !text.contains("message_stop"));
    let text = quirk(Format::Chat, "no_final_marker").await.text();
    assert!(!text.contains("[DONE]"));
}

#[tokio::test]
async fn anthropic_starts_a_message_twice() {
    let text = quirk(Format::Anthropic, "second_message_start")
        .await
        .text();
    assert_eq!(text.matches("event: message_start").count(), 2);
}

#[tokio::test]
async fn chat_calls_are_numbered_as_compatible_servers_do_it() {
    let calls = |reply: &Reply| -> Vec<Value> {
        let events = reply.events();
        let chunks = events
            .iter()
            .filter(|data| data.as_str() != "[DONE]")
            .map(|data| read(data));
        chunks
            .filter_map(|chunk| {
                chunk["choices"][0]["delta"]["tool_calls"][0]
                    .as_object()
                    .cloned()
            })
            .map(Value::Object)
            .collect()
    };
    let zero = calls(&quirk(Format::Chat, "index_zero").await);
    assert_eq!(zero.len(), 2);
    assert!(zero.iter().all(|call| call["index"] == 0));
    assert_eq!(zero[0]["function"]["arguments"], "{\"path\":\"é\"}");
    assert_ne!(zero[0]["id"], zero[1]["id"]);
    let missing = calls(&quirk(Format::Chat, "missing_index").await);
    assert!(missing.iter().all(|call| call.get("index").is_none()));
    let object = calls(&quirk(Format::Chat, "arguments_as_object").await);
    assert_eq!(object[0]["function"]["arguments"]["path"], "é");
    let order: Vec<Value> = calls(&quirk(Format::Chat, "interleaved").await)
        .iter()
        .map(|call| call["index"].clone())
        .collect();
    assert_eq!(order[..4], [0, 1, 0, 1]);
    let bare = calls(&quirk(Format::Chat, "no_fragments").await);
    let last = bare.last().unwrap();
    assert_eq!(
        (&last["function"]["name"], last["function"].get("arguments")),
        (&"wait".into(), None)
    );
}

#[tokio::test]
async fn responses_deltas_alternate() {
    let events = quirk(Format::Responses, "interleaved").await.events();
    let order: Vec<Value> = events
        .iter()
        .map(|data| read(data))
        .filter(|event| event["type"] == "response.function_call_arguments.delta")
        .map(|event| event["output_index"].clone())
        .collect();
    assert_eq!(order[..4], [1, 2, 1, 2]);
}

#[tokio::test]
async fn obfuscation_is_on_every_delta() {
    for (format, marker) in [(Format::Chat, "\"delta\""), (Format::Responses, ".delta\"")] {
        let events = quirk(format, "obfuscation").await.events();
        let mut deltas = events
            .iter()
            .filter(|data| data.contains(marker))
            .peekable();
        assert!(deltas.peek().is_some());
        assert!(deltas.all(|data| data.contains("obfuscation")));
    }
}

#[tokio::test]
async fn ids_are_missing_or_alike_and_the_client_may_make_its_own() {
    for name in ["missing_ids", "duplicate_ids"] {
        for format in Format::ALL {
            let script =
                format!("{TURN}[turn.delivery]\nquirks = [{name:?}]\n[[turn]]\ntext = \"Done.\"");
            let mock = mock(&script).await;
            let mut talk = Talk::new(format);
            let at = talk.history.len();
            let mut calls = talk.turn(&mock).await;
            let expected = if name == "missing_ids" { "" } else { "call_0" };
            assert!(
                calls.iter().all(|call| call.id == expected),
                "{format}: {calls:?}"
            );
            for (index, call) in calls.iter_mut().enumerate() {
                call.id = format!("own_{index}");
                let id = call.id.clone().into();
                match format {
                    Format::Anthropic => talk.history[at]["content"][1 + index]["id"] = id,
                    Format::Chat => talk.history[at]["tool_calls"][index]["id"] = id,
                    Format::Responses => talk.history[at + 1 + index]["call_id"] = id,
                    Format::Gemini => {
                        talk.history[at]["parts"][1 + index]["functionCall"]["id"] = id;
                    }
                }
            }
            talk.answer(&calls);
            let reply = talk.ask(&mock).await;
            assert_eq!(reply.status, 200, "{format} {name}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn gemini_calls_come_in_two_chunks() {
    let events = quirk(Format::Gemini, "nameless_second_chunk")
        .await
        .events();
    let calls: Vec<Value> = events
        .iter()
        .map(|data| read(data)["candidates"][0]["content"]["parts"][0]["functionCall"].clone())
        .filter(|call| !call.is_null())
        .collect();
    assert_eq!(calls.len(), 4);
    assert_eq!(calls[0]["name"], "look");
    assert_eq!(
        (calls[1].get("name"), &calls[1]["args"]["path"]),
        (None, &"é".into())
    );
}

#[tokio::test]
async fn reasons_to_stop_are_missing_or_wrong() {
    for (format, marker) in [
        (Format::Anthropic, "\"stop_reason\":\"tool_use\""),
        (Format::Chat, "\"finish_reason\":\"tool_calls\""),
        (Format::Gemini, "finishReason"),
    ] {
        assert!(streamed(format, "").await.text().contains(marker));
        assert!(
            !quirk(format, "null_finish_reason")
                .await
                .text()
                .contains(marker)
        );
    }
    let cut = TURN.replacen("[[turn]]", "[[turn]]\nstop = \"max_tokens\"", 1);
    let odd = mock(&format!(
        "{cut}[turn.delivery]\nquirks = [\"truncated_as_tool_calls\"]"
    ))
    .await;
    for talk in [Talk::new(Format::Chat), Talk::streamed(Format::Chat)] {
        assert!(
            talk.ask(&odd)
                .await
                .text()
                .contains("\"finish_reason\":\"tool_calls\"")
        );
    }
}

#[tokio::test]
async fn a_call_that_was_cut_is_closed_or_not() {
    for (format, closing, per_call) in [
        (Format::Anthropic, "event: content_block_stop", 1),
        (Format::Responses, "event: response.output_item.done", 1),
    ] {
        let cut = TURN.replacen("[[turn]]", "[[turn]]\nstop = \"max_tokens\"", 1);
        let closed = mock(&cut).await;
        let open = mock(&format!(
            "{cut}[turn.delivery]\nquirks = [\"unclosed_call\"]"
        ))
        .await;
        let count = |reply: Reply| reply.text().matches(closing).count();
        let talk = Talk::streamed(format);
        assert_eq!(
            count(talk.ask(&closed).await),
            count(talk.ask(&open).await) + per_call
        );
    }
}

#[tokio::test]
async fn another_model_takes_over_between_calls() {
    let script = TURN.replacen("[[turn]]", "[[turn]]\nfallback_after = 1", 1);
    let mock = mock(&script).await;
    let text = Talk::streamed(Format::Anthropic).ask(&mock).await.text();
    let place = |what: &str| text.find(what).unwrap();
    assert!(place("\"name\":\"look\"") < place("\"type\":\"fallback\""));
    assert!(place("\"type\":\"fallback\"") < place("\"name\":\"wait\""));
}

#[tokio::test]
async fn usage_is_its_own_chunk_where_it_is_asked_for() {
    let mock = mock(TURN).await;
    let mut talk = Talk::streamed(Format::Chat);
    talk.rest["stream_options"] = serde_json::json!({"include_usage": true});
    let events = talk.ask(&mock).await.events();
    let usage = read(&events[events.len() - 2]);
    assert_eq!(usage["choices"], serde_json::json!([]));
    assert!(usage["usage"]["total_tokens"].is_u64());
    assert!(read(&events[0])["usage"].is_null());
}

#[tokio::test]
async fn gemini_streams_a_list_where_no_events_are_asked_for() {
    let mock = mock(TURN).await;
    let talk = Talk::new(Format::Gemini);
    let reply = crate::client::post(
        mock.address(),
        "/v1/models/mock:streamGenerateContent",
        &[("x-goog-api-key", "key")],
        talk.body().to_string().as_bytes(),
    )
    .await
    .unwrap();
    assert!(reply.json().as_array().unwrap().len() > 2);
}
