//! Streams say what whole responses say, however they are cut.

use callboard_coordinator_core::run::Stop;

use super::{calls, facts};
use crate::model::{ModelAnswer, ToolUse};
use crate::provider::gemini::parse;
use crate::provider::sse::{Decoder, Event};
use crate::provider::{Assembler, Format, StreamError};

const PARTS: [&str; 8] = [
    r#"{"text":"Hm.","thought":true}"#,
    r#"{"text":"Let me "}"#,
    r#"{"text":"grüß 😀."}"#,
    r#"{"functionCall":{"id":"a","name":"one","args":{"n":1.50}},"thoughtSignature":"c2ln"}"#,
    r#"{"functionCall":{"name":"two"}}"#,
    r#"{"functionCall":{"args":{"big":12345678901234567890123}}}"#,
    r#"{"functionCall":{"id":"a","name":"three","args":{}}}"#,
    r#"{"text":"","thoughtSignature":"ZW5k"}"#,
];
const USAGE: &str = r#""usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":9}"#;

fn whole(reason: &str) -> ModelAnswer {
    let response = format!(
        r#"{{"candidates":[{{"content":{{"parts":[{}],"role":"model"}},"finishReason":"{reason}"}}],{USAGE}}}"#,
        PARTS.join(",")
    );
    parse(response.as_bytes()).unwrap()
}

/// The response in chunks of so many parts, the reason in the last or in one of its own.
fn chunks(size: usize, reason: Option<&str>, is_apart: bool) -> Vec<String> {
    let mut chunks: Vec<(String, Option<&str>)> = PARTS
        .chunks(size)
        .map(|parts| {
            (
                format!(
                    r#""content":{{"parts":[{}],"role":"model"}},"#,
                    parts.join(",")
                ),
                None,
            )
        })
        .collect();
    match reason {
        Some(_) if is_apart => chunks.push((String::new(), reason)),
        Some(_) | None => chunks.last_mut().unwrap().1 = reason,
    }
    chunks
        .iter()
        .map(|(content, reason)| {
            let reason = reason.map_or_else(String::new, |reason| {
                format!(r#""finishReason":"{reason}","#)
            });
            format!(r#"{{"candidates":[{{{content}{reason}"index":0}}],{USAGE}}}"#)
        })
        .collect()
}

fn event(data: &str) -> Event {
    Event {
        name: String::new(),
        data: data.to_owned(),
    }
}

fn take(
    assembler: &mut Assembler,
    sealed: &mut Vec<ToolUse>,
    data: &str,
) -> Result<(), StreamError> {
    assembler.take(&event(data))?;
    while let Some(call) = assembler.poll_sealed() {
        sealed.push(call);
    }
    Ok(())
}

fn read(chunks: &[String]) -> (Result<ModelAnswer, StreamError>, Vec<ToolUse>) {
    let mut assembler = Format::Gemini.assembler();
    let mut sealed = Vec::new();
    for chunk in chunks {
        if let Err(error) = take(&mut assembler, &mut sealed, chunk) {
            return (Err(error), sealed);
        }
    }
    (assembler.finish(), sealed)
}

#[test]
fn chunks_of_any_size_give_the_whole_response() {
    let expected = whole("STOP");
    assert_eq!(expected.calls.len(), 3);
    for size in 1..=PARTS.len() {
        for is_apart in [false, true] {
            let (answer, sealed) = read(&chunks(size, Some("STOP"), is_apart));
            assert_eq!(facts(&answer.unwrap()), facts(&expected), "{size}");
            assert_eq!(calls(&sealed), calls(&expected.calls), "{size}");
        }
    }
}

#[test]
fn bytes_in_any_pieces_give_the_whole_response() {
    let expected = facts(&whole("STOP"));
    let stream: String = chunks(2, Some("STOP"), false)
        .iter()
        .map(|chunk| format!("data: {chunk}\r\n\r\n"))
        .collect();
    for at in 0..stream.len() {
        let (a, b) = stream.as_bytes().split_at(at);
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        decoder.take(a, &mut events).unwrap();
        decoder.take(b, &mut events).unwrap();
        let chunks: Vec<String> = events.into_iter().map(|event| event.data).collect();
        assert_eq!(facts(&read(&chunks).0.unwrap()), expected, "cut at {at}");
    }
}

#[test]
fn a_cut_stream_gives_no_answer_and_only_calls_that_are_whole() {
    let expected = calls(&whole("STOP").calls);
    for size in 1..=PARTS.len() {
        let all = chunks(size, Some("STOP"), true);
        for end in 0..all.len() {
            let (answer, sealed) = read(&all[..end]);
            assert!(matches!(answer, Err(StreamError::Cut)), "{size}, {end}");
            let sealed = calls(&sealed);
            assert_eq!(sealed[..], expected[..sealed.len()], "{size}, {end}");
            // A call is given once the part after it, and after what continues it, was there.
            let parts = (size * end).min(PARTS.len());
            let whole = [4, 6, 7].iter().filter(|next| parts > **next).count();
            assert_eq!(sealed.len(), whole, "{size}, {end}");
        }
    }
}

#[test]
fn a_reason_other_than_stop_seals_nothing_more() {
    for reason in ["MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"] {
        for size in 1..=PARTS.len() {
            let all = chunks(size, Some(reason), false);
            let (answer, sealed) = read(&all);
            let answer = answer.unwrap();
            assert_eq!(facts(&answer), facts(&whole(reason)));
            assert_ne!(answer.stop, Stop::Calls);
            let before = read(&all[..all.len() - 1]).1;
            assert_eq!(calls(&sealed), calls(&before), "{reason}, {size}");
        }
    }
}

#[test]
fn only_the_end_of_the_stream_makes_it_whole() {
    let mut assembler = Format::Gemini.assembler();
    for data in [
        "",
        "[DONE]",
        "{}",
        "{\"usageMetadata\":{}}",
        "{\"candidates\":[]}",
    ] {
        assembler.take(&event(data)).unwrap();
        assert!(!assembler.is_whole());
    }
    let text = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#;
    assembler.take(&event(text)).unwrap();
    assert!(!assembler.is_whole());
    assembler
        .take(&event(r#"{"candidates":[{"finishReason":"STOP"}]}"#))
        .unwrap();
    // Some servers give a reason with every chunk, so none is the end.
    assert!(assembler.is_at_rest() && !assembler.is_whole());
    assembler
        .take(&event(&text.replace("\"a\"", "\"b\"")))
        .unwrap();
    assert!(!assembler.is_at_rest() && !assembler.is_whole());
    assembler.take(&event("[DONE]")).unwrap();
    assert!(assembler.is_whole());
    assert_eq!(assembler.finish().unwrap().text, "ab");

    let mut assembler = Format::Gemini.assembler();
    let blocked = r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#;
    assembler.take(&event(blocked)).unwrap();
    assert!(assembler.is_whole());
    assert_eq!(assembler.finish().unwrap().stop, Stop::Declined);
}

#[test]
fn what_breaks_a_stream_is_told() {
    let named = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"x"}}]},"finishReason":"STOP"}]}"#;
    let nameless = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}"#;
    let text = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#;
    let error =
        r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    let in_a_list = format!("[{error}]");
    let cases = [
        vec![error],
        vec![in_a_list.as_str()],
        vec!["{"],
        vec!["7"],
        vec!["[7]"],
        vec![r#"{"candidates":[{"content":{"role":"user"}}]}"#],
        vec![nameless],
        vec![named, text, nameless],
    ];
    let mut texts = String::new();
    for case in cases {
        let chunks: Vec<String> = case.iter().map(|chunk| (*chunk).to_owned()).collect();
        let (answer, _) = read(&chunks);
        let error = answer.unwrap_err();
        let causes =
            std::iter::successors(std::error::Error::source(&error), |error| error.source());
        let causes: String = causes.map(|cause| format!(": {cause}")).collect();
        texts.push_str(&format!("{}\n=> {error}{causes}\n\n", case.join(" ")));
        if let StreamError::Provider(error) = error {
            assert!(error.is_retryable);
        }
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn nothing_behind_a_reason_is_lost() {
    let chunk = |parts: &str, reason: &str| {
        event(&format!(
            r#"{{"candidates":[{{"content":{{"parts":[{parts}],"role":"model"}}{reason}}}],"responseId":"r1"}}"#
        ))
    };
    let stop = r#","finishReason":"STOP""#;
    let mut assembler = Format::Gemini.assembler();
    for data in [
        chunk(PARTS[3], stop),
        chunk(PARTS[4], stop),
        chunk(PARTS[5], ""),
        chunk(PARTS[7], ""),
        event(&format!("{{{USAGE}}}")),
    ] {
        assembler.take(&data).unwrap();
    }
    let mut sealed = Vec::new();
    while let Some(call) = assembler.poll_sealed() {
        sealed.push(call);
    }
    let mut cut = Format::Gemini.assembler();
    cut.take(&chunk(PARTS[3], stop)).unwrap();
    cut.take(&chunk(PARTS[1], r#","finishReason":"MAX_TOKENS""#))
        .unwrap();
    assert_eq!(cut.finish().unwrap().stop, Stop::Truncated);
    // A second response in one recording is another matter.
    let mut two = Format::Gemini.assembler();
    two.take(&chunk(PARTS[3], stop)).unwrap();
    let mut other = chunk(PARTS[3], stop);
    other.data = other.data.replace("r1", "r2");
    let error = two.take(&other).unwrap_err();
    assert!(matches!(error, StreamError::Contradiction(_)), "{error}");

    let answer = assembler.finish().unwrap();
    assert_eq!(answer.calls.len(), 2);
    assert_eq!(calls(&sealed), calls(&answer.calls));
    assert_eq!(answer.usage.unwrap().output_tokens, 9);
    assert!(answer.echo[0].get().contains("ZW5k"));
    assert_eq!(
        answer.calls[1].arguments.as_ref(),
        br#"{"big":12345678901234567890123}"#
    );
}

#[test]
fn odd_counts_of_tokens_cost_no_answer() {
    for odd in ["12.0", "\"12\"", "-1", "[]"] {
        let data = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"a"}}]}},"finishReason":"STOP"}}],"usageMetadata":{{"promptTokenCount":{odd},"candidatesTokenCount":3}}}}"#
        );
        let answer = parse(data.as_bytes()).unwrap();
        assert_eq!(answer.usage.unwrap().output_tokens, 3, "{odd}");
        let (streamed, _) = read(std::slice::from_ref(&data));
        assert_eq!(streamed.unwrap().text, "a");
        let data = data.replace(
            &format!("{{\"promptTokenCount\":{odd},\"candidatesTokenCount\":3}}"),
            "7",
        );
        assert_eq!(parse(data.as_bytes()).unwrap().usage, None);
    }
}
