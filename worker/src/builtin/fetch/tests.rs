#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;
use crate::http::testing::{Act, Server, json as json_reply, names, reply, said};

fn fetch_tool(options: &FetchOptions) -> Arc<dyn Tool> {
    let clients = names(&[
        ("local.test", &["127.0.0.1"]),
        ("other.test", &["127.0.0.1"]),
        ("rebinds.test", &["127.0.0.1"]),
    ]);
    tools(options, &clients).unwrap().remove(0)
}

fn allowing(entries: &[String]) -> FetchOptions {
    FetchOptions {
        rules: GuardRules {
            allow: entries.to_vec(),
            ..GuardRules::default()
        },
        ..FetchOptions::default()
    }
}

fn local(server: &Server) -> FetchOptions {
    allowing(&[format!("local.test:{}", server.port())])
}

async fn call(tool: &Arc<dyn Tool>, arguments: &Value) -> ToolResult {
    let (call, _control) = ToolCall::detached(arguments.to_string());
    tool.call(call).await
}

async fn fetched(act: Act, more: &Value) -> String {
    let server = Server::start([act]).await;
    let tool = fetch_tool(&local(&server));
    let mut arguments = json!({ "url": format!("http://local.test:{}/a?b#c", server.port()) });
    for (name, value) in more.as_object().unwrap() {
        arguments[name] = value.clone();
    }
    said(&call(&tool, &arguments).await).replace(&server.port().to_string(), "PORT")
}

fn html(body: &str) -> Act {
    reply(
        "200 OK",
        &[("Content-Type", "text/html; charset=utf-8")],
        body,
    )
}

#[tokio::test]
async fn what_is_there_is_given_as_what_it_is() {
    let page = "<h1>Title</h1><p>See <a href='/x'>this</a>.</p>";
    let head = reply(
        "200 OK",
        &[
            ("Content-Type", "text/html"),
            ("Last-Modified", "Sun, 22 Nov 2026 19:00:00 GMT"),
        ],
        "",
    );
    let texts = [
        fetched(html(page), &json!({})).await,
        fetched(html(page), &json!({"raw": true})).await,
        fetched(json_reply("200 OK", r#"{"a": 1.50}"#), &json!({})).await,
        fetched(
            reply("200 OK", &[("Content-Type", "image/png")], "png"),
            &json!({}),
        )
        .await,
        fetched(
            reply("200 OK", &[("Content-Type", "application/zip")], "PK"),
            &json!({}),
        )
        .await,
        fetched(reply("204 No Content", &[], ""), &json!({})).await,
        fetched(
            json_reply("404 Not Found", r#"{"error": "none"}"#),
            &json!({}),
        )
        .await,
        fetched(
            reply("503 Service Unavailable", &[("Retry-After", "3")], ""),
            &json!({}),
        )
        .await,
        fetched(head, &json!({"method": "HEAD"})).await,
        fetched(reply("404 Not Found", &[], ""), &json!({"method": "HEAD"})).await,
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_long_text_comes_page_by_page() {
    let server = Server::start([reply(
        "200 OK",
        &[("Content-Type", "text/plain")],
        &"0123456789ä".repeat(20_000),
    )])
    .await;
    let tool = fetch_tool(&local(&server));
    let url = format!("http://local.test:{}/", server.port());
    let mut whole = String::new();
    let mut pages = 0;
    loop {
        let answer = call(&tool, &json!({"url": url, "from": whole.len()}))
            .await
            .unwrap();
        let [Part::Text(text)] = answer.content() else {
            panic!("one text was expected: {answer:?}");
        };
        pages += 1;
        match text.split_once("\n[the text goes on: fetch again with \"from\": ") {
            Some((page, next)) => {
                whole.push_str(page);
                assert!(next.starts_with(&whole.len().to_string()), "{next}");
            }
            None => {
                whole.push_str(text);
                break;
            }
        }
    }
    assert_eq!((pages, whole), (2, "0123456789ä".repeat(20_000)));
    let beyond = said(&call(&tool, &json!({"url": url, "from": 999_999_999})).await);
    insta::assert_snapshot!(beyond, @r#"error: text "The text has only 240000 bytes, and byte 999999999 was asked for.""#);
}

#[tokio::test]
async fn an_endless_page_is_cut() {
    let server = Server::start([Act::Endless(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned(),
    )])
    .await;
    let options = FetchOptions {
        response_bytes_max: 100,
        ..local(&server)
    };
    let url = format!("http://local.test:{}/", server.port());
    let text = said(&call(&fetch_tool(&options), &json!({ "url": url })).await);
    assert!(
        text.contains("abcdabcd") && text.contains("larger than the 100 bytes"),
        "{text}"
    );
    server.until(|counts| counts.open == 0).await;
}

#[tokio::test]
async fn it_goes_only_where_it_may() {
    let secret = Server::start([json_reply("200 OK", "\"private\"")]).await;
    let port = secret.port();
    let tool = fetch_tool(&FetchOptions::default());
    let mut texts = Vec::new();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        "http://127.1/".to_owned(),
        "http://[::ffff:127.0.0.1]/".to_owned(),
        "http://localhost/".to_owned(),
        "http://rebinds.test/".to_owned(),
        format!("http://rebinds.test:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "http://user:pass@example.com/".to_owned(),
        "/etc/passwd".to_owned(),
        "example.com".to_owned(),
        format!("https://example.com/{}", "x".repeat(9_000)),
    ] {
        let said = said(&call(&tool, &json!({ "url": url })).await);
        texts.push(said.replace(&port.to_string(), "PORT"));
    }
    let listed = FetchOptions {
        rules: GuardRules {
            hosts: vec!["example.org".to_owned()],
            ..GuardRules::default()
        },
        ..FetchOptions::default()
    };
    texts.push(said(
        &call(
            &fetch_tool(&listed),
            &json!({"url": "https://example.com/"}),
        )
        .await,
    ));
    insta::assert_snapshot!(texts.join("\n"));
    assert_eq!(secret.asked().len(), 0);
}

#[tokio::test]
async fn redirects_are_followed_and_checked() {
    let other = Server::start([html("<p>there</p>")]).await;
    let to = |location: &str| reply("302 Found", &[("Location", location)], "");
    let server = Server::start([
        to(&format!("http://other.test:{}/x", other.port())),
        to(&format!("http://rebinds.test:{}/x", other.port())),
        to("/again"),
    ])
    .await;
    let tool = fetch_tool(&allowing(&[
        format!("local.test:{}", server.port()),
        format!("other.test:{}", other.port()),
    ]));
    let url = format!("http://local.test:{}/", server.port());
    let mut texts = Vec::new();
    for _ in 0..3 {
        let text = said(&call(&tool, &json!({ "url": url })).await);
        texts.push(text.replace(&other.port().to_string(), "OTHER"));
    }
    insta::assert_snapshot!(texts.join("\n"));
    assert_eq!(other.asked().len(), 1);
}

#[tokio::test]
async fn a_cancelled_fetch_leaves_no_connection() {
    let server = Server::start([Act::Hang(String::new())]).await;
    let tool = fetch_tool(&local(&server));
    let arguments = json!({ "url": format!("http://local.test:{}/", server.port()) });
    let (call, control) = ToolCall::detached(arguments.to_string());
    let running = tokio::spawn(tool.call(call));
    server.until(|counts| counts.requests == 1).await;
    control.cancel();
    assert!(said(&running.await.unwrap()).starts_with("cancelled"));
    server.until(|counts| counts.open == 0).await;
}

#[test]
fn what_lets_nothing_run_is_refused() {
    let refused = |options: &FetchOptions| match tools(options, &HttpClients::default()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{options:?} was taken"),
    };
    refused(&allowing(&["http://x".to_owned()]));
    refused(&FetchOptions {
        timeout: Duration::ZERO,
        ..FetchOptions::default()
    });
    refused(&FetchOptions {
        response_bytes_max: 0,
        ..FetchOptions::default()
    });
}
