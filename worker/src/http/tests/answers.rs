//! What comes back.

use callboard_proto::Effect;
use serde_json::json;

use super::super::testing::{Act, Server, json as json_reply, reply};
use super::{call, said, tool};

async fn answer(act: Act, more: &str) -> String {
    let server = Server::start([act]).await;
    let tool = tool(Effect::Read, &format!("{more}\n{}", server.at("/")));
    said(&call(&tool, &json!({})).await).replace(&server.port().to_string(), "PORT")
}

fn typed(media: &str, body: &str) -> Act {
    reply("200 OK", &[("Content-Type", media)], body)
}

#[tokio::test]
async fn a_body_is_what_its_server_calls_it() {
    let mut texts = Vec::new();
    for act in [
        json_reply("200 OK", " {\"a\": 1.50}\n"),
        typed("application/problem+json; charset=utf-8", "[1]"),
        json_reply("200 OK", "{\"a\": "),
        typed("text/plain", "\u{1b}[31mred\u{1b}[0m\r\nplain"),
        typed("text/html; charset=ISO-8859-1", "<p>caf\u{e9}</p>"),
        typed("image/png", "not really"),
        typed("image/svg+xml", "<svg/>"),
        typed("application/pdf", "%PDF"),
        typed("application/zip", "PK"),
        reply("200 OK", &[], "no type"),
        reply("200 OK", &[], "{\"no\": \"type\"}"),
        reply("200 OK", &[], "no\u{0}text"),
        reply("204 No Content", &[], ""),
        reply(
            "200 OK",
            &[("Content-Encoding", "gzip"), ("Content-Type", "text/plain")],
            "x",
        ),
    ] {
        texts.push(answer(act, "").await);
    }
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_status_is_an_outcome() {
    let mut texts = Vec::new();
    for act in [
        json_reply("404 Not Found", r#"{"error": "no such order"}"#),
        reply("401 Unauthorized", &[], ""),
        reply("408 Request Timeout", &[], ""),
        reply(
            "429 Too Many Requests",
            &[("Retry-After", "7")],
            "slow down",
        ),
        reply(
            "500 Internal Server Error",
            &[("Content-Type", "text/html")],
            "<h1>Oops</h1>",
        ),
        reply("501 Not Implemented", &[], ""),
        reply("502 Bad Gateway", &[], "bad gateway"),
        reply(
            "503 Service Unavailable",
            &[("Retry-After", "Sun, 22 Nov 2026 19:00:00 GMT")],
            "",
        ),
        reply("503 Service Unavailable", &[], ""),
        reply("302 Found", &[("Location", "http://elsewhere.test/x")], ""),
        reply("304 Not Modified", &[], ""),
    ] {
        texts.push(answer(act, "").await);
    }
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_long_body_is_cut_and_says_so() {
    let chunked = |media: &str| {
        Act::Endless(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nTransfer-Encoding: chunked\r\n\r\n"
        ))
    };
    let mut texts = Vec::new();
    for act in [
        chunked("text/plain"),
        chunked("application/json"),
        chunked("image/png"),
        chunked("application/zip"),
        typed("text/plain", "0123456789"),
        typed("text/plain", "01234567890"),
        typed("text/plain", "012345678ü"),
    ] {
        texts.push(answer(act, "response_bytes_max = 10").await);
    }
    texts.push(answer(
        Act::Endless("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()),
        "response_bytes_max = 10",
    ).await);
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_secret_is_never_in_what_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "s3cr3t/\"key\"";
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    let with = format!(
        "headers = {{ Authorization = {{ file = {file:?}, prefix = \"Bearer \" }} }}\nquery = {{ key = {{ file = {file:?} }} }}"
    );
    let escaped = serde_json::Value::from(secret).to_string();
    let mut texts = Vec::new();
    for act in [
        json_reply(
            "200 OK",
            &format!("{{\"echo\": {escaped}, \"url\": \"/?key=s3cr3t%2F%22key%22\"}}"),
        ),
        json_reply("400 Bad Request", &format!("{{\"bad\": {escaped}}}")),
        reply(
            "500 Internal Server Error",
            &[],
            &format!("Bearer {secret}"),
        ),
        reply(
            "302 Found",
            &[("Location", "http://x.test/?key=s3cr3t%2f%22key%22")],
            "",
        ),
        typed("text/plain", &format!("0123456789 {secret}")),
    ] {
        let said = answer(act, &format!("{with}\nresponse_bytes_max = 200")).await;
        assert!(!said.contains("s3cr3t"), "{said}");
        texts.push(said);
    }
    // Cut in the middle of it.
    let said = answer(
        typed("text/plain", &format!("0123456789 {secret}")),
        &format!("{with}\nresponse_bytes_max = 18"),
    )
    .await;
    texts.push(said);
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_login_is_never_in_what_comes_back() {
    let server = Server::start([reply(
        "200 OK",
        &[],
        "you are Basic dXNlcjpodW50ZXIyc2VjcmV0 or hunter2secret",
    )])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2secret").unwrap();
    let http = format!(
        "basic = {{ user = \"user\", password = {{ file = {file:?} }} }}\n{}",
        server.at("/")
    );
    let said = said(&call(&tool(Effect::Read, &http), &json!({})).await);
    assert!(
        server.asked()[0].contains("authorization: Basic dXNlcjpodW50ZXIyc2VjcmV0"),
        "{:?}",
        server.asked()
    );
    assert_eq!(said, r#"text "you are Basic [secret] or [secret]""#);
}
