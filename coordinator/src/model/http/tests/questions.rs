//! What a question costs, how long it may last, and what it is refused for.

use std::time::Duration;

use callboard_coordinator_core::run::{Stop, Usage};
use callboard_proto::Turn;
use tokio::time::Instant;

use super::server::{Reply, Server, empty_report};
use super::{WHOLE, conversation, cut_stream, eager, model, options};
use crate::model::http::ProviderModel;
use crate::model::{EarlyCalls, Exchange, Model as _, Question};
use crate::provider::{Format, Settings};

/// The stream with what it uses.
fn with_usage(stream: &str) -> String {
    let usage = "\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}";
    stream.replace("\"message\":{}", usage)
}

const NINE_AND_ONE: Usage = Usage {
    input_tokens: 9,
    output_tokens: 1,
};

#[tokio::test]
async fn what_came_to_nothing_was_used_all_the_same() {
    let cut = Reply::stream(&with_usage(cut_stream()));
    let error = "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";
    let failed = Reply::stream(&with_usage(&format!("{}{error}", cut_stream())));
    let server = Server::start([cut, failed, Reply::json(200, WHOLE)]).await;
    let mut question = Question::plain();
    let answer = model(options(&server))
        .answer(&conversation(), &mut question)
        .await;
    assert!(answer.is_ok());
    let mut twice = NINE_AND_ONE;
    twice.add(NINE_AND_ONE);
    assert_eq!(question.discarded(), twice);
    let failure = question.failure().unwrap();
    assert!(
        failure.contains("(model_unavailable, asked 2 times)"),
        "{failure}"
    );

    // Given up after a call was taken, and dropped in the middle.
    let cut = Reply::stream(&with_usage(cut_stream()));
    let stalled = cut.clone().and_silence();
    let server = Server::start([cut, stalled]).await;
    let mut model = model(options(&server));
    let (mut question, _taken) = eager();
    assert!(model.answer(&conversation(), &mut question).await.is_err());
    assert_eq!(question.discarded(), NINE_AND_ONE);
    let (mut question, mut taken) = eager();
    let conversation = conversation();
    tokio::select! {
        _ = model.answer(&conversation, &mut question) => panic!("it never ends"),
        _ = taken.recv() => {}
    }
    assert_eq!(question.discarded(), NINE_AND_ONE);
}

#[tokio::test]
async fn a_question_that_is_given_up_says_how_far_it_was() {
    let stalled = Reply::stream(cut_stream()).header("request-id", "req_7");
    let server = Server::start([stalled.and_silence()]).await;
    let mut model = model(options(&server));
    let (mut question, mut taken) = eager();
    let conversation = conversation();
    tokio::select! {
        _ = model.answer(&conversation, &mut question) => panic!("it never ends"),
        _ = taken.recv() => {}
    }
    let expected = format!(
        "anthropic at {} was still answering (request req_7)",
        server.url()
    );
    assert_eq!(question.account(), Some(expected));
    assert_eq!(Question::plain().account(), None);
}

#[tokio::test]
async fn nobody_waits_for_longer_than_there_is_time() {
    let late = Reply::json(429, "{}").header("retry-after", "60");
    let server = Server::start([late.header("request-id", "req_7")]).await;
    let deadline = Instant::now() + Duration::from_secs(50);
    let mut question = Question::new(EarlyCalls::none(), Some(deadline));
    let asked = Instant::now();
    let error = model(options(&server))
        .answer(&conversation(), &mut question)
        .await
        .unwrap_err();
    assert!(asked.elapsed() < Duration::from_secs(40));
    assert!(!error.is_retryable());
    assert_eq!(error.code(), Some("model_rate_limit"));
    let text = error.told();
    for expected in [
        "request req_7",
        "answered 429",
        "in 60.0 s, and the run has",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

/// A model of a format, and the same model's answer in an earlier turn.
async fn asked_again(format: Format, reply: Reply, before: &str) -> (String, usize) {
    let server = Server::start([reply]).await;
    let mut model = ProviderModel::new(format, Settings::new("m"), options(&server)).unwrap();
    let mut conversation = conversation();
    conversation.exchanges.push(Exchange {
        turn: Turn(4),
        answer: format.parse(before.as_bytes()).unwrap(),
        report: Some(empty_report()),
    });
    let (mut question, _taken) = eager();
    let error = model
        .answer(&conversation, &mut question)
        .await
        .unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    assert_eq!(error.code(), Some("model_answer"), "{error}");
    assert_eq!(server.requests().len(), 1);
    (error.told(), question.taken())
}

#[tokio::test]
async fn an_id_of_an_earlier_turn_ends_the_question_before_anything_is_taken() {
    let before = r#"{"role":"assistant","content":[{"type":"tool_use","id":"toolu_A","name":"x","input":{}}],"stop_reason":"tool_use"}"#;
    for reply in [Reply::stream(super::STREAM), Reply::json(200, before)] {
        let (text, taken) = asked_again(Format::Anthropic, reply, before).await;
        assert_eq!(taken, 0);
        assert!(
            text.contains("\"toolu_A\", as a call of turn 4 has"),
            "{text}"
        );
    }
    let item = r#"{"type":"function_call","call_id":"call_A","name":"x","arguments":"{}","status":"completed"}"#;
    let whole = format!(r#"{{"status":"completed","output":[{item}]}}"#);
    let done = format!(
        "data: {{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{item}}}\n\n"
    );
    for reply in [Reply::stream(&done), Reply::json(200, &whole)] {
        let (text, taken) = asked_again(Format::Responses, reply, &whole).await;
        assert_eq!(taken, 0);
        assert!(
            text.contains("\"call_A\", as a call of turn 4 has"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_stop_that_is_not_known_says_who_gave_it() {
    let whole = WHOLE.replace("end_turn", "new_reason");
    let reply = Reply::json(200, &whole).header("request-id", "req_9");
    let server = Server::start([reply]).await;
    let answer = super::ask(&mut model(options(&server))).await.unwrap();
    assert_eq!(answer.stop, Stop::Unknown("new_reason".to_owned()));
    let account = answer.account.unwrap().message;
    let url = server.url();
    for expected in [
        "anthropic at ",
        &url,
        "\"new_reason\"",
        "(model_stop, request req_9)",
    ] {
        assert!(account.contains(expected), "{account}");
    }
}

#[tokio::test]
async fn a_whole_response_without_a_reason_is_no_more_whole_than_a_stream() {
    let half = WHOLE.replace("\"end_turn\"", "null");
    let cut = Reply::json(200, &half);
    let server = Server::start([cut, Reply::json(200, WHOLE)]).await;
    let answer = super::ask(&mut model(options(&server))).await.unwrap();
    assert_eq!(answer.stop, Stop::Done);
    assert_eq!(server.requests().len(), 2);
}
