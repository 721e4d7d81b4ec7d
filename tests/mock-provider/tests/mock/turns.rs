//! Good conversations go through, in all formats.

use callboard_mock_provider::{Format, Mock, Options, Script};
use serde_json::{Value, json};

use crate::talk::{Talk, mock};

const THREE_TURNS: &str = r#"
[[turn]]
thinking = "Two things."
text = "I'll look twice."
[[turn.call]]
tool = "look"
arguments = { path = "a" }
[[turn.call]]
id = "mine"
tool = "wait"
[[turn]]
expect = ["fine"]
[[turn.call]]
tool = "look"
arguments = { path = "b" }
[[turn]]
text = "Done."
"#;

#[tokio::test]
async fn three_turns_go_through() {
    for format in Format::ALL {
        let mock = mock(THREE_TURNS).await;
        let mut talk = Talk::new(format);
        let calls = talk.turn(&mock).await;
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[1].id, "mine");
        talk.answer(&calls);
        let calls = talk.turn(&mock).await;
        assert_eq!(calls.len(), 1);
        talk.answer(&calls);
        assert_eq!(talk.turn(&mock).await.len(), 0);
        let turns: Vec<_> = mock.requests().iter().map(|request| request.turn).collect();
        assert_eq!(turns, [Some(0), Some(1), Some(2)]);
        mock.stop().await;
    }
}

#[tokio::test]
async fn arguments_are_sent_as_written_and_must_come_back_digit_by_digit() {
    let mock = mock(
        r#"
[[turn]]
[[turn.call]]
tool = "look"
arguments_json = '{ "n" : 123456789012345678901234567890, "x": 1.50 }'
[turn.delivery]
fragments = 1
[[turn]]
text = "Done."
"#,
    )
    .await;
    for format in Format::ALL {
        let written = r#"{ "n" : 123456789012345678901234567890, "x": 1.50 }"#;
        let quoted = json!(written).to_string();
        for talk in [Talk::new(format), Talk::streamed(format)] {
            let text = talk.ask(&mock).await.text();
            assert!(text.contains(written) || text.contains(&quoted), "{text}");
        }
        // This client reads numbers as serde_json does; where arguments are an object, it loses digits.
        let mut talk = Talk::new(format);
        let calls = talk.turn(&mock).await;
        talk.answer(&calls);
        let reply = talk.ask(&mock).await;
        match format {
            Format::Anthropic | Format::Gemini => {
                assert_eq!(mock.requests().last().unwrap().rule, Some("altered"));
            }
            Format::Chat | Format::Responses => assert_eq!(reply.status, 200),
        }
    }
}

#[tokio::test]
async fn what_is_expected_of_results_is_said_when_it_is_not_there() {
    for format in Format::ALL {
        let mock = mock(THREE_TURNS).await;
        let mut talk = Talk::new(format);
        let calls = talk.turn(&mock).await;
        let results = calls.iter().map(|call| talk.result(call, "bad")).collect();
        talk.push(results);
        let reply = talk.ask(&mock).await;
        assert_eq!(reply.status, 400);
        assert!(
            reply.text().contains("turn 2 of the script expects"),
            "{}",
            reply.text()
        );
        assert_eq!(mock.requests().last().unwrap().rule, Some("expect"));
    }
}

#[tokio::test]
async fn a_script_that_is_at_its_end_says_so() {
    for format in Format::ALL {
        let mock = mock("[[turn]]\n[[turn.call]]\ntool = \"look\"").await;
        let mut talk = Talk::new(format);
        let calls = talk.turn(&mock).await;
        talk.answer(&calls);
        let reply = talk.ask(&mock).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("the script has 1 turns"));
    }
}

#[tokio::test]
async fn only_one_call_comes_where_several_are_not_allowed() {
    for format in [Format::Anthropic, Format::Chat, Format::Responses] {
        let mock = mock(THREE_TURNS).await;
        let mut talk = Talk::new(format);
        match format {
            Format::Anthropic => {
                talk.rest["tool_choice"] =
                    json!({"type": "auto", "disable_parallel_tool_use": true});
            }
            Format::Chat | Format::Responses | Format::Gemini => {
                talk.rest["parallel_tool_calls"] = json!(false);
            }
        }
        let calls = talk.turn(&mock).await;
        assert_eq!(calls.len(), 1, "{format}");
        talk.answer(&calls);
        assert_eq!(talk.turn(&mock).await.len(), 1, "{format}");
    }
}

#[tokio::test]
async fn foreign_turns_are_taken_as_they_are() {
    for format in Format::ALL {
        let mock = mock("foreign_turns = 1\n[[turn]]\ntext = \"Mine.\"").await;
        let mut talk = Talk::new(format);
        let (foreign, next) = match format {
            Format::Gemini => (
                json!({"role": "model", "parts": [{"text": "Not mine."}]}),
                json!({"role": "user", "parts": [{"text": "And now?"}]}),
            ),
            Format::Anthropic | Format::Chat | Format::Responses => (
                json!({"role": "assistant", "content": "Not mine."}),
                json!({"role": "user", "content": "And now?"}),
            ),
        };
        talk.history.extend([foreign, next]);
        talk.turn(&mock).await;
        assert_eq!(mock.requests()[0].turn, Some(0));
    }
}

#[tokio::test]
async fn conversations_at_the_same_time_do_not_meet() {
    let mock = mock(THREE_TURNS).await;
    let mut talks = Vec::new();
    for format in Format::ALL {
        for name in ["a", "b"] {
            let mut talk = Talk::new(format);
            let text = json!(format!("I am {name}."));
            match format {
                Format::Gemini => talk.history[0]["parts"][0]["text"] = text,
                Format::Anthropic | Format::Chat | Format::Responses => {
                    talk.history[0]["content"] = text;
                }
            }
            talks.push(talk);
        }
    }
    for calls in [2, 1, 0] {
        for talk in &mut talks {
            let called = talk.turn(&mock).await;
            assert_eq!(called.len(), calls);
            talk.answer(&called);
        }
    }
}

#[tokio::test]
async fn a_paused_turn_is_sent_back_unchanged() {
    let mock = mock(
        "[[turn]]\ntext = \"Searching.\"\nserver_tool = true\nstop = \"pause\"\n[[turn]]\ntext = \"Found.\"",
    )
    .await;
    let mut talk = Talk::new(Format::Anthropic);
    talk.turn(&mock).await;
    talk.turn(&mock).await;
    let turns: Vec<_> = mock.requests().iter().map(|request| request.turn).collect();
    assert_eq!(turns, [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_continued_answer_is_one_message_and_its_tokens_belong_to_it() {
    let script = "[[turn]]\ntext = \"One, \"\nstop = \"pause\"\n[[turn]]\ntext = \"two, \"\nstop = \"pause\"\n\
                  [[turn]]\ntext = \"three.\"\n[[turn.call]]\ntool = \"look\"\n[[turn]]\ntext = \"Done.\"";
    for talk in [Talk::new(Format::Gemini), Talk::streamed(Format::Gemini)] {
        let mock = mock(script).await;
        let mut talk = talk;
        let mut parts = Vec::new();
        let mut tokens = Vec::new();
        for _ in 0..3 {
            let reply = talk.ask(&mock).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let chunks: Vec<Value> = if talk.stream {
                let events = reply.events();
                events
                    .iter()
                    .map(|data| serde_json::from_str(data).unwrap())
                    .collect()
            } else {
                vec![reply.json()]
            };
            for chunk in chunks {
                let candidate = &chunk["candidates"][0];
                parts.extend(candidate["content"]["parts"].as_array().unwrap().clone());
                if let Some(token) = candidate["continuationToken"].as_str() {
                    talk.rest["continuationToken"] = token.into();
                    tokens.push(token.to_owned());
                }
            }
        }
        tokens.dedup();
        assert_eq!(tokens.len(), 2);
        let call = parts
            .iter()
            .find_map(|part| part.get("functionCall"))
            .unwrap()
            .clone();
        talk.history.push(json!({"role": "model", "parts": parts}));
        talk.history
            .push(json!({"role": "user", "parts": [{"functionResponse": {
            "id": call["id"], "name": "look", "response": {"output": "a door"}}}]}));
        let stale = talk.ask(&mock).await;
        assert_eq!(stale.status, 400, "the token belongs to the message before");
        talk.rest
            .as_object_mut()
            .unwrap()
            .remove("continuationToken");
        let mut altered = talk.clone();
        altered.history[1]["parts"]
            .as_array_mut()
            .unwrap()
            .remove(0);
        assert_eq!(altered.ask(&mock).await.status, 400);
        let reply = talk.ask(&mock).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

#[tokio::test]
async fn the_default_script_calls_what_sounds_like_reading() {
    for format in Format::ALL {
        let mock = Mock::start(Options::default(), Script::default())
            .await
            .unwrap();
        let mut talk = Talk::new(format);
        let calls = talk.turn(&mock).await;
        let names: Vec<&str> = calls.iter().map(|call| call.tool.as_str()).collect();
        assert_eq!(names, ["look"], "{format}");
        talk.answer(&calls);
        assert_eq!(talk.turn(&mock).await.len(), 0);
    }
}
