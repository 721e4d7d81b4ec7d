//! Every rule about what comes back unchanged fires on the history that was broken for it, and on no good one.

use callboard_mock_provider::Format;
use serde_json::json;

use crate::broken::{Break, Broken, SCRIPT, fires};
use crate::talk::{Talk, mock};

#[tokio::test]
async fn what_was_said_comes_back_as_it_was_sent() {
    for format in Format::ALL {
        let altered = [("altered", "must come back as it was sent"); 4];
        let (rule, words) = altered[0];
        fires(
            format,
            "other arguments",
            |broken| match broken.talk.format {
                Format::Anthropic => broken.call(0)["input"]["path"] = json!("b"),
                Format::Gemini => broken.call(0)["functionCall"]["args"]["path"] = json!("b"),
                Format::Chat => {
                    broken.call(0)["function"]["arguments"] = json!("{\"path\": \"a\"}");
                }
                Format::Responses => broken.call(0)["arguments"] = json!("{\"path\": \"a\"}"),
            },
            rule,
            words,
        )
        .await;
        fires(
            format,
            "another tool",
            |broken| match broken.talk.format {
                Format::Anthropic | Format::Responses => broken.call(0)["name"] = json!("wait"),
                Format::Chat => broken.call(0)["function"]["name"] = json!("wait"),
                Format::Gemini => {
                    broken.call(0)["functionCall"]["name"] = json!("wait");
                    let (list, _) = broken.results();
                    list[0]["functionResponse"]["name"] = json!("wait");
                }
            },
            rule,
            words,
        )
        .await;
        fires(
            format,
            "other words",
            |broken| {
                let at = broken.assistant;
                let history = &mut broken.talk.history;
                match broken.talk.format {
                    Format::Anthropic => history[at]["content"][1]["text"] = json!("I looked."),
                    Format::Gemini => history[at]["parts"][1]["text"] = json!("I looked."),
                    Format::Chat => history[at]["content"] = json!("I looked."),
                    Format::Responses => history[at + 1]["content"][0]["text"] = json!("I looked."),
                }
            },
            rule,
            words,
        )
        .await;
    }
}

#[tokio::test]
async fn thinking_comes_back_with_its_signature() {
    fires(
        Format::Anthropic,
        "other thoughts",
        |broken| broken.thinking()["thinking"] = json!("Four things."),
        "thinking",
        "blocks in the latest assistant message cannot be modified",
    )
    .await;
    fires(
        Format::Anthropic,
        "no thoughts",
        |broken| {
            let at = broken.assistant;
            broken.talk.history[at]["content"]
                .as_array_mut()
                .unwrap()
                .remove(0);
        },
        "thinking",
        "blocks in the latest assistant message cannot be modified",
    )
    .await;
    fires(
        Format::Anthropic,
        "another signature",
        |broken| broken.thinking()["signature"] = json!("c2lnbmVk"),
        "signature",
        "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation.",
    )
    .await;
    fires(
        Format::Responses,
        "no reasoning",
        |broken| {
            let at = broken.assistant;
            broken.talk.history.remove(at);
        },
        "thinking",
        "without its required 'reasoning' item",
    )
    .await;
    fires(
        Format::Responses,
        "other encrypted content",
        |broken| broken.thinking()["encrypted_content"] = json!("c2lnbmVk"),
        "signature",
        "could not be verified",
    )
    .await;
    fires(
        Format::Gemini,
        "no signature",
        |broken| {
            broken
                .call(0)
                .as_object_mut()
                .unwrap()
                .remove("thoughtSignature");
        },
        "missing_signature",
        "Function call is missing a thought_signature in functionCall parts",
    )
    .await;
    fires(
        Format::Gemini,
        "the signature at another call",
        |broken| {
            let signature = broken.call(0)["thoughtSignature"].take();
            broken
                .call(0)
                .as_object_mut()
                .unwrap()
                .remove("thoughtSignature");
            broken.call(1)["thoughtSignature"] = signature;
        },
        "missing_signature",
        "Function call is missing a thought_signature",
    )
    .await;
    fires(
        Format::Gemini,
        "another signature",
        |broken| broken.call(0)["thoughtSignature"] = json!("c2lnbmVk"),
        "signature",
        "Thought signature is not valid.",
    )
    .await;
}

#[tokio::test]
async fn thoughts_that_are_not_signed_may_be_left_out() {
    for format in [Format::Chat, Format::Gemini] {
        let mock = mock(SCRIPT).await;
        let mut good = Broken::new(format, &mock).await;
        let at = good.assistant;
        match format {
            Format::Gemini => {
                good.talk.history[at]["parts"]
                    .as_array_mut()
                    .unwrap()
                    .remove(0);
            }
            Format::Anthropic | Format::Chat | Format::Responses => {
                let message = good.talk.history[at].as_object_mut().unwrap();
                message.remove("reasoning_content");
            }
        }
        assert_eq!(good.talk.ask(&mock).await.status, 200, "{format}");
    }
}

#[tokio::test]
async fn nothing_before_an_answer_changes() {
    let signed = |format| match format {
        Format::Anthropic => ("signature", "bound to a different conversation"),
        Format::Responses => ("signature", "could not be verified"),
        Format::Gemini => ("signature", "Thought signature is not valid."),
        Format::Chat => ("prefix", "isn't what it was"),
    };
    let changes: [(&str, Break); 3] = [
        ("another tool", |broken| {
            let tools = broken.talk.rest["tools"].as_array_mut().unwrap();
            match broken.talk.format {
                Format::Gemini => {
                    let declared = tools[0]["functionDeclarations"].as_array_mut().unwrap();
                    declared.pop();
                }
                Format::Anthropic | Format::Chat | Format::Responses => {
                    tools.pop();
                }
            }
        }),
        ("other instructions", |broken| match broken.talk.format {
            Format::Anthropic => broken.talk.rest["system"] = json!("Be long."),
            Format::Responses => broken.talk.rest["instructions"] = json!("Be long."),
            Format::Gemini => {
                broken.talk.rest["systemInstruction"]["parts"][0]["text"] = json!("Be long.");
            }
            Format::Chat => {
                let system = json!({"role": "system", "content": "Be long."});
                broken.talk.history.insert(1, system);
            }
        }),
        ("an added message", |broken| {
            let text = "And quickly.";
            let message = match broken.talk.format {
                Format::Gemini => json!({"role": "user", "parts": [{"text": text}]}),
                Format::Anthropic | Format::Chat | Format::Responses => {
                    json!({"role": "user", "content": text})
                }
            };
            broken.talk.history.insert(1, message);
        }),
    ];
    for (name, broken) in changes {
        for format in Format::ALL {
            let (rule, words) = signed(format);
            fires(format, name, broken, rule, words).await;
        }
    }
}

#[tokio::test]
async fn marks_for_the_cache_and_spelled_out_nulls_change_nothing() {
    let mock = mock(SCRIPT).await;
    let mut good = Broken::new(Format::Anthropic, &mock).await;
    let mark = json!({"type": "ephemeral"});
    good.talk.history[0]["content"] =
        json!([{"type": "text", "text": "Look around.", "cache_control": mark}]);
    good.talk.rest["tools"][1]["cache_control"] = mark;
    let (list, _) = good.results();
    list[2]["cache_control"] = json!({"type": "ephemeral"});
    assert_eq!(good.talk.ask(&mock).await.status, 200);
}

#[tokio::test]
async fn rules_of_the_mocks_own_can_be_switched_off() {
    let relaxed =
        format!("[strict]\ncall_order = false\necho = false\nappend_only = false\n{SCRIPT}");
    for format in Format::ALL {
        let mock = mock(&relaxed).await;
        let mut loose = Broken::new(format, &mock).await;
        let (list, at) = loose.results();
        list.swap(at, at + 1);
        loose.talk.history[0] = match format {
            Format::Gemini => json!({"role": "user", "parts": [{"text": "Something else."}]}),
            Format::Anthropic | Format::Chat | Format::Responses => {
                json!({"role": "user", "content": "Something else."})
            }
        };
        assert_eq!(loose.calls.len(), 3);
        let reply = loose.talk.ask(&mock).await;
        assert_eq!(reply.status, 200, "{format}: {}", reply.text());
    }
}

#[tokio::test]
async fn anthropic_takes_no_last_word_of_the_assistant() {
    let mock = mock("[[turn]]\ntext = \"Hi.\"\n[[turn]]\ntext = \"Again.\"").await;
    let mut talk = Talk::new(Format::Anthropic);
    talk.turn(&mock).await;
    let reply = talk.ask(&mock).await;
    assert!(
        reply
            .text()
            .contains("does not support assistant message prefill")
    );
    assert_eq!(mock.requests()[1].rule, Some("prefill"));
}
