//! What is sent.

use callboard_proto::Effect;
use serde_json::json;

use super::super::testing::{Server, json as json_reply};
use super::{call, said, tool};

/// A request with the port and the version taken out.
fn shown(server: &Server, request: &str) -> String {
    request
        .replace(&server.port().to_string(), "PORT")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[tokio::test]
async fn values_go_where_their_slots_are() {
    let server = Server::start([json_reply("200 OK", r#"{"ok": true}"#)]).await;
    let http = format!(
        r#"method = "POST"
        {}
        query = {{ q = "{{id}} &", fixed = "ü" }}
        headers = {{ X-Id = "id={{id}}", X-Left = "{{n}}", Authorization = {{ env = "PATH", prefix = "Bearer " }} }}
        [body]
        name = "{{id}}"
        number = "{{n}}"
        tags = ["{{tags}}", "x"]
        "#,
        server.at("/v1/items?tag={tags}")
    );
    let tool = tool(Effect::Write, &http);
    let result = call(&tool, &json!({"id": "a/b?c", "tags": ["1", "2 3"]})).await;
    assert_eq!(said(&result), r#"json {"ok": true}"#);
    let path = std::env::var("PATH").unwrap();
    let asked = shown(&server, &server.asked()[0]).replace(&path, "SECRET");
    insta::assert_snapshot!(asked);
}

#[tokio::test]
async fn arguments_go_as_they_came_and_forms_are_forms() {
    let server = Server::start([json_reply("200 OK", "1")]).await;
    let http = format!("method = \"PUT\"\nbody = \"arguments\"\n{}", server.at("/"));
    let of_arguments = tool(Effect::Idempotent, &http);
    let (call_, _control) =
        crate::tool::ToolCall::detached(r#"{ "n" : 1.50, "other": [12345678901234567890123] }"#);
    crate::tool::Tool::call(&of_arguments, call_).await.unwrap();
    let http = format!(
        "method = \"POST\"\nform = {{ a = \"{{id}}\", t = \"{{tags}}\", none = \"{{n}}\" }}\n{}",
        server.at("/")
    );
    let of_form = tool(Effect::Read, &http);
    call(&of_form, &json!({"id": "x&y=z ü", "tags": ["1", "2"]}))
        .await
        .unwrap();
    let asked: Vec<String> = server
        .asked()
        .iter()
        .map(|request| shown(&server, request))
        .collect();
    insta::assert_snapshot!(asked.join("\n----\n"));
}

#[tokio::test]
async fn connections_are_used_again_and_shared_by_tools_of_the_same_rules() {
    let server = Server::start([json_reply("200 OK", "1")]).await;
    let clients = super::local();
    let one = super::try_tool(Effect::Read, &server.at("/one"), &clients).unwrap();
    let other = super::try_tool(Effect::Read, &server.at("/other"), &clients).unwrap();
    for tool in [&one, &other, &one] {
        call(tool, &json!({})).await.unwrap();
    }
    let counts = server.until(|counts| counts.requests == 3).await;
    assert_eq!(counts.made, 1);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before() {
    let server = Server::start([json_reply("200 OK", "1")]).await;
    let http = format!(
        "method = \"POST\"\nheaders = {{ X-Id = \"{{id}}\" }}\nbody = \"arguments\"\nrequest_bytes_max = 40\n{}",
        server.at("/")
    );
    let tool = tool(Effect::Write, &http);
    let mut texts = Vec::new();
    for arguments in [
        json!({"id": "a\r\nX-Evil: 1"}),
        json!({"id": "a\u{0}"}),
        json!({"id": {"a": 1}}),
        json!({"id": "x".repeat(100)}),
        json!([]),
    ] {
        texts.push(said(&call(&tool, &arguments).await));
    }
    insta::assert_snapshot!(texts.join("\n"));
    assert_eq!(server.asked().len(), 0);
}
