//! An official SDK at work: `tests/providers/clients.py` in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use callboard_coordinator::provider::Format;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use xtask::paths;
use xtask::sdks::Sdks;

/// The key that every request carries.
pub(super) const KEY: &str = "key-of-the-tests";

/// How long an SDK may take to start and answer: a hang, and not a slow machine, must be what ends it. Chosen.
const PATIENCE: Duration = Duration::from_secs(90);

/// A process that asks through one SDK.
pub(super) struct Sdk {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Killed with this.
    _process: Child,
}

impl Sdk {
    pub(super) fn start(sdks: &Sdks, format: Format) -> Self {
        let script = paths::root().join("tests/providers/clients.py");
        let mut process = Command::new(sdks.python())
            .arg(script)
            .arg(format.as_str())
            // Whoever runs the tests may have keys, proxies and base URLs of their own.
            .env_clear()
            .env("NO_PROXY", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
        }
    }

    /// Sends a request's body as the SDK sends it, and gives what the SDK makes of the answer.
    pub(super) async fn ask(
        &mut self,
        base_url: &str,
        is_streamed: bool,
        request: &Value,
    ) -> Result<Understood, Failure> {
        let job = json!({"base_url": base_url, "key": KEY, "is_streamed": is_streamed, "request": request});
        self.input
            .write_all(format!("{job}\n").as_bytes())
            .await
            .unwrap();
        let line = timeout(PATIENCE, self.output.next_line()).await;
        let line = line
            .expect("an SDK answers in time")
            .unwrap()
            .expect("clients.py goes on");
        match serde_json::from_str(&line).unwrap() {
            Told::Understood(understood) => Ok(understood),
            Told::Failed { error } => Err(error),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Told {
    Understood(Understood),
    Failed { error: Failure },
}

/// What an SDK understood.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Understood {
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    pub(super) stop: Option<String>,
    pub(super) usage: Usage,
    /// The whole response, as the SDK writes it.
    pub(super) message: Value,
}

/// A call that it found.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// Tokens that it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Usage {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
}

/// What it raised.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) class: String,
    pub(super) status: Option<u16>,
    pub(super) kind: Option<String>,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
}
