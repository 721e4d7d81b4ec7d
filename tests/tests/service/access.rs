//! Who may ask for what.

use callboard_tests::harness::{Callboard, until};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::{Service, address, client, folder, run_of, value};

/// A token as `callboard token new` makes it: the token, and its entry.
async fn mint(name: &str, more: &str) -> (String, String) {
    let ended = Callboard::new(["token", "new", name])
        .unwrap()
        .run()
        .await
        .unwrap();
    assert_eq!(ended.code, Some(0));
    (
        ended.stdout.trim().to_owned(),
        format!("{}\n{more}\n", ended.stderr.trim()),
    )
}

/// A service with four tokens: of one tenant `one` (a, b and the overseer `all`), and of another `two`.
async fn guarded() -> (TempDir, Service, [String; 4]) {
    let folder = folder();
    let (a, a_entry) = mint("a", "tenant = \"one\"\ntools = [\"ec*\"]").await;
    let (b, b_entry) = mint("b", "tenant = \"one\"").await;
    let (all, all_entry) = mint("all", "tenant = \"one\"\nsees = \"tenant\"").await;
    let (two, two_entry) = mint("two", "tenant = \"two\"\nsees = \"tenant\"").await;
    let file = [a_entry, b_entry, all_entry, two_entry].concat();
    std::fs::write(folder.path().join("tokens.toml"), file).unwrap();
    let words = ["--tools", "basic", "--tokens", "tokens.toml"];
    let service = Service::start_in(folder.path(), &words, |command| command).await;
    (folder, service, [a, b, all, two])
}

#[tokio::test]
async fn a_token_sees_its_own_runs_and_an_overseer_those_of_its_tenant() {
    let (_folder, service, [a, b, all, two]) = guarded().await;
    let run = service.as_who(&a).begin(run_of("quick")).await;
    for (who, token, sees) in [
        ("a", &a, true),
        ("b", &b, false),
        ("all", &all, true),
        ("two", &two, false),
    ] {
        let asker = service.as_who(token);
        let expected = if sees { 200 } else { 404 };
        let path = format!("/v1/runs/{run}");
        assert_eq!(asker.status(Method::GET, &path).await, expected, "{who}");
        assert_eq!(
            asker.status(Method::GET, &format!("{path}/events")).await / 100,
            expected / 100,
            "{who}"
        );
        let cancel = asker.status(Method::DELETE, &path).await;
        assert_eq!(cancel, if sees { 202 } else { 404 }, "{who}");
        let list = asker.get("/v1/runs").await;
        assert_eq!(
            list["runs"].as_array().unwrap().len(),
            usize::from(sees),
            "{who}"
        );
    }
    let same_key = |token: &str| {
        service
            .as_who(token)
            .post("/v1/runs", &run_of("quick"))
            .header("idempotency-key", "k")
            .send()
    };
    let (one, other) = tokio::join!(same_key(&a), same_key(&b));
    assert_ne!(
        value(one.unwrap()).await["id"],
        value(other.unwrap()).await["id"],
        "keys are a token's own"
    );
}

#[tokio::test]
async fn a_token_uses_the_tools_that_it_may() {
    let (_folder, service, [a, b, ..]) = guarded().await;
    let names = |tools: Value| -> Vec<String> {
        let all = tools.as_array().unwrap().iter();
        all.map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(service.as_who(&a).get("/v1/tools").await), ["echo"]);
    assert_eq!(
        names(service.as_who(&b).get("/v1/tools").await),
        ["echo", "wait"]
    );
    let mut wish = run_of("quick");
    wish["tools"] = json!(["wait"]);
    let response = service
        .as_who(&a)
        .post("/v1/runs", &wish)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(value(response).await["error"]["code"], "tool_forbidden");
    let message = json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": "w", "name": "wait", "input": {"ms": 1}}]});
    let response = service
        .as_who(&a)
        .post("/v1/execute", &message)
        .send()
        .await
        .unwrap();
    assert_eq!(
        value(response).await["content"][0]["is_error"],
        true,
        "as if nobody offered it"
    );
}

#[tokio::test]
async fn without_a_known_token_nothing_but_the_probes_is_answered() {
    let (_folder, service, [a, ..]) = guarded().await;
    let wrong = ["", "cbt_wrong", &a[..a.len() - 1], "Bearer"];
    for path in [
        "/v1/runs",
        "/v1/tools",
        "/v1/workers",
        "/metrics",
        "/v1/runs/x",
    ] {
        let response = service.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
        assert!(response.headers().contains_key("www-authenticate"));
        for token in wrong {
            assert_eq!(
                service.as_who(token).status(Method::GET, path).await,
                401,
                "{path} {token:?}"
            );
        }
    }
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        let response = service
            .ask(Method::GET, path)
            .header("host", "any.example")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
    let said = service.child.said();
    assert!(!said.contains(&a), "{said}");
}

#[tokio::test]
async fn tokens_are_read_anew_and_a_bad_file_changes_nothing() {
    let (folder, mut service, [a, ..]) = guarded().await;
    let file = folder.path().join("tokens.toml");
    std::fs::write(&file, "[[token]]\nname = 7").unwrap();
    service.child.hang_up().unwrap();
    service.child.says("the old tokens stay").await.unwrap();
    assert_eq!(
        service.as_who(&a).status(Method::GET, "/v1/runs").await,
        200
    );
    let (new, entry) = mint("new", "").await;
    std::fs::write(&file, entry).unwrap();
    service.child.hang_up().unwrap();
    service
        .child
        .says("the tokens were read anew")
        .await
        .unwrap();
    until("the new token is known", async || {
        Ok((service.as_who(&new).status(Method::GET, "/v1/runs").await == 200).then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(
        service.as_who(&a).status(Method::GET, "/v1/runs").await,
        401
    );
}

#[tokio::test]
async fn an_open_service_stays_on_this_machine() {
    let ended = Callboard::new(["serve", "--listen", "0.0.0.0:0"])
        .unwrap()
        .run()
        .await
        .unwrap();
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("[serve_open]") && ended.stderr.contains("--tokens"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn lines_are_encrypted_on_request() {
    let folder = folder();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(
        folder.path().join("key.pem"),
        made.signing_key.serialize_pem(),
    )
    .unwrap();
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--tls-certificate",
        "cert.pem",
        "--tls-key",
        "key.pem",
    ];
    let command = Callboard::new(words).unwrap().folder(folder.path());
    let mut child = command.start().unwrap();
    let url = address(&mut child)
        .await
        .replace("https://127.0.0.1", "https://localhost");
    assert!(url.starts_with("https://localhost"), "{url}");
    let response = client(&[made.cert.der().clone()])
        .get(format!("{url}/readyz"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        client(&[])
            .get(format!("{url}/readyz"))
            .send()
            .await
            .is_err()
    );
    let plain = url.replace("https", "http");
    assert!(
        client(&[])
            .get(format!("{plain}/readyz"))
            .send()
            .await
            .is_err()
    );
}
