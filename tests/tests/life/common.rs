//! What the tests of workers' lives share.

use std::net::SocketAddr;

use anyhow::Context as _;
use callboard_tests::harness::{Callboard, Message, Report, Results};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a probe answered: its code and its JSON.
pub(crate) async fn probe(address: SocketAddr, path: &str) -> anyhow::Result<(u16, Value)> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: worker\r\n\r\n");
    let answer = talk(address, request.as_bytes()).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
    let code = head.split(' ').nth(1).context("no code")?.parse()?;
    let json = serde_json::from_str(body).unwrap_or(Value::Null);
    Ok((code, json))
}

/// Sends bytes and reads until the other side closes.
pub(crate) async fn talk(address: SocketAddr, bytes: &[u8]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    // A connection that is cut has said what it had to say.
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Executes a message over NATS, and reads its report.
pub(crate) async fn execute(url: &str, message: &Message, words: &[&str]) -> (Report, Results) {
    let command = Callboard::new(["execute", "--json"]).unwrap().nats(url);
    let ended = command
        .args(words)
        .input(message.json())
        .run()
        .await
        .unwrap();
    Report::of(message, &ended.stdout)
        .with_context(|| ended.stderr.clone())
        .unwrap()
}
