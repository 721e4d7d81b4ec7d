//! How streams end: in order, without a last line, in silence, with a broken connection.

use std::time::Duration;

use super::server::{Reply, Server};
use super::{conversation, options};
use crate::model::http::ProviderModel;
use crate::model::{Model as _, ModelAnswer, ModelError, Question};
use crate::provider::{Format, Settings};

/// A streamed answer, but for the empty line behind its last event.
const fn open_end(format: Format) -> &'static str {
    match format {
        Format::Anthropic => concat!(
            "data: {\"type\":\"message_start\",\"message\":{}}\n\n",
            "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"Hello.\"}}\n\n",
            "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}",
        ),
        Format::Chat => {
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}]}"
        }
        Format::Responses => {
            "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hello.\"}]}]}}"
        }
        Format::Gemini => {
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello.\"}],\"role\":\"model\"},\"finishReason\":\"STOP\"}]}"
        }
    }
}

/// What is made of a reply that nobody gives a second time.
async fn asked(format: Format, reply: Reply) -> Result<ModelAnswer, ModelError> {
    let server = Server::start([reply]).await;
    let mut options = options(&server);
    // Long enough for a body to arrive on a busy machine.
    options.idle_timeout = Some(Duration::from_secs(2));
    options.retries.retries_max = 0;
    let mut model = ProviderModel::new(format, Settings::new("m"), options).unwrap();
    model.answer(&conversation(), &mut Question::plain()).await
}

#[tokio::test]
async fn the_last_event_counts_without_its_empty_line() {
    for format in Format::ALL {
        let stream = open_end(format);
        for end in ["", "\n", "\r\n"] {
            let reply = Reply::stream(&format!("{stream}{end}"));
            let answer = asked(format, reply).await.unwrap();
            assert_eq!(answer.text, "Hello.", "{format}");
            assert!(!answer.stop_reason.is_empty(), "{format}");
        }
        let cut = Reply::stream(&stream[..stream.len() - 5]);
        let error = asked(format, cut).await.unwrap_err();
        assert_eq!(error.code(), Some("model_broken_off"), "{format}: {error}");
    }
}

#[tokio::test]
async fn behind_its_reason_an_answer_needs_no_good_end() {
    for format in Format::ALL {
        let whole = Reply::stream(&format!("{}\n\n", open_end(format)));
        for reply in [
            whole.clone().and_silence(),
            // More is promised than comes.
            whole.header("content-length", "99999"),
        ] {
            let answer = asked(format, reply).await.unwrap();
            assert_eq!(answer.text, "Hello.", "{format}");
        }
    }
    // Where more was said behind a reason, none is the end.
    let chunk = open_end(Format::Gemini);
    let twice = Reply::stream(&format!("{chunk}\n\n{chunk}\n\n"));
    let answer = asked(Format::Gemini, twice.clone()).await.unwrap();
    assert_eq!(answer.text, "Hello.Hello.");
    let broken = twice.header("content-length", "99999");
    let error = asked(Format::Gemini, broken).await.unwrap_err();
    assert_eq!(error.code(), Some("model_broken_off"), "{error}");
}

#[tokio::test]
async fn what_is_kept_is_bounded_and_envelopes_are_not_kept() {
    let mebibyte = "x".repeat(1024 * 1024);
    let padded = format!("data: {{\"padding\":\"{mebibyte}\",\"choices\":[]}}\n\n").repeat(36);
    let end = open_end(Format::Chat);
    let answer = asked(Format::Chat, Reply::stream(&format!("{padded}{end}"))).await;
    assert_eq!(answer.unwrap().text, "Hello.");
    let full = end.replace("Hello.", &mebibyte).replace("\"stop\"", "null");
    let full = format!("{full}\n\n").repeat(36);
    let error = asked(Format::Chat, Reply::stream(&full)).await.unwrap_err();
    assert_eq!(error.code(), Some("model_response_too_large"), "{error}");
}
