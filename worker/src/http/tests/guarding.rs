//! Where requests don't go.

use callboard_proto::Effect;
use serde_json::json;

use super::super::testing::{Act, Server, json as json_reply, reply};
use super::{call, names, said, try_tool};

fn to(location: &str) -> Act {
    reply("302 Found", &[("Location", location)], "")
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_not_connected_to() {
    let server = Server::start([json_reply("200 OK", "1")]).await;
    let port = server.port();
    let clients = names(&[
        ("rebinds.test", &["127.0.0.1"]),
        ("mapped.test", &["::ffff:127.0.0.1"]),
        ("metadata.test", &["169.254.169.254"]),
    ]);
    let mut texts = Vec::new();
    for name in [
        "rebinds.test",
        "mapped.test",
        "metadata.test",
        "nobody.test",
    ] {
        let tool = try_tool(
            Effect::Write,
            &format!("url = \"http://{name}:{port}/\""),
            &clients,
        )
        .unwrap();
        texts.push(said(&call(&tool, &json!({})).await));
    }
    // A name that is allowed may be private, and nothing worse.
    let allowed =
        format!("url = \"http://rebinds.test:{port}/\"\nallow = [\"rebinds.test:{port}\"]");
    texts.push(said(
        &call(
            &try_tool(Effect::Write, &allowed, &clients).unwrap(),
            &json!({}),
        )
        .await,
    ));
    let allowed = "url = \"http://metadata.test/\"\nallow = [\"metadata.test\"]";
    texts.push(said(
        &call(
            &try_tool(Effect::Write, allowed, &clients).unwrap(),
            &json!({}),
        )
        .await,
    ));
    insta::assert_snapshot!(texts.join("\n").replace(&port.to_string(), "PORT"));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn of_several_addresses_only_the_open_ones_are_connected_to() {
    let server = Server::start([json_reply("200 OK", "1")]).await;
    let port = server.port();
    let clients = names(&[("both.test", &["169.254.169.254", "0.0.0.0", "127.0.0.1"])]);
    let http = format!(
        "url = \"http://both.test:{port}/\"\nallow = [\"both.test:{port}\"]\nconnect_timeout = \"20s\""
    );
    let tool = try_tool(Effect::Read, &http, &clients).unwrap();
    assert_eq!(said(&call(&tool, &json!({})).await), "json 1");
}

#[tokio::test]
async fn each_hop_is_checked() {
    let secret = Server::start([json_reply("200 OK", "\"private\"")]).await;
    let mut texts = Vec::new();
    for location in [
        format!("http://127.0.0.1:{}/", secret.port()),
        format!("http://2130706433:{}/", secret.port()),
        format!("//[::ffff:127.0.0.1]:{}/", secret.port()),
        "http://127.0.0.1/".to_owned(),
        "http://[::ffff:7f00:1]/".to_owned(),
        "http://localhost/".to_owned(),
        "http://rebinds.test/".to_owned(),
        "http://user:pass@local.test/".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "http://example.test:22/".to_owned(),
        "http://[".to_owned(),
    ] {
        let server = Server::start([to(&location)]).await;
        let clients = names(&[
            ("local.test", &["127.0.0.1"]),
            ("rebinds.test", &["127.0.0.1"]),
        ]);
        let http = format!("redirects_max = 3\n{}", server.at("/"));
        let tool = try_tool(Effect::Read, &http, &clients).unwrap();
        let said = said(&call(&tool, &json!({})).await);
        texts.push(said.replace(&secret.port().to_string(), "PORT"));
    }
    insta::assert_snapshot!(texts.join("\n"));
    assert_eq!(secret.asked().len(), 0);
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_allowed_and_keep_secrets_at_home() {
    let other = Server::start([json_reply("200 OK", "\"there\"")]).await;
    let server = Server::start([
        to("/next"),
        to(&format!("http://other.test:{}/there", other.port())),
    ])
    .await;
    let clients = names(&[
        ("local.test", &["127.0.0.1"]),
        ("other.test", &["127.0.0.1"]),
    ]);
    let http = |redirects: usize| {
        format!(
            "redirects_max = {redirects}\nheaders = {{ X-Key = {{ env = \"PATH\" }}, X-Note = \"n\" }}\nurl = \"http://local.test:{}/\"\nallow = [\"*.test:{}\", \"*.test:{}\"]",
            server.port(),
            server.port(),
            other.port()
        )
    };
    let tool = try_tool(Effect::Idempotent, &http(2), &clients).unwrap();
    assert_eq!(said(&call(&tool, &json!({})).await), "json \"there\"");
    let asked = server.asked();
    assert!(
        asked[0].contains("x-key: ") && asked[0].contains("idempotency-key: "),
        "{asked:?}"
    );
    assert!(
        asked[1].starts_with("GET /next ") && asked[1].contains("x-key: "),
        "{asked:?}"
    );
    let there = &other.asked()[0];
    assert!(
        there.starts_with("GET /there ") && there.contains("accept: "),
        "{there}"
    );
    for header in ["x-key", "x-note", "idempotency-key"] {
        assert!(!there.contains(header), "{there}");
    }
    // The last act stays: it points elsewhere for ever.
    let tool = try_tool(Effect::Read, &http(0), &clients).unwrap();
    let said = said(&call(&tool, &json!({})).await);
    assert!(said.contains("redirects are not followed"), "{said}");
}

#[tokio::test]
async fn a_body_goes_to_no_other_server() {
    let other = Server::start([json_reply("200 OK", "1")]).await;
    let port = other.port();
    let mut texts = Vec::new();
    for (status, location) in [
        (
            "307 Temporary Redirect",
            format!("http://other.test:{port}/"),
        ),
        ("308 Permanent Redirect", "/again".to_owned()),
        ("303 See Other", format!("http://other.test:{port}/")),
        ("302 Found", "/again".to_owned()),
    ] {
        let server = Server::start([
            reply(status, &[("Location", &location)], ""),
            json_reply("200 OK", "2"),
        ])
        .await;
        let clients = names(&[
            ("local.test", &["127.0.0.1"]),
            ("other.test", &["127.0.0.1"]),
        ]);
        let http = format!(
            "method = \"POST\"\nbody = \"arguments\"\nredirects_max = 1\nurl = \"http://local.test:{}/\"\nallow = [\"*.test:{}\", \"*.test:{port}\"]",
            server.port(),
            server.port()
        );
        let tool = try_tool(Effect::Write, &http, &clients).unwrap();
        let said = said(&call(&tool, &json!({"id": "x"})).await);
        let last = server.asked().last().cloned().unwrap();
        let last = last.lines().next().unwrap_or_default().to_owned();
        texts.push(
            format!("{status}: {said}; last asked: {last}").replace(&port.to_string(), "PORT"),
        );
    }
    let there = other.asked();
    assert!(
        there.len() == 1 && there[0].starts_with("GET / ") && there[0].ends_with("\n\n"),
        "{there:?}"
    );
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn a_connection_of_one_guard_is_not_used_under_another() {
    let server = Server::start([json_reply("200 OK", "1")]).await;
    let clients = super::local();
    let allowed = try_tool(Effect::Read, &server.at("/"), &clients).unwrap();
    call(&allowed, &json!({})).await.unwrap();
    let url = format!("url = \"http://local.test:{}/\"", server.port());
    let not_allowed = try_tool(Effect::Read, &url, &clients).unwrap();
    let said = said(&call(&not_allowed, &json!({})).await);
    assert!(said.starts_with("refused (executed: no)"), "{said}");
    assert_eq!(server.asked().len(), 1);
}
