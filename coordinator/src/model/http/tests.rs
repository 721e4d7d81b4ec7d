#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::run::Stop;
use callboard_proto::Turn;

use super::{ApiKey, Auth, HttpOptions, ProviderModel, RetryLimits};
use crate::catalogue::Catalogue;
use crate::model::{
    Conversation, EarlyCalls, Exchange, Model as _, ModelAnswer, ModelError, Question,
};
use crate::provider::{Format, Settings, ToolChoice};
use server::{Reply, Server};

mod ends;
mod questions;
mod server;

const KEY: &str = "sk-ant-secret-1234";

const STREAM: &str = "data: {\"type\":\"message_start\",\"message\":{}}\n\n\
    data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_A\",\"name\":\"x\",\"input\":{}}}\n\n\
    data: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
    data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"Hello.\"}}\n\n\
    data: {\"type\":\"content_block_stop\",\"index\":1}\n\n\
    data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n\
    data: {\"type\":\"message_stop\"}\n\n";

const WHOLE: &str =
    r#"{"role":"assistant","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn"}"#;

/// All of the stream up to its last event but one.
fn cut_stream() -> &'static str {
    STREAM
        .split_once("data: {\"type\":\"message_delta\"")
        .unwrap()
        .0
}

fn conversation() -> Conversation {
    Conversation {
        task: "Say hello.".into(),
        catalogue: Arc::new(Catalogue::freeze([])),
        exchanges: Vec::new(),
    }
}

fn options(server: &Server) -> HttpOptions {
    HttpOptions {
        base_url: Some(server.url()),
        key: Some(ApiKey::new(KEY, "the test").unwrap()),
        idle_timeout: Some(Duration::from_secs(20)),
        retries: RetryLimits {
            wait: Duration::from_millis(1),
            ..RetryLimits::default()
        },
        ..HttpOptions::default()
    }
}

fn model(options: HttpOptions) -> ProviderModel {
    ProviderModel::new(Format::Anthropic, Settings::new("claude-x"), options).unwrap()
}

/// A question that takes calls early.
fn eager() -> (Question, tokio::sync::mpsc::Receiver<crate::model::ToolUse>) {
    let (early, taken) = EarlyCalls::channel();
    (Question::new(early, None), taken)
}

async fn ask(model: &mut ProviderModel) -> Result<ModelAnswer, ModelError> {
    model.answer(&conversation(), &mut Question::plain()).await
}

/// The error of a question that these replies answer, and how often it was asked.
async fn failure(
    replies: impl IntoIterator<Item = Reply>,
    change: impl FnOnce(&mut HttpOptions),
) -> (ModelError, usize) {
    let server = Server::start(replies).await;
    let mut options = options(&server);
    change(&mut options);
    let error = ask(&mut model(options)).await.unwrap_err();
    (error, server.requests().len())
}

/// An error with its causes, its code and how often it was asked; the port is left out.
fn told((error, asked): &(ModelError, usize)) -> String {
    let mut text = format!("x{asked}: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    let (before, after) = text.split_once("127.0.0.1:").unwrap();
    let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    assert!(!text.contains(KEY), "{text}");
    assert!(!format!("{error:?}").contains(KEY));
    format!("{before}HERE{after}")
}

#[tokio::test]
async fn a_question_is_answered_and_carries_what_it_should() {
    let server = Server::start([Reply::stream(STREAM)]).await;
    let mut model = model(HttpOptions {
        betas: vec!["a-1".to_owned(), "b-2".to_owned()],
        headers: vec![("x-team".to_owned(), "tools".to_owned())],
        ..options(&server)
    });
    assert_eq!(model.name(), "anthropic/claude-x");
    assert!(!format!("{model:?}").contains(KEY));
    let answer = ask(&mut model).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.stop), ("Hello.", Stop::Calls));
    assert_eq!(answer.calls[0].id.as_str(), "toolu_A");
    let request = server.requests().remove(0);
    insta::assert_snapshot!(request.replace(&server.address(), "HERE").replace("\r", ""));
}

#[tokio::test]
async fn a_whole_response_and_one_that_hides_what_it_is_are_read() {
    for reply in [
        Reply::json(200, WHOLE),
        // A stream that doesn't call itself one, and a whole response to who asked for a stream.
        Reply::of(200, "text/plain", STREAM),
        Reply::of(200, "", WHOLE),
    ] {
        let server = Server::start([reply]).await;
        let answer = ask(&mut model(options(&server))).await.unwrap();
        assert_eq!(answer.text, "Hello.");
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_again_with_the_same_bytes() {
    let overloaded =
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let event = format!("{}data: {overloaded}\n\n", cut_stream());
    for first in [
        Reply::json(529, overloaded),
        Reply::json(429, "{}").header("retry-after-ms", "2"),
        Reply::of(502, "text/html", "<h1>Bad Gateway</h1>"),
        Reply::closed(),
        Reply::stream(cut_stream()),
        Reply::stream(""),
        Reply::bytes(b"data: x\n\n", 0xff),
        Reply::stream("data: {\"type\":\"message_start\"\n\n"),
        Reply::stream(&event),
        Reply::stream(&format!("{}{STREAM}", cut_stream())),
    ] {
        let server = Server::start([first, Reply::stream(STREAM)]).await;
        let answer = ask(&mut model(options(&server))).await.unwrap();
        assert_eq!(answer.text, "Hello.");
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0], requests[1]);
    }
}

#[tokio::test]
async fn a_failure_says_what_happened_and_how_often_it_was_tried() {
    let error = |error_type: &str, rest: &str| {
        format!(
            r#"{{"type":"error","error":{{"type":"{error_type}","message":"It was {KEY}."{rest}}},"request_id":"req_1"}}"#
        )
    };
    let html = "<!DOCTYPE html><title>Welcome</title>";
    let spent = r#","details":{"error_code":"enforced_spend_limit_reached"}"#;
    let same = |_: &mut HttpOptions| {};
    let once = |options: &mut HttpOptions| options.retries.retries_max = 0;
    let hasty = |options: &mut HttpOptions| {
        // Long enough for a head to arrive on a busy machine.
        options.idle_timeout = Some(Duration::from_secs(1));
        once(options);
    };
    let refused = Reply::json(401, &error("authentication_error", ""));
    let spent = Reply::json(429, &error("rate_limit_error", spent)).header("retry-after", "1");
    let long = Reply::json(429, &error("rate_limit_error", "")).header("retry-after", "121");
    let overloaded = Reply::json(529, &error("overloaded_error", "")).header("request-id", "req_2");
    let final_one = Reply::json(529, "{}").header("x-should-retry", "false");
    let away = Reply::json(307, "").header("location", "https://elsewhere/v1?key=secret");
    let cases = [
        failure([refused], same).await,
        failure([spent], same).await,
        failure([long], same).await,
        failure([overloaded.clone(), overloaded.clone(), overloaded], same).await,
        failure([final_one], same).await,
        failure([away], same).await,
        failure([Reply::of(200, "text/html", html)], same).await,
        failure([Reply::of(404, "text/html", html)], same).await,
        failure([Reply::json(200, &error("not_found_error", ""))], same).await,
        failure([Reply::json(200, "{\"a\":1}")], same).await,
        failure([Reply::json(200, "")], same).await,
        failure([Reply::json(200, &WHOLE[..40])], once).await,
        failure([Reply::stream("data: \u{0}\n\n")], same).await,
        failure([Reply::bytes(b"data: x\n\n", 0xff)], once).await,
        failure([Reply::silent()], hasty).await,
        failure([Reply::stream(cut_stream()).and_silence()], hasty).await,
        failure([Reply::stream(cut_stream())], once).await,
    ];
    let texts: Vec<String> = cases.iter().map(told).collect();
    assert!(!texts.concat().contains("secret"));
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_key_is_scrubbed_wherever_it_stands_and_however_it_is_cut() {
    const SLASHED: &str = "sk-ant/secret-1234";
    let escaped = SLASHED.replace('/', "\\/");
    let long = format!("{}{SLASHED}", "x".repeat(488));
    let error = |kind: &str, message: &str| {
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
    };
    let page = format!("<h1>{}{SLASHED}</h1>", "x".repeat(186));
    for reply in [
        Reply::json(400, &error(SLASHED, "no")),
        Reply::json(400, &error("a", &long)),
        Reply::json(400, &format!(r#"{{"other":"{escaped}"}}"#)),
        Reply::json(200, &error(&escaped, &long)),
        Reply::json(200, &format!(r#"{{"role":"{SLASHED}","content":[]}}"#)),
        Reply::of(404, "text/html", &page),
        Reply::of(200, "text/html", &page),
        Reply::stream(&format!("data: {}\n\n", error(SLASHED, &long))),
        Reply::json(400, "{}").header("request-id", &format!("{}{SLASHED}", "x".repeat(88))),
    ] {
        let (error, _) = failure([reply], |options| {
            options.key = Some(ApiKey::new(SLASHED, "the test").unwrap());
            options.retries.retries_max = 0;
        })
        .await;
        let text = format!("{} {error:?}", error.told());
        assert!(!text.contains("sk-ant"), "{text}");
    }
}

#[tokio::test]
async fn where_nobody_is_and_where_nobody_speaks_tls_is_told() {
    let server = Server::start([Reply::json(200, WHOLE)]).await;
    let tls = HttpOptions {
        base_url: Some(server.url().replace("http:", "https:")),
        ..options(&server)
    };
    // Where no certificates are installed, there is no TLS to be had.
    if let Ok(mut model) = ProviderModel::new(Format::Anthropic, Settings::new("m"), tls) {
        let error = ask(&mut model).await.unwrap_err();
        assert_eq!(error.code(), Some("model_tls"), "{error}");
        let text = error.to_string();
        let address = server.address();
        assert!(text.contains(&format!("https://{address}")) && text.contains("SSL_CERT_FILE"));
    }
    let nowhere = options(&server);
    let url = server.url();
    drop(server);
    let error = ask(&mut model(nowhere)).await.unwrap_err();
    assert_eq!(error.code(), Some("model_unreachable"), "{error}");
    let text = error.to_string();
    assert!(text.contains("asked 3 times"), "{text}");
    assert!(text.contains(&url) && text.ends_with("; check the base URL and the network"));
}

#[tokio::test]
async fn after_a_call_was_taken_early_the_run_decides_whether_to_ask_again() {
    let server = Server::start([Reply::stream(cut_stream()), Reply::stream(STREAM)]).await;
    let mut model = model(options(&server));
    let (mut question, mut taken) = eager();
    let error = model.answer(&conversation(), &mut question).await;
    let error = error.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(!error.to_string().contains("later"), "{error}");
    assert_eq!(error.cure().as_deref(), Some("ask again later"));
    assert_eq!(server.requests().len(), 1);
    assert_eq!(taken.try_recv().unwrap().id.as_str(), "toolu_A");
    // And asks again with a new one.
    let (mut question, mut taken) = eager();
    let answer = model.answer(&conversation(), &mut question).await.unwrap();
    assert_eq!(taken.try_recv().unwrap().id, answer.calls[0].id);
    assert!(taken.try_recv().is_err());
}

#[tokio::test]
async fn what_can_not_pass_is_not_retryable_even_with_calls_taken_early() {
    let stream = format!("{}data: {{\"type\":\"message_start\"\n\n", cut_stream());
    let server = Server::start([Reply::stream(&stream)]).await;
    let (mut question, _taken) = eager();
    let mut model = model(options(&server));
    let error = model.answer(&conversation(), &mut question).await;
    let error = error.unwrap_err();
    assert_eq!(question.taken(), 1);
    assert!(!error.is_retryable(), "{error}");
}

#[test]
fn each_format_has_its_login() {
    let told = |format, auth| {
        let options = HttpOptions {
            key: Some(ApiKey::new(KEY, "the test").unwrap()),
            auth,
            ..HttpOptions::default()
        };
        let headers = super::client::headers(format, &options).unwrap();
        let found = ["authorization", "x-api-key", "x-goog-api-key"]
            .into_iter()
            .filter_map(|name| Some(format!("{name}: {}", headers.get(name)?.to_str().ok()?)))
            .collect::<Vec<_>>();
        found.join("; ")
    };
    let bearer = format!("authorization: Bearer {KEY}");
    assert_eq!(told(Format::Anthropic, Auth::Bearer), bearer);
    assert_eq!(
        told(Format::Anthropic, Auth::ApiKeyHeader),
        format!("x-api-key: {KEY}")
    );
    assert_eq!(told(Format::Chat, Auth::ApiKeyHeader), bearer);
    assert_eq!(told(Format::Responses, Auth::Bearer), bearer);
    assert_eq!(
        told(Format::Gemini, Auth::Bearer),
        format!("x-goog-api-key: {KEY}")
    );
}

#[test]
fn a_key_that_merely_lay_there_is_not_sent_in_the_open() {
    let of = |is_key_meant| HttpOptions {
        base_url: Some("http://192.0.2.1".to_owned()),
        key: Some(ApiKey::new(KEY, "the test").unwrap()),
        is_key_meant,
        ..HttpOptions::default()
    };
    let new = |options| ProviderModel::new(Format::Chat, Settings::new("m"), options);
    let error = new(of(false)).unwrap_err();
    assert_eq!(error.code(), "model_open_line");
    assert!(!error.to_string().contains(KEY));
    assert!(new(of(true)).is_ok());
}

#[test]
fn a_header_that_can_not_be_sent_is_refused() {
    for (name, value) in [("a b", "x"), ("a", "x\ny"), ("anthropic-beta", "\u{0}")] {
        let options = HttpOptions {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..HttpOptions::default()
        };
        let error = super::client::headers(Format::Anthropic, &options).unwrap_err();
        assert_eq!(error.code(), "model_header", "{error}");
    }
}

#[test]
fn a_forced_call_is_forced_until_calls_were_answered() {
    let options = HttpOptions {
        base_url: Some("http://127.0.0.1".to_owned()),
        ..HttpOptions::default()
    };
    for (choice, later) in [
        (ToolChoice::Any, ToolChoice::Auto),
        (ToolChoice::Tool("x".to_owned()), ToolChoice::Auto),
        (ToolChoice::None, ToolChoice::None),
        (ToolChoice::Auto, ToolChoice::Auto),
    ] {
        let settings = Settings {
            tool_choice: choice.clone(),
            ..Settings::new("m")
        };
        let model = ProviderModel::new(Format::Anthropic, settings, options.clone()).unwrap();
        let mut conversation = conversation();
        assert_eq!(model.settings(&conversation).tool_choice, choice);
        let answer = Format::Anthropic.parse(WHOLE.as_bytes()).unwrap();
        let mut exchange = Exchange {
            turn: Turn(1),
            answer,
            report: None,
        };
        conversation.exchanges.push(exchange.clone());
        assert_eq!(model.settings(&conversation).tool_choice, choice);
        exchange.report = Some(server::empty_report());
        conversation.exchanges.push(exchange);
        assert_eq!(model.settings(&conversation).tool_choice, later);
    }
}
