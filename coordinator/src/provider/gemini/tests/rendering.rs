//! The content with all results.

use callboard_proto::{Completed, Executed, Failure, FailureKind, Outcome, Part, ToolUseId};

use super::report;
use crate::model::ToolUse;
use crate::provider::gemini::render;

fn completed(content: Vec<Part>, is_error: bool) -> Outcome {
    Outcome::Completed(Completed { content, is_error })
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn json(json: &str) -> Part {
    Part::Json(json.to_owned())
}

fn image(media_type: &str, data: &[u8]) -> Part {
    Part::Image {
        media_type: media_type.to_owned(),
        data: data.to_vec(),
    }
}

fn document(media_type: &str, name: Option<&str>, data: &[u8]) -> Part {
    Part::Document {
        media_type: media_type.to_owned(),
        name: name.map(str::to_owned),
        data: data.to_vec(),
    }
}

/// Calls of which every other one has an id of the provider's.
fn calls(count: usize) -> Vec<ToolUse> {
    (0..count)
        .map(|index| {
            let id = ToolUseId::minted(index);
            let mut call = ToolUse::new(id, format!("tool_{index}"), "{}");
            call.reply.id = (index % 2 == 1).then(|| format!("own-{index}"));
            call
        })
        .collect()
}

fn rendered(outcomes: Vec<Outcome>) -> String {
    let calls = calls(outcomes.len());
    let contents = render(&calls, &report(&calls, outcomes));
    assert_eq!(contents.len(), 1);
    let content: serde_json::Value = serde_json::from_str(contents[0].get()).unwrap();
    let parts = content["parts"].as_array().unwrap();
    assert_eq!(parts.len(), calls.len());
    for (part, call) in std::iter::zip(parts, &calls) {
        assert_eq!(part["functionResponse"]["name"], call.name.as_str());
        assert!(part["functionResponse"]["response"].is_object());
    }
    contents[0]
        .get()
        .replace("},{\"functionResponse\"", "},\n{\"functionResponse\"")
}

#[test]
fn results_are_byte_exact() {
    insta::assert_snapshot!(rendered(vec![
        completed(vec![text("15 °C \"quoted\"\n")], false),
        completed(vec![json("{\"a\": 1.0, \"b\": [true, null]}")], false),
        completed(vec![json("[1, 2]"), text("and a text")], false),
        completed(vec![], false),
        completed(vec![text("no such city"), json("{\"code\": 7}")], true),
        Outcome::Failed(Failure::new(
            FailureKind::TimedOut,
            "the tool took longer than 2 s",
            Executed::Yes,
        )),
    ]));
}

#[test]
fn what_can_be_attached_is_and_the_rest_is_told() {
    insta::assert_snapshot!(rendered(vec![
        completed(vec![image("image/png", b"\x89PNG")], false),
        completed(
            vec![
                text("before"),
                image("IMAGE/JPEG; q=1", b"\xff\xd8"),
                document("application/pdf", Some("a.pdf"), b"%PDF"),
                image("image/webp", b"RIFF"),
                image("image/gif", b"GIF89a"),
                image("image/png", b""),
                document("text/plain; charset=utf-8", None, "käse\0\n".as_bytes()),
                document("application/zip", Some("all.zip"), b"PK"),
                Part::Resource {
                    uri: "file:///a".to_owned(),
                    media_type: None,
                    text: Some("text".to_owned()),
                },
            ],
            false,
        ),
        completed(vec![text("see"), image("image/png", b"x")], true),
    ]));
}

#[test]
fn what_the_api_would_refuse_or_bend_goes_as_text() {
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    insta::assert_snapshot!(rendered(vec![
        completed(vec![text(" a\0b ")], false),
        completed(vec![text(" "), text("\n")], true),
        completed(vec![json("{not json")], false),
        completed(vec![json("{\"id\": -9007199254740991}")], false),
        completed(vec![json("{\"id\": 9007199254740993}")], false),
        completed(vec![json("[1e300]")], false),
        completed(vec![json("{\"a\":1,\"a\":2}")], false),
        completed(vec![json("{\"a\":\"\\u0000\"}")], false),
        completed(vec![json(&deep[1..130])], false),
        completed(vec![json(&deep)], false),
    ]));
}
