use serde_json::Value;

use crate::model::{ModelAnswer, ToolUse};
use crate::provider::sse::{Decoder, Event};
use crate::provider::{Format, StreamError};

/// A stream as the API sends it: thinking with its signature, text with citations, a tool that the
/// provider runs, two calls, and a block that nobody knows.
const STREAM: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Gr\u00fc\u00df \ud83d"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"\ude00 \"x\"\n"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig=="}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"citations":[],"type":"text","text":"I "}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"cited_text":"a", "n": 1.0}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"look."}        }

event: content_block_stop
data: {"type":"content_block_stop","index":1      }

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"q\": 1e2}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_A","name":"get_weather","input":{},"caller":{"type":"direct"}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"Par"}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"is \\ud83d\\ude00\", \"big\": 12345678901234567890123}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: future_event
data: no JSON at all

event: content_block_start
data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_B","name":"get_time","input":{}}}

event: content_block_stop
data: {"type":"content_block_stop","index":4}

event: content_block_start
data: {"type":"content_block_start","index":5,"content_block":{"type":"new_thing", "id" : 7,"input":[1.50]}}

event: content_block_stop
data: {"type":"content_block_stop","index":5}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":5}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"cache_read_input_tokens":4,"output_tokens":89}}

event: message_stop
data: {"type":"message_stop"}

"#;

/// The same as a whole response.
const RESPONSE: &str = r#"{"type":"message","role":"assistant","content":[
    {"type":"thinking","thinking":"Grüß 😀 \"x\"\n","signature":"sig=="},
    {"citations":[{"cited_text":"a", "n": 1.0}],"type":"text","text":"I look."},
    {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q": 1e2}},
    {"type":"tool_use","id":"toolu_A","name":"get_weather","input":{"city": "Paris \ud83d\ude00", "big": 12345678901234567890123},"caller":{"type":"direct"}},
    {"type":"tool_use","id":"toolu_B","name":"get_time","input":{}},
    {"type":"new_thing", "id" : 7,"input":[1.50]}],
  "stop_reason":"tool_use","usage":{"input_tokens":10,"cache_creation_input_tokens":2,"cache_read_input_tokens":4,"output_tokens":89}}"#;

/// What became of a stream: the calls that were sealed on the way, and the answer.
struct Played {
    sealed: Vec<ToolUse>,
    answer: Result<ModelAnswer, StreamError>,
}

impl Played {
    fn sealed(&self) -> Vec<&str> {
        self.sealed.iter().map(|call| call.id.as_str()).collect()
    }
}

fn play<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Played {
    let mut decoder = Decoder::default();
    let mut assembler = Format::Anthropic.assembler();
    let mut sealed = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    for piece in pieces {
        events.clear();
        let mut taken = decoder.take(piece, &mut events).map_err(StreamError::from);
        for event in &events {
            taken = taken.and_then(|()| assembler.take(event));
            sealed.extend(std::iter::from_fn(|| assembler.poll_sealed()));
        }
        if let Err(error) = taken {
            return Played {
                sealed,
                answer: Err(error),
            };
        }
    }
    Played {
        sealed,
        answer: assembler.finish(),
    }
}

fn told(answer: &ModelAnswer) -> (String, Vec<Value>, Vec<(String, Value)>, String) {
    let parsed = |raw: &str| serde_json::from_str::<Value>(raw).unwrap();
    (
        answer.text.clone(),
        answer.echo.iter().map(|raw| parsed(raw.get())).collect(),
        answer
            .calls
            .iter()
            .map(|call| {
                let arguments = std::str::from_utf8(&call.arguments).unwrap();
                (format!("{} {}", call.id, call.name), parsed(arguments))
            })
            .collect(),
        format!(
            "{:?} {} {:?}",
            answer.stop, answer.stop_reason, answer.usage
        ),
    )
}

#[test]
fn a_stream_gives_what_the_whole_response_gives_in_whatever_pieces_it_comes() {
    let whole = Format::Anthropic.parse(RESPONSE.as_bytes()).unwrap();
    let bytes = STREAM.as_bytes();
    for size in [1, 2, 7, 64, bytes.len()] {
        let played = play(bytes.chunks(size));
        assert_eq!(played.sealed(), ["toolu_A", "toolu_B"]);
        let answer = played.answer.unwrap();
        assert_eq!(told(&answer), told(&whole));
        insta::assert_snapshot!("the_echo_is_what_came", answer.echo[0].get());
        for (sealed, call) in std::iter::zip(&played.sealed, &answer.calls) {
            assert_eq!(sealed.arguments, call.arguments);
        }
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_gives_no_answer_and_no_call_that_was_not_sealed() {
    let bytes = STREAM.as_bytes();
    let at = |event: &str| STREAM.find(event).unwrap();
    let whole = at("event: message_stop");
    let moved_on_from_a =
        at("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":4");
    let moved_on_from_b =
        at("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":5");
    for end in 0..=bytes.len() {
        let played = play([&bytes[..end]]);
        assert_eq!(played.answer.is_ok(), end >= whole, "cut at {end}");
        if let Err(error) = &played.answer {
            assert!(matches!(error, StreamError::Cut), "cut at {end}: {error}");
        }
        let sealed = played.sealed();
        assert!(sealed.is_empty() || end > moved_on_from_a, "cut at {end}");
        assert!(sealed.len() < 2 || end > moved_on_from_b, "cut at {end}");
    }
}

#[test]
fn no_changed_byte_makes_the_assembler_panic() {
    let mut bytes = STREAM.as_bytes().to_vec();
    let others = [b'"', b'}', b'0', b'\n', 0xff].into_iter().cycle();
    for (at, other) in std::iter::zip(0..bytes.len(), others) {
        let kept = std::mem::replace(&mut bytes[at], other);
        let _ = play([&*bytes]);
        bytes[at] = kept;
    }
}

/// A reply of these blocks, in the shorthand of the provider's own tests.
fn reply(blocks: &[Block], stop_reason: &str) -> String {
    let mut stream = "data: {\"type\":\"message_start\",\"message\":{}}\n\n".to_owned();
    for (index, block) in blocks.iter().enumerate() {
        let (start, delta, stops) = match block {
            Block::Call(id, input) => (
                format!(r#"{{"type":"tool_use","id":"toolu_{id}","name":"lookup","input":{{}}}}"#),
                Some(format!(
                    r#"{{"type":"input_json_delta","partial_json":{}}}"#,
                    serde_json::to_string(input).unwrap()
                )),
                true,
            ),
            Block::Open(id) => (
                format!(r#"{{"type":"tool_use","id":"toolu_{id}","name":"lookup","input":{{}}}}"#),
                None,
                false,
            ),
            Block::Fallback => (r#"{"type":"fallback"}"#.to_owned(), None, true),
            Block::Text => (
                r#"{"type":"text","text":"Here it is."}"#.to_owned(),
                None,
                true,
            ),
        };
        stream.push_str(&format!(
            "data: {{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{start}}}\n\n"
        ));
        if let Some(delta) = delta {
            stream.push_str(&format!(
                "data: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{delta}}}\n\n"
            ));
        }
        if stops {
            stream.push_str(&format!(
                "data: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n"
            ));
        }
    }
    stream.push_str(&format!(
        "data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{stop_reason}\"}}}}\n\n"
    ));
    stream
}

#[derive(Clone, Copy)]
enum Block {
    /// A call with its input, which may be cut off.
    Call(&'static str, &'static str),
    /// A call whose block doesn't end.
    Open(&'static str),
    Fallback,
    Text,
}

/// The cases of `test_runner_eager_tools.py` (anthropic 2.12.0), and some of ours.
#[test]
fn a_call_is_sealed_once_the_model_has_moved_on_from_it() {
    use Block::{Call, Fallback, Open, Text};
    let a = Call("a", r#"{"key": "a"}"#);
    let b = Call("b", r#"{"key": "b"}"#);
    let c = Call("c", r#"{"key": "c"}"#);
    let half = Call("b", r#"{"key": "b""#);
    let unfinished = Call("b", r#"{"key": "b", "note": "unfinis"#);
    let cases: [(&[Block], &str, &[&str]); 12] = [
        (&[a, b], "tool_use", &["toolu_a", "toolu_b"]),
        (&[a, Text], "tool_use", &["toolu_a"]),
        // A reply that is cut off.
        (&[a, half], "refusal", &["toolu_a"]),
        (&[a, half, Fallback, Text], "end_turn", &["toolu_a"]),
        (&[a, unfinished], "max_tokens", &["toolu_a"]),
        (&[a, b], "max_tokens", &["toolu_a"]),
        (&[a, Open("b")], "max_tokens", &["toolu_a"]),
        (&[a, b], "what_comes", &["toolu_a"]),
        // After a fallback the rest waits for the end.
        (&[a, b, Fallback, c], "tool_use", &["toolu_a"]),
        (&[Fallback, a], "tool_use", &[]),
        // What isn't at its end when the next one starts stops all that follow, too.
        (&[a, Open("b"), c], "tool_use", &["toolu_a"]),
        (&[Open("a"), b], "tool_use", &[]),
    ];
    for (number, (blocks, stop_reason, expected)) in cases.into_iter().enumerate() {
        let played = play([reply(blocks, stop_reason).as_bytes()]);
        assert_eq!(played.sealed(), expected, "case {number}");
        let answer = played.answer.unwrap();
        let calls = blocks
            .iter()
            .filter(|block| matches!(block, Call(..) | Open(_)))
            .count();
        assert_eq!(answer.calls.len(), calls, "case {number}");
        for (sealed, call) in std::iter::zip(&played.sealed, &answer.calls) {
            assert_eq!((&sealed.id, &sealed.arguments), (&call.id, &call.arguments));
        }
    }
}

#[test]
fn input_that_is_no_object_stays_what_it_is_and_is_repeated_in_one() {
    for (input, arguments, repeated) in [
        ("", "{}", r#""input":{}"#),
        ("  ", "{}", r#""input":{}"#),
        ("{ }", "{ }", r#""input":{ }"#),
        (
            r#"{"a": "#,
            r#"{"a": "#,
            r#""input":{"INVALID_JSON":"{\"a\": "}"#,
        ),
        ("[1]", "[1]", r#""input":{"INVALID_JSON":"[1]"}"#),
    ] {
        let played = play([reply(&[Block::Call("a", input)], "tool_use").as_bytes()]);
        let answer = played.answer.unwrap();
        assert_eq!(answer.calls[0].arguments, arguments);
        assert_eq!(played.sealed[0].arguments, arguments);
        assert!(
            answer.echo[0].get().contains(repeated),
            "{}",
            answer.echo[0]
        );
    }
}

#[test]
fn half_a_surrogate_pair_is_never_repeated() {
    let stream = reply(&[Block::Text], "end_turn").replace("Here it is.", "a\\ud83d");
    let answer = play([stream.as_bytes()]);
    assert!(answer.answer.is_err(), "the block itself can't be read");
    let stream = STREAM.replace("\\ude00 ", "");
    let answer = play([stream.as_bytes()]).answer.unwrap();
    assert!(
        answer.echo[0].get().contains("Grüß \u{fffd}"),
        "{}",
        answer.echo[0]
    );
}

#[test]
fn what_can_not_be_put_together_is_an_error() {
    let event = |data: &str| format!("data: {data}\n\n");
    let start = event(r#"{"type":"message_start","message":{}}"#);
    let block = |index: u32, id: &str| {
        event(&format!(
            r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"tool_use","id":"{id}","name":"x"}}}}"#
        ))
    };
    let stop = |reason: &str| {
        event(&format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#
        ))
    };
    let delta = |delta_type: &str| {
        event(&format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"{delta_type}","partial_json":7}}}}"#
        ))
    };
    let cases = [
        String::new(),
        start.clone(),
        format!("{start}{start}"),
        format!("{start}{}{start}", stop("end_turn")),
        block(0, "a"),
        format!("{start}{}{}", block(1, "a"), block(0, "b")),
        format!("{start}{}{}", block(0, "a"), block(1, "a")),
        format!("{start}{}", block(0, "a.b")),
        format!("{start}{}", delta("text_delta")),
        format!("{start}{}{}", block(0, "a"), delta("input_json_delta")),
        format!(
            "{start}{}{}{}",
            block(0, "a"),
            delta("new_delta"),
            stop("tool_use")
        ),
        event(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
        "event: error\ndata: {\"error\":{\"type\":\"api_error\"}}\n\n".to_owned(),
        "event: message_start\ndata: <html>\n\n".to_owned(),
        event("<html>"),
        event(r#"{"type":"content_block_start","index":-1}"#),
        event(r#"{"type":"message_start","message":[]}"#),
    ];
    let texts: Vec<String> = cases
        .iter()
        .map(|stream| {
            let error = play([stream.as_bytes()]).answer.unwrap_err();
            let mut text = format!("{}=> {error}", stream.replace("\n\n", "\n"));
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                text.push_str(&format!(": {error}"));
                cause = error.source();
            }
            text
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n\n"));
    // What can't be repeated may still end a conversation.
    let last = format!(
        "{start}{}{}{}",
        block(0, "a"),
        delta("new_delta"),
        stop("end_turn")
    );
    assert!(play([last.as_bytes()]).answer.is_ok());
}
