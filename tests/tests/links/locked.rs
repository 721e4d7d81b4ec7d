//! A server that is locked down by what `callboard keys` makes.

use std::path::{Path, PathBuf};

use async_nats::{ConnectOptions, Event, ServerError};
use callboard_tests::harness::Callboard;
use callboard_tests::server::{Options, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Refusals that wait to be looked at: each is taken before the next is asked for.
const REFUSALS: usize = 8;

/// The server's word on something that it refused, and when it came.
pub(super) struct Refusal {
    pub(super) text: String,
    pub(super) at: Instant,
}

pub(super) struct Locked {
    pub(super) folder: TempDir,
    pub(super) server: Server,
}

impl Locked {
    /// Two tenants, one with two pools, behind TLS.
    pub(super) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        keys(
            folder.path(),
            "acme --pool main --pool gpu --tls localhost --tls 127.0.0.1",
        )
        .await;
        keys(folder.path(), "other --pool main").await;
        let text =
            |name: &str| std::fs::read_to_string(folder.path().join("keys").join(name)).unwrap();
        let server_file = text("nats.conf");
        assert!(server_file.contains("include \"accounts.conf\""));
        // The harness says where the server listens, and its file stands elsewhere.
        let tls = folder.path().join("keys/tls/");
        let rest = server_file
            .replace("include \"accounts.conf\"", &text("accounts.conf"))
            .replace("port: 4222\n", "")
            .replace("\"tls/", &format!("\"{}", tls.display()));
        let server = Server::start(&Options::default().config(&rest))
            .await
            .unwrap();
        Self { folder, server }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("keys").join(name)
    }

    /// Where it listens, by the name in its certificate.
    pub(super) fn url(&self) -> String {
        format!("tls://localhost:{}", self.server.address().port())
    }

    /// A command of `tenant` under the key of `role`.
    pub(super) fn command(&self, words: &str, tenant: &str, role: &str) -> Callboard {
        Callboard::new(words.split(' '))
            .unwrap()
            .nats(&self.url())
            .args(["--tenant", tenant])
            .env(
                "CALLBOARD_NATS__NKEY_FILE",
                &text(&self.path(&format!("{tenant}/{role}.nk"))),
            )
            .env(
                "CALLBOARD_NATS__ROOT_CERTIFICATES_FILE",
                &text(&self.path("tls/ca.pem")),
            )
    }

    /// A plain client under the key of `role`, and what the server refuses it.
    pub(super) async fn client(&self, role: &str) -> (async_nats::Client, mpsc::Receiver<Refusal>) {
        let (sender, refusals) = mpsc::channel(REFUSALS);
        let seed = std::fs::read_to_string(self.path(&format!("acme/{role}.nk"))).unwrap();
        let client = ConnectOptions::with_nkey(seed.trim().to_owned())
            .add_root_certificates(self.path("tls/ca.pem"))
            .event_callback(move |event| {
                if let Event::ServerError(ServerError::Other(text)) = event {
                    let at = Instant::now();
                    // More than are looked at say nothing new.
                    let _ = sender.try_send(Refusal { text, at });
                }
                std::future::ready(())
            })
            .connect(self.url())
            .await
            .unwrap();
        (client, refusals)
    }
}

pub(super) fn text(path: &Path) -> String {
    path.display().to_string()
}

pub(super) async fn keys(folder: &Path, words: &str) -> Value {
    let ended = Callboard::new("keys --json --dir keys --tenant".split(' '))
        .unwrap()
        .args(words.split(' '))
        .folder(folder)
        .run()
        .await
        .unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}
