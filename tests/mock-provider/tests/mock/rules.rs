//! Every rule about results fires on the history that was broken for it, and on no good one.

use callboard_mock_provider::Format;
use serde_json::json;

use crate::broken::{Break, Broken, SCRIPT, fires};
use crate::talk::{Called, Talk, mock};

#[tokio::test]
async fn the_good_history_breaks_none() {
    for format in Format::ALL {
        let mock = mock(SCRIPT).await;
        let good = Broken::new(format, &mock).await;
        assert_eq!(good.talk.ask(&mock).await.status, 200, "{format}");
        // Asked again, it is answered again.
        assert_eq!(good.talk.ask(&mock).await.status, 200, "{format}");
    }
}

/// The words of each format for one rule, in the order of `Format::ALL`.
type Words = [(&'static str, &'static str); 4];

const UNANSWERED: Words = [
    (
        "unanswered",
        "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_",
    ),
    (
        "unanswered",
        "The following tool_call_ids did not have response messages: call_",
    ),
    ("unanswered", "No tool output found for function call call_"),
    (
        "count",
        "the number of function response parts is equal to the number of function call parts",
    ),
];

#[tokio::test]
async fn results_are_there_once_each_right_behind_their_calls_and_in_order() {
    let cases: [(&str, Break, Words); 5] = [
        (
            "one is missing",
            |broken| {
                let (list, at) = broken.results();
                list.remove(at + 1);
            },
            UNANSWERED,
        ),
        (
            "all are missing",
            |broken| {
                let at = broken.results;
                broken.talk.history.truncate(at);
                let text = "Forget it.";
                broken.talk.history.push(match broken.talk.format {
                    Format::Gemini => json!({"role": "user", "parts": [{"text": text}]}),
                    Format::Anthropic | Format::Chat | Format::Responses => {
                        json!({"role": "user", "content": text})
                    }
                });
            },
            [
                UNANSWERED[0],
                UNANSWERED[1],
                UNANSWERED[2],
                ("unanswered", UNANSWERED[3].1),
            ],
        ),
        (
            "one is there twice",
            |broken| {
                let (list, at) = broken.results();
                let again = list[at].clone();
                list.push(again);
            },
            [
                (
                    "repeated_result",
                    "each tool_use must have a single result. Found multiple `tool_result` blocks with id: toolu_",
                ),
                ("repeated_result", "Duplicate tool message"),
                ("repeated_result", "Duplicate tool output"),
                UNANSWERED[3],
            ],
        ),
        (
            "two have changed places",
            |broken| {
                let (list, at) = broken.results();
                list.swap(at, at + 1);
            },
            [("out_of_order", "must come in the order of their calls"); 4],
        ),
        (
            "one answers another call",
            |broken| {
                let called = Called {
                    id: "stranger".to_owned(),
                    tool: "look".to_owned(),
                };
                let stranger = broken.talk.result(&called, "boo");
                let (list, at) = broken.results();
                list[at] = stranger;
            },
            [
                (
                    "unasked_result",
                    "unexpected `tool_use_id` found in `tool_result` blocks: stranger",
                ),
                (
                    "unasked_result",
                    "must be a response to a preceeding message",
                ),
                (
                    "unasked_result",
                    "No tool call found for function call output with call_id stranger.",
                ),
                (
                    "unasked_result",
                    "function response turn comes immediately after a function call turn",
                ),
            ],
        ),
    ];
    for (name, broken, words) in cases {
        for (format, (rule, words)) in Format::ALL.into_iter().zip(words) {
            fires(format, name, broken, rule, words).await;
        }
    }
}

#[tokio::test]
async fn results_without_any_call_are_refused() {
    for (format, words) in Format::ALL.into_iter().zip([
        "unexpected `tool_use_id`",
        "preceeding message",
        "No tool call found",
        "immediately after a function call turn",
    ]) {
        let mock = mock(SCRIPT).await;
        let mut talk = Talk::new(format);
        talk.answer(&[Called {
            id: "x".to_owned(),
            tool: "look".to_owned(),
        }]);
        let reply = talk.ask(&mock).await;
        assert!(reply.text().contains(words), "{}", reply.text());
        assert_eq!(mock.requests()[0].rule, Some("unasked_result"));
    }
}

#[tokio::test]
async fn results_come_in_one_message_and_first() {
    fires(
        Format::Anthropic,
        "text before results",
        |broken| {
            let (list, _) = broken.results();
            list.insert(0, json!({"type": "text", "text": "Here:"}));
        },
        "unanswered",
        UNANSWERED[0].1,
    )
    .await;
    fires(
        Format::Gemini,
        "text before results",
        |broken| {
            let (list, _) = broken.results();
            list.insert(0, json!({"text": "Here:"}));
        },
        "unanswered",
        UNANSWERED[3].1,
    )
    .await;
    for format in [Format::Anthropic, Format::Gemini] {
        let (rule, words) = UNANSWERED[if format == Format::Anthropic { 0 } else { 3 }];
        fires(
            format,
            "two messages",
            |broken| {
                let (list, _) = broken.results();
                let last = list.pop().unwrap();
                broken.talk.push(vec![last]);
            },
            rule,
            words,
        )
        .await;
    }
    for (format, (rule, words)) in [
        (Format::Chat, UNANSWERED[1]),
        (Format::Responses, UNANSWERED[2]),
    ] {
        fires(
            format,
            "a message in between",
            |broken| {
                let at = broken.results + 1;
                let aside = json!({"role": "user", "content": "By the way"});
                broken.talk.history.insert(at, aside);
            },
            rule,
            words,
        )
        .await;
    }
}

#[tokio::test]
async fn ids_are_unique_and_can_be_sent_back() {
    fires(
        Format::Anthropic,
        "one id twice",
        |broken| {
            let id = broken.call(0)["id"].clone();
            broken.call(1)["id"] = id;
        },
        "repeated_call",
        "messages.1.content.3: `tool_use` ids must be unique",
    )
    .await;
    fires(
        Format::Anthropic,
        "an id with a dot",
        |broken| broken.call(0)["id"] = json!("a.b"),
        "bad_id",
        "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
    )
    .await;
    fires(
        Format::Responses,
        "an id of 65 letters",
        |broken| broken.call(0)["call_id"] = json!("a".repeat(65)),
        "bad_id",
        "expected a string with length 1 to 64",
    )
    .await;
    fires(
        Format::Chat,
        "one id twice",
        |broken| {
            let id = broken.call(0)["id"].clone();
            broken.call(1)["id"] = id;
        },
        "repeated_call",
        "duplicate id",
    )
    .await;
}

#[tokio::test]
async fn gemini_results_name_the_tools_of_their_calls() {
    fires(
        Format::Gemini,
        "another tool",
        |broken| {
            let (list, _) = broken.results();
            list[0]["functionResponse"]["name"] = json!("wait");
        },
        "wrong_tool",
        "expected look, found wait",
    )
    .await;
}

#[tokio::test]
async fn gemini_results_need_no_ids() {
    let mock = mock(SCRIPT).await;
    let mut good = Broken::new(Format::Gemini, &mock).await;
    let (list, _) = good.results();
    for result in list {
        result["functionResponse"]
            .as_object_mut()
            .unwrap()
            .remove("id");
    }
    assert_eq!(good.talk.ask(&mock).await.status, 200);
}
