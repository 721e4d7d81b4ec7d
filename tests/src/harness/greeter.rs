//! A stranger on a NATS port: greets like a server of another version, and keeps the client waiting or content.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A TCP port that says one line to whoever connects, and answers pings. Gone when dropped.
#[derive(Debug)]
pub struct Greeter {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Greeter {
    /// Greets as a nats-server of this version.
    ///
    /// # Errors
    /// No port is free.
    pub async fn of_version(version: &str) -> anyhow::Result<Self> {
        let info = serde_json::json!({
            "server_id": "GREETER", "server_name": "greeter", "version": version, "proto": 1,
            "host": "127.0.0.1", "port": 4222, "headers": true, "max_payload": 1_048_576,
            "client_id": 1, "client_ip": "127.0.0.1",
        });
        Self::saying(format!("INFO {info}\r\n")).await
    }

    /// Says this line, whatever it means.
    ///
    /// # Errors
    /// No port is free.
    pub async fn saying(greeting: String) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                talks.spawn(talk(stream, greeting.clone()));
            }
        });
        Ok(Self { address, task })
    }

    /// The URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

impl Drop for Greeter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk(stream: TcpStream, greeting: String) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    if write.write_all(greeting.as_bytes()).await.is_err() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        if line.starts_with("PING") && write.write_all(b"PONG\r\n").await.is_err() {
            return;
        }
    }
}
