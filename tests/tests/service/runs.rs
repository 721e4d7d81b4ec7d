//! Runs: started, listed, looked at, cancelled, repeated.

use callboard_mock_provider::Format;
use callboard_tests::harness::until;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::common::{Service, run_of, value};

#[tokio::test]
async fn a_run_goes_to_its_end_and_is_kept() {
    let service = Service::start().await;
    let response = service
        .post("/v1/runs", &run_of("quick"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let begun = value(response).await;
    assert_eq!(
        location,
        format!("/v1/runs/{}", begun["id"].as_str().unwrap())
    );
    let view = service.ended(begun["id"].as_str().unwrap()).await;
    assert_eq!(
        (&view["reason"], &view["turns"], &view["calls"]),
        (&json!("answered"), &json!(2), &json!(1))
    );
    assert_eq!(view["report"]["text"], "done");
    assert_eq!(view["report"]["tally"]["completed"], 1);
    assert_eq!(view["report"]["run"], begun["id"]);
}

#[tokio::test]
async fn who_waits_gets_the_report() {
    let service = Service::start().await;
    let response = service
        .post("/v1/runs?wait=true", &run_of("quick"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(value(response).await["report"]["text"], "done");
}

#[tokio::test]
async fn a_client_that_goes_away_loses_no_run() {
    let service = Service::start().await;
    let request = service.post("/v1/runs?wait=true", &run_of("short"));
    let waiting = tokio::spawn(request.send());
    let run = until("the run is listed", async || {
        let list = service.get("/v1/runs?status=running").await;
        Ok(list["runs"][0]["id"].as_str().map(str::to_owned))
    })
    .await
    .unwrap();
    waiting.abort();
    assert_eq!(service.ended(&run).await["reason"], "answered");
}

#[tokio::test]
async fn a_cancelled_run_settles_its_calls() {
    let service = Service::start().await;
    let run = service.begin(run_of("slow")).await;
    service.told(&run, "call_posted").await;
    let path = format!("/v1/runs/{run}");
    let response = service.ask(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let view = service.ended(&run).await;
    assert_eq!(view["reason"], "cancelled");
    let call = &view["report"]["turns"][0]["calls"][0];
    assert_eq!(call["outcome"], "cancelled");
    let again = service.ask(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(
        again.status(),
        StatusCode::ACCEPTED,
        "it has ended, and may be cancelled again"
    );
}

#[tokio::test]
async fn a_list_has_pages_and_counts() {
    let service = Service::start().await;
    let mut begun = Vec::new();
    for _ in 0..5 {
        let run = service.begin(run_of("quick")).await;
        service.ended(&run).await;
        begun.push(run);
    }
    let running = service.begin(run_of("slow")).await;
    let mut seen = Vec::new();
    let mut path = "/v1/runs?status=ended&limit=2".to_owned();
    loop {
        let page = service.get(&path).await;
        assert_eq!(page["counts"], json!({"running": 1, "ended": 5}));
        let runs = page["runs"].as_array().unwrap();
        seen.extend(
            runs.iter()
                .map(|run| run["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/v1/runs?status=ended&limit=2&before={next}");
    }
    // Runs of one millisecond have no order.
    seen.sort();
    begun.sort();
    assert_eq!(seen, begun);
    let list = service.get("/v1/runs?status=running").await;
    assert_eq!(list["runs"][0]["id"], json!(running));
    assert!(list["runs"][0].get("report").is_none());
}

#[tokio::test]
async fn a_key_stands_for_one_run() {
    let service = Service::start().await;
    let ask = |body: serde_json::Value| {
        let request = service
            .post("/v1/runs", &body)
            .header("idempotency-key", "k-1");
        async { request.send().await.unwrap() }
    };
    let first = ask(run_of("quick")).await;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let first = value(first).await;
    let again = ask(run_of("quick")).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(value(again).await["id"], first["id"]);
    let other = ask(run_of("slow")).await;
    assert_eq!(other.status(), StatusCode::CONFLICT);
    assert_eq!(value(other).await["error"]["code"], "key_taken");
    assert_eq!(
        service.get("/v1/runs").await["runs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn keys_that_come_at_once_start_one_run() {
    let service = Service::start().await;
    let asked = (0..20).map(|_| {
        let request = service.post("/v1/runs", &run_of("slow"));
        request.header("idempotency-key", "same").send()
    });
    let mut ids = Vec::new();
    for response in futures_util::future::join_all(asked).await {
        ids.push(value(response.unwrap()).await["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn messages_are_repeated_to_each_provider_as_they_came() {
    for (format, word, variable, messages) in [
        (
            Format::Anthropic,
            "anthropic",
            "ANTHROPIC_API_KEY",
            json!([{"role": "user", "content": "Go on."}]),
        ),
        (
            Format::Chat,
            "openai-chat",
            "OPENAI_API_KEY",
            json!([{"role": "user", "content": "Go on."}]),
        ),
        (
            Format::Responses,
            "openai",
            "OPENAI_API_KEY",
            json!([{"role": "user", "content": "Go on."}]),
        ),
        (
            Format::Gemini,
            "gemini",
            "GEMINI_API_KEY",
            json!([{"role": "user", "parts": [{"text": "Go on."}]}]),
        ),
    ] {
        let mock = super::common::mock("[[turn]]\ntext = \"hello\"\n").await;
        let model = format!("{word}/mock");
        let variable_of_url = format!(
            "CALLBOARD_PROVIDER__{}__BASE_URL",
            word.replace('-', "_").to_uppercase()
        );
        let url = mock.base_url(format);
        let service = Service::with(&["--tools", "basic", "--model", &model], |command| {
            command.env(variable, "sk-test").env(&variable_of_url, &url)
        })
        .await;
        let body = json!({"messages": messages, "system": "Be short."});
        let response = service
            .post("/v1/runs?wait=true", &body)
            .send()
            .await
            .unwrap();
        let view = value(response).await;
        assert_eq!(view["report"]["text"], "hello", "{word}: {view}");
        let asked = mock.requests().pop().unwrap();
        let asked = String::from_utf8_lossy(&asked.body).into_owned();
        assert!(
            asked.contains("Go on.") && asked.contains("Be short."),
            "{word}: {asked}"
        );
    }
}

#[tokio::test]
async fn the_model_that_a_run_shows_can_be_asked_for_again() {
    let service = Service::start().await;
    let mut wish = run_of("quick");
    for _ in 0..2 {
        let run = service.begin(wish.clone()).await;
        let ended = service.ended(&run).await;
        assert_eq!(ended["model"], "script/quick");
        wish["model"] = ended["report"]["model"].clone();
    }
}
