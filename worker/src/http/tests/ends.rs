//! How calls end that get no answer.

use callboard_proto::Effect;
use serde_json::json;
use tokio::net::TcpListener;

use super::super::testing::{Act, Server};
use super::{call, said, tool};
use crate::tool::{Tool as _, ToolCall};

#[tokio::test]
async fn what_is_not_answered_says_how_far_it_came() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let mut texts = vec![
        said(
            &call(
                &tool(
                    Effect::Write,
                    &format!(
                        "url = \"http://local.test:{closed}/\"\nallow = [\"local.test:{closed}\"]"
                    ),
                ),
                &json!({}),
            )
            .await,
        )
        .replace(&closed.to_string(), "PORT"),
    ];
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    let ends = [
        (Act::Close(String::new()), "POST"),
        (Act::Close("no http\r\n\r\n".to_owned()), "GET"),
        (Act::Close(head.to_owned()), "POST"),
        (Act::Hang(String::new()), "POST"),
        (Act::Hang("HTTP/1.1 200".to_owned()), "GET"),
        (Act::Hang(head.to_owned()), "POST"),
    ]
    .map(async |(act, method)| {
        let time = if matches!(act, Act::Hang(_)) {
            "2s"
        } else {
            "60s"
        };
        let server = Server::start([act]).await;
        let body = if method == "POST" {
            "body = \"arguments\"\n"
        } else {
            ""
        };
        let http = format!(
            "method = \"{method}\"\ntimeout = \"{time}\"\n{body}{}",
            server.at("/")
        );
        let text = said(&call(&tool(Effect::Write, &http), &json!({})).await);
        server.until(|counts| counts.open == 0).await;
        text.replace(&server.port().to_string(), "PORT")
    });
    texts.extend(futures_util::future::join_all(ends).await);
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_cancelled_call_leaves_no_connection() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut texts = Vec::new();
    for act in [Act::Hang(String::new()), Act::Hang(head.to_owned())] {
        let server = Server::start([act]).await;
        let tool = tool(
            Effect::Write,
            &format!(
                "method = \"POST\"\nbody = \"arguments\"\n{}",
                server.at("/")
            ),
        );
        let (call, control) = ToolCall::detached("{}");
        let running = tokio::spawn(tool.call(call));
        server.until(|counts| counts.requests == 1).await;
        control.cancel();
        let said = said(&running.await.unwrap());
        assert!(said.starts_with("cancelled (executed: "), "{said}");
        texts.push(said);
        server.until(|counts| counts.open == 0).await;
    }
    assert!(texts[0].contains("unknown"), "{texts:?}");
}

#[tokio::test]
async fn a_call_that_is_cancelled_before_it_connects_was_not_executed() {
    // Accepts nothing: the queue of the kernel takes the connection, and nobody answers.
    let tool = tool(
        Effect::Write,
        "method = \"POST\"\nbody = \"arguments\"\nurl = \"http://local.test:1/\"\nallow = [\"local.test:1\"]",
    );
    let (call, control) = ToolCall::detached("{}");
    control.cancel();
    assert!(said(&tool.call(call).await).starts_with("cancelled (executed: no)"));
}

#[tokio::test]
async fn an_endless_body_ends_its_connection() {
    let server = Server::start([Act::Endless(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned(),
    )])
    .await;
    let tool = tool(
        Effect::Read,
        &format!("response_bytes_max = 1000\n{}", server.at("/")),
    );
    call(&tool, &json!({})).await.unwrap();
    server.until(|counts| counts.open == 0).await;
}
