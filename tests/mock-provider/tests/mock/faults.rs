//! Each fault, in each format, and that the request after it is served.

use callboard_mock_provider::Format;

use crate::client::{read_until, send};
use crate::talk::{Talk, mock};

fn script(fault: &str) -> String {
    format!(
        "[[turn]]\ntext = \"Hello, wörld.\"\n[[turn.call]]\ntool = \"look\"\narguments = {{ path = \"a\" }}\n[[turn.fault]]\n{fault}"
    )
}

/// Both ways to ask, in every format.
fn talks() -> impl Iterator<Item = Talk> {
    Format::ALL
        .into_iter()
        .flat_map(|format| [Talk::new(format), Talk::streamed(format)])
}

#[tokio::test]
async fn errors_have_the_providers_status_and_words() {
    for (fault, expected) in [
        (
            "kind = \"rate_limit\"\nretry_after = 34\nretry_after_ms = 34000\nshould_retry = true",
            [
                (429, "rate_limit_error"),
                (429, "rate_limit_exceeded"),
                (429, "rate_limit_exceeded"),
                (429, "\"retryDelay\":\"34s\""),
            ],
        ),
        (
            "kind = \"spend_limit\"",
            [
                (429, "enforced_spend_limit_reached"),
                (429, "insufficient_quota"),
                (429, "insufficient_quota"),
                (429, "PerDay"),
            ],
        ),
        (
            "kind = \"billing\"",
            [
                (402, "billing_error"),
                (402, "credit_balance_exhausted"),
                (402, "credit_balance_exhausted"),
                (402, "FAILED_PRECONDITION"),
            ],
        ),
        (
            "kind = \"server_error\"",
            [
                (500, "api_error"),
                (500, "server_error"),
                (500, "server_error"),
                (500, "INTERNAL"),
            ],
        ),
        (
            "kind = \"overloaded\"",
            [
                (529, "overloaded_error"),
                (503, "server_is_overloaded"),
                (503, "server_is_overloaded"),
                (503, "UNAVAILABLE"),
            ],
        ),
        (
            "kind = \"unavailable\"",
            [
                (503, "api_error"),
                (503, "server_error"),
                (503, "server_error"),
                (503, "UNAVAILABLE"),
            ],
        ),
        (
            "kind = \"timeout\"",
            [
                (504, "timeout_error"),
                (504, "server_error"),
                (504, "server_error"),
                (504, "DEADLINE_EXCEEDED"),
            ],
        ),
        (
            "kind = \"status\"\nstatus = 409\nmessage = \"Twice.\"",
            [(409, "Twice."); 4],
        ),
    ] {
        let mock = mock(&script(fault)).await;
        for (format, (status, text)) in Format::ALL.into_iter().zip(expected) {
            let talk = Talk::new(format);
            let reply = talk.ask(&mock).await;
            assert_eq!(reply.status, status, "{fault} {format}");
            assert!(reply.text().contains(text), "{format}: {}", reply.text());
            if fault.contains("34000") {
                assert_eq!(reply.header("retry-after"), Some("34"));
                assert_eq!(reply.header("retry-after-ms"), Some("34000"));
                assert_eq!(reply.header("x-should-retry"), Some("true"));
            }
            assert_eq!(talk.ask(&mock).await.status, 200, "{fault} {format}");
        }
    }
}

#[tokio::test]
async fn gemini_may_wrap_an_error_in_a_list() {
    let mock = mock(&script("kind = \"overloaded\"\nin_array = true")).await;
    let reply = Talk::new(Format::Gemini).ask(&mock).await;
    assert_eq!(reply.json()[0]["error"]["code"], 503);
}

#[tokio::test]
async fn faults_come_so_many_times_in_each_conversation() {
    let mock = mock(&script(
        "kind = \"close\"\ntimes = 2\n[[turn.fault]]\nkind = \"timeout\"",
    ))
    .await;
    for talk in talks().filter(|talk| !talk.stream) {
        assert!(talk.try_ask(&mock).await.is_err());
        assert!(talk.try_ask(&mock).await.is_err());
        assert_eq!(talk.ask(&mock).await.status, 504);
        assert_eq!(talk.ask(&mock).await.status, 200);
    }
}

#[tokio::test]
async fn a_connection_is_closed_before_any_header() {
    let mock = mock(&script("kind = \"close\"")).await;
    for format in Format::ALL {
        let talk = Talk::new(format);
        assert!(talk.try_ask(&mock).await.is_err(), "{format}");
        assert_eq!(mock.requests().last().unwrap().status, None);
        assert_eq!(talk.ask(&mock).await.status, 200);
    }
}

#[tokio::test]
async fn a_page_in_html_comes_in_the_answers_place() {
    for status in [200, 404] {
        let mock = mock(&script(&format!("kind = \"html\"\nstatus = {status}"))).await;
        for format in Format::ALL {
            let reply = Talk::new(format).ask(&mock).await;
            assert_eq!(reply.status, status);
            assert!(reply.text().starts_with("<!DOCTYPE html>"));
        }
    }
}

#[tokio::test]
async fn a_body_is_not_json() {
    let mock = mock(&script("kind = \"not_json\"")).await;
    for format in Format::ALL {
        let reply = Talk::new(format).ask(&mock).await;
        assert_eq!(reply.status, 200);
        assert!(serde_json::from_slice::<serde_json::Value>(&reply.body()).is_err());
        assert!(reply.is_whole);
    }
}

#[tokio::test]
async fn a_body_is_larger_than_asked() {
    let mock = mock(&script("kind = \"oversized\"\nbytes = 100000\ntimes = 2")).await;
    for talk in talks() {
        let reply = talk.ask(&mock).await;
        assert!(reply.body().len() > 100_000);
        assert!(reply.is_whole);
        if !talk.stream {
            reply.json();
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_come_in_their_place() {
    for talk in talks() {
        let mock = mock(&script("kind = \"invalid_utf8\"\nafter_events = 1")).await;
        let reply = talk.ask(&mock).await;
        assert!(reply.is_whole);
        assert!(std::str::from_utf8(&reply.body()).is_err(), "{talk:?}");
        assert!(std::str::from_utf8(&talk.ask(&mock).await.body()).is_ok());
    }
}

#[tokio::test]
async fn a_stream_is_cut() {
    for format in Format::ALL {
        let no_fault = script("").replace("[[turn.fault]]\n", "");
        let whole = Talk::streamed(format).ask(&mock(&no_fault).await).await;
        let events = whole.events();
        for after in 0..events.len() {
            for (mid_event, clean) in [(false, false), (true, false), (false, true), (true, true)] {
                let fault = format!(
                    "kind = \"cut\"\nafter_events = {after}\nmid_event = {mid_event}\nclean = {clean}"
                );
                let mock = mock(&script(&fault)).await;
                let reply = Talk::streamed(format).ask(&mock).await;
                assert_eq!(reply.is_whole, clean, "{format} {fault}");
                let text = reply.text();
                let came = reply.events();
                assert_eq!(came[..after], events[..after], "{format} {fault}");
                let rest = &text[text.rfind("\n\n").map_or(0, |at| at + 2)..];
                let rest = &rest[rest.rfind("\r\n\r\n").map_or(0, |at| at + 4)..];
                assert_eq!(!rest.is_empty(), mid_event, "{format} {fault}: {rest:?}");
            }
        }
    }
}

#[tokio::test]
async fn one_body_is_cut_too() {
    let mock = mock(&script("kind = \"cut\"")).await;
    for format in Format::ALL {
        let reply = Talk::new(format).ask(&mock).await;
        assert!(!reply.is_whole);
    }
}

#[tokio::test]
async fn an_error_comes_in_the_middle_of_a_stream() {
    for (format, text) in Format::ALL.into_iter().zip([
        "event: error\ndata: {\"type\":\"error\"",
        "data: {\"error\":{",
        "event: error\ndata: {\"type\":\"error\"",
        "data: {\"error\":{\"code\":503",
    ]) {
        let mock = mock(&script("kind = \"stream_error\"\nafter_events = 2")).await;
        let reply = Talk::streamed(format).ask(&mock).await;
        assert_eq!(reply.status, 200);
        assert!(reply.is_whole);
        assert_eq!(reply.events().len(), 3);
        assert!(reply.text().contains(text), "{}", reply.text());
        let mock = self::mock(&script("kind = \"stream_error\"")).await;
        assert_eq!(Talk::new(format).ask(&mock).await.status, 500);
    }
}

#[tokio::test]
async fn a_stream_stalls_before_its_end_until_the_mock_stops() {
    for (format, end) in Format::ALL.into_iter().zip([
        "message_delta",
        "\"finish_reason\":\"",
        "response.completed",
        "finishReason",
    ]) {
        let mock = mock(&script("kind = \"stall\"")).await;
        let talk = Talk::streamed(format);
        let headers = talk.header_list();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let body = talk.body().to_string();
        let mut socket = send(mock.address(), talk.path(), &headers, body.as_bytes())
            .await
            .unwrap();
        let mut came = read_until(&mut socket, "look").await;
        mock.stop().await;
        tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut came)
            .await
            .ok();
        let came = String::from_utf8(came).unwrap();
        assert!(!came.contains(end), "{came}");
        assert!(!came.ends_with("0\r\n\r\n"), "{came}");
    }
}

#[tokio::test]
async fn nothing_at_all_comes_until_the_mock_stops() {
    let mock = mock(&script("kind = \"silent\"")).await;
    let address = mock.address();
    let asked = tokio::spawn(async move {
        let talk = Talk::new(Format::Chat);
        let headers = [("authorization", "Bearer key")];
        crate::client::post(
            address,
            talk.path(),
            &headers,
            talk.body().to_string().as_bytes(),
        )
        .await
    });
    mock.requests_reach(1).await;
    assert_eq!(mock.requests()[0].fault, Some("silent"));
    assert!(!asked.is_finished());
    mock.stop().await;
    assert!(asked.await.unwrap().is_err());
}

#[tokio::test]
async fn an_answer_is_truncated_once_and_whole_when_asked_again() {
    for (talk, reason) in talks().zip([
        "max_tokens",
        "max_tokens",
        "\"length\"",
        "\"length\"",
        "\"reason\":\"max_output_tokens\"",
        "\"reason\":\"max_output_tokens\"",
        "MAX_TOKENS",
        "MAX_TOKENS",
    ]) {
        let mock = mock(&script("kind = \"truncate\"")).await;
        let text = talk.ask(&mock).await.text();
        assert!(text.contains(reason), "{text}");
        assert!(!text.contains(r#"\"a\"}"#), "{text}");
        let text = talk.ask(&mock).await.text();
        assert!(!text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_uses_up_no_fault() {
    let mock = mock(&script("kind = \"timeout\"")).await;
    let mut talk = Talk::new(Format::Chat);
    talk.rest["bogus"] = serde_json::json!(1);
    assert_eq!(talk.ask(&mock).await.status, 400);
    talk.rest.as_object_mut().unwrap().remove("bogus");
    assert_eq!(talk.ask(&mock).await.status, 504);
}
