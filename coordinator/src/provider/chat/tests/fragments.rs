//! To which call a fragment of a stream belongs, on each server that has its own idea of it.

use callboard_coordinator_core::run::Stop;
use serde_json::{Value, json};

use super::streams::{fragment, read, stream};

/// The calls of a stream, as `id name arguments`, and which of them were sealed.
fn calls(deltas: &[Value]) -> (Vec<String>, usize) {
    let (sealed, answer) = read(&stream(deltas, "tool_calls"));
    let answer = answer.unwrap();
    assert_eq!(answer.stop, Stop::Calls);
    let calls = answer.calls.iter().map(|call| {
        let arguments = String::from_utf8_lossy(&call.arguments);
        format!("{} {} {arguments}", call.id, call.name)
    });
    (calls.collect(), sealed.len())
}

#[test]
fn fragments_find_their_calls_whatever_numbers_and_ids_they_have() {
    let f = fragment;
    let two = ["a f {\"x\":1}".to_owned(), "b f {\"x\":2}".to_owned()];
    let (one, other) = ("{\"x\":1}", "{\"x\":2}");
    let cases: Vec<(&str, Vec<Value>)> = vec![
        (
            "OpenAI",
            vec![
                f(Some(0), Some("a"), Some("f"), Some("")),
                f(Some(0), None, None, Some("{\"x\"")),
                f(Some(0), None, None, Some(":1}")),
                f(Some(1), Some("b"), Some("f"), Some("")),
                f(Some(1), None, None, Some(other)),
            ],
        ),
        (
            "Ollama: all are number 0, and whole",
            vec![
                f(Some(0), Some("a"), Some("f"), Some(one)),
                f(Some(0), Some("b"), Some("f"), Some(other)),
            ],
        ),
        (
            "Ollama before 0.4.7: no numbers",
            vec![
                f(None, Some("a"), Some("f"), Some(one)),
                f(None, Some("b"), Some("f"), Some(other)),
            ],
        ),
        (
            "no numbers, in fragments",
            vec![
                f(None, Some("a"), Some("f"), None),
                f(None, None, None, Some("{\"x\"")),
                f(None, None, None, Some(":1}")),
                f(None, Some("b"), Some("f"), Some("{\"x\":")),
                f(None, None, None, Some("2}")),
            ],
        ),
        (
            "id, kind and name with each fragment",
            vec![
                f(Some(0), Some("a"), Some("f"), Some("{\"x\"")),
                f(Some(0), Some("a"), Some("f"), Some(":1}")),
                f(Some(0), Some("a"), Some("f"), Some("")),
                f(Some(1), Some("b"), Some("f"), Some(other)),
            ],
        ),
        (
            "a new id with each fragment",
            vec![
                f(Some(0), Some("a"), Some("f"), Some("{\"x\"")),
                f(Some(0), Some("a2"), None, Some(":1}")),
                f(Some(1), Some("b"), Some("f"), Some("{")),
                f(Some(1), Some("b2"), None, Some("\"x\":2}")),
            ],
        ),
        (
            "numbers that count on within a call",
            vec![
                f(Some(0), Some("a"), Some("f"), Some("{\"x\"")),
                f(Some(1), None, None, Some(":1}")),
                f(Some(2), Some("b"), Some("f"), Some("{")),
                f(Some(3), None, None, Some("\"x\":2}")),
            ],
        ),
        (
            "the id comes late, and again without a number",
            vec![
                f(Some(0), None, Some("f"), None),
                f(Some(0), Some("a"), None, Some("{\"x\"")),
                f(None, Some("a"), None, Some(":1}")),
                f(Some(1), Some("b"), Some("f"), Some(other)),
            ],
        ),
        (
            "the name in pieces",
            vec![
                f(Some(0), Some("a"), Some("f"), Some(one)),
                f(Some(1), Some("b"), Some(""), Some("")),
                f(Some(1), None, Some("f"), Some(other)),
            ],
        ),
        (
            "in turns",
            vec![
                f(Some(0), Some("a"), Some("f"), Some("{\"x\"")),
                f(Some(1), Some("b"), Some("f"), Some("{\"x\"")),
                f(Some(0), None, None, Some(":1}")),
                f(Some(1), None, None, Some(":2}")),
            ],
        ),
    ];
    for (case, deltas) in cases {
        let (got, _) = calls(&deltas);
        assert_eq!(got, two, "{case}");
        // The same in one chunk.
        let together: Vec<Value> = deltas
            .iter()
            .map(|delta| delta["tool_calls"][0].clone())
            .collect();
        let (got, _) = calls(&[json!({ "tool_calls": together })]);
        assert_eq!(got, two, "{case}, in one chunk");
    }
}

#[test]
fn calls_without_ids_or_with_one_id_stay_apart() {
    let f = fragment;
    let (one, other) = ("{\"x\":1}", "{\"x\":2}");
    let spaced = "{\"x\":1} \r\n";
    let (got, _) = calls(&[
        f(None, None, Some("f"), Some(spaced)),
        f(Some(0), None, Some("f"), Some(spaced)),
    ]);
    assert_eq!(got, [format!("c0 f {spaced}"), format!("c1 f {spaced}")]);
    for (index, id, first) in [
        (None, None, "c0"),
        (Some(0), None, "c0"),
        (None, Some("call_0"), "call_0"),
        (Some(0), Some("call_0"), "call_0"),
    ] {
        let (got, sealed) = calls(&[
            f(index, id, Some("f"), Some(one)),
            f(index, id, Some("f"), Some(other)),
        ]);
        assert_eq!(got, [format!("{first} f {one}"), format!("c1 f {other}")]);
        assert_eq!(sealed, 1);
    }
    // Equal calls, as gpt-4.1-nano doubles them.
    let (got, _) = calls(&[
        f(Some(0), Some("a"), Some("f"), Some(one)),
        f(Some(1), Some("b"), Some("f"), Some(one)),
    ]);
    assert_eq!(got, [format!("a f {one}"), format!("b f {one}")]);
    // Without numbers, a name alone begins a call.
    let (got, _) = calls(&[
        f(None, None, Some("f"), None),
        f(None, None, Some("g"), None),
    ]);
    assert_eq!(got, ["c0 f {}", "c1 g {}"]);
}
