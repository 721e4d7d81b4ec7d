//! What these tests share: a service, a client, and a reader of events.

use std::sync::Arc;
use std::time::Duration;

use callboard_mock_provider::{Mock, Options, Script};
use callboard_tests::harness::{Callboard, Child, until};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Scripts by the name that runs give them.
const SCRIPTS: [(&str, &str); 5] = [
    (
        "quick",
        "[[turn]]\n[[turn.call]]\nid = \"a\"\ntool = \"echo\"\narguments = { n = 1 }\n[[turn]]\ntext = \"done\"\n",
    ),
    (
        "slow",
        "[[turn]]\n[[turn.call]]\nid = \"w\"\ntool = \"wait\"\narguments = { ms = 60000 }\n[[turn]]\ntext = \"done\"\n",
    ),
    (
        "short",
        "[[turn]]\n[[turn.call]]\nid = \"w\"\ntool = \"wait\"\narguments = { ms = 1000 }\n[[turn]]\ntext = \"done\"\n",
    ),
    (
        "noop",
        "[[turn]]\ndelay_ms = 2000\n[[turn.call]]\nid = \"a\"\ntool = \"echo\"\n[[turn]]\ntext = \"done\"\n",
    ),
    ("long", ""),
];

/// Turns of the script `long`, each of three calls.
pub(crate) const LONG_TURNS: usize = 60;

/// A folder with the scripts.
pub(crate) fn folder() -> TempDir {
    let folder = TempDir::with_prefix("callboard-serve-").unwrap();
    for (name, text) in SCRIPTS {
        let text = if name == "long" {
            long()
        } else {
            text.to_owned()
        };
        std::fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    folder
}

fn long() -> String {
    let call = |id: usize| format!("[[turn.call]]\nid = \"c{id}\"\ntool = \"echo\"\n");
    let turn = format!("[[turn]]\ndelay_ms = 5\n{}{}{}", call(0), call(1), call(2));
    turn.repeat(LONG_TURNS) + "[[turn]]\ntext = \"done\"\n"
}

/// A service of its own.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) client: Client,
    token: Option<String>,
    _folder: Option<TempDir>,
}

impl Service {
    /// With embedded workers that offer `echo` and `wait`.
    pub(crate) async fn start() -> Self {
        Self::with(&["--tools", "basic"], |command| command).await
    }

    /// With these words, in a folder with the scripts.
    pub(crate) async fn with(words: &[&str], set_up: impl FnOnce(Callboard) -> Callboard) -> Self {
        let folder = folder();
        let service = Self::start_in(folder.path(), words, set_up).await;
        Self {
            _folder: Some(folder),
            ..service
        }
    }

    pub(crate) async fn start_in(
        folder: &std::path::Path,
        words: &[&str],
        set_up: impl FnOnce(Callboard) -> Callboard,
    ) -> Self {
        let mut command = Callboard::new(["serve", "--listen", "127.0.0.1:0"]).unwrap();
        for (name, _) in SCRIPTS {
            command = command.args(["--script", &format!("{name}={name}.toml")]);
        }
        let command = command
            .env("CALLBOARD_SERVE__MODEL", "script/quick")
            .args(words);
        let mut child = set_up(command.folder(folder)).start().unwrap();
        let url = address(&mut child).await;
        Self {
            child,
            url,
            client: client(&[]),
            token: None,
            _folder: None,
        }
    }

    /// The same service, asked with this token.
    pub(crate) fn as_who(&self, token: &str) -> Asker<'_> {
        Asker {
            service: self,
            token: Some(token.to_owned()),
        }
    }

    fn asker(&self) -> Asker<'_> {
        Asker {
            service: self,
            token: self.token.clone(),
        }
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.asker().ask(method, path)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        value(response).await
    }

    /// Starts a run; gives its id.
    pub(crate) async fn begin(&self, body: Value) -> String {
        self.asker().begin(body).await
    }

    /// Waits for the end of a run.
    pub(crate) async fn ended(&self, run: &str) -> Value {
        until("the run ends", async || {
            let view = self.get(&format!("/v1/runs/{run}")).await;
            Ok((view["status"] == "ended").then_some(view))
        })
        .await
        .unwrap()
    }

    /// Waits until a run has told an event of this type.
    pub(crate) async fn told(&self, run: &str, wanted: &str) {
        let mut events = self.follow(run, 0).await;
        while let Some(event) = events.next().await {
            if event.name == wanted {
                return;
            }
        }
        panic!("{wanted} was never told");
    }

    pub(crate) async fn follow(&self, run: &str, after: u64) -> Events {
        let request = self.ask(Method::GET, &format!("/v1/runs/{run}/events"));
        let request = request.header("last-event-id", after.to_string());
        Events::of(request.send().await.unwrap())
    }
}

/// Somebody who asks a service.
pub(crate) struct Asker<'a> {
    service: &'a Service,
    token: Option<String>,
}

impl Asker<'_> {
    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.service.url);
        let request = self.service.client.request(method, url);
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    pub(crate) async fn status(&self, method: Method, path: &str) -> u16 {
        let response = self.ask(method, path).send().await.unwrap();
        response.status().as_u16()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        value(self.ask(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.ask(Method::POST, path)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    pub(crate) async fn begin(&self, body: Value) -> String {
        let response = self.post("/v1/runs", &body).send().await.unwrap();
        let status = response.status();
        let view = value(response).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{view}");
        view["id"].as_str().unwrap().to_owned()
    }
}

impl Service {
    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.asker().post(path, body)
    }
}

/// The address that a service says it serves at.
pub(crate) async fn address(child: &mut Child) -> String {
    let said = child.hears("serving on ").await.unwrap();
    let rest = said.split("serving on ").nth(1).unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

/// A client that trusts these certificates.
pub(crate) fn client(roots: &[rustls::pki_types::CertificateDer<'static>]) -> Client {
    let mut trusted = rustls::RootCertStore::empty();
    for root in roots {
        trusted.add(root.clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(Duration::from_secs(120))
        .build()
        .unwrap()
}

/// A body as JSON.
pub(crate) async fn value(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A mock that plays this script.
pub(crate) async fn mock(script: &str) -> Mock {
    let script = Script::from_toml("test", script).unwrap();
    Mock::start(Options::default(), script).await.unwrap()
}

/// A run of this script.
pub(crate) fn run_of(script: &str) -> Value {
    json!({"prompt": "go", "model": format!("script/{script}"), "budgets": {"turns": 100}})
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<u64>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// Reads events as they come.
pub(crate) struct Events {
    pub(crate) status: StatusCode,
    response: Response,
    text: String,
    pub(crate) heartbeats: usize,
}

impl Events {
    pub(crate) fn of(response: Response) -> Self {
        Self {
            status: response.status(),
            response,
            text: String::new(),
            heartbeats: 0,
        }
    }

    /// The next event; none at the end, and where the line is cut.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = read(block);
                self.text = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => self.heartbeats += 1,
                }
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    pub(crate) async fn all(mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}

fn read(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let lines = block.lines().filter_map(|line| line.strip_prefix(name));
        lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
    };
    let name = field("event:");
    if name.is_empty() {
        return None;
    }
    Some(Event {
        id: field("id:").parse().ok(),
        name,
        data: serde_json::from_str(&field("data:")).unwrap(),
    })
}
