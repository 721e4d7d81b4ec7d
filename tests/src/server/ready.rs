//! Waits until a nats-server greets its clients.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

/// How long a server may take to greet. A spawned one takes 20 ms, one in a container 0.7 s (measured 2026-11 on two
/// cores); a loaded CI machine gets the rest.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a server that isn't there yet is asked again.
const TICK: Duration = Duration::from_millis(5);

/// How long one connection may stay silent: a port mapper may take it long before the server listens.
const SILENCE: Duration = Duration::from_secs(1);

/// The part of the server's `INFO` line that the harness reads.
#[derive(Debug, Deserialize)]
pub(super) struct Greeting {
    pub(super) version: String,
    #[serde(default)]
    server_name: String,
}

/// Waits for the greeting of the server on `port`, as long as `alive` finds nothing wrong with it. With a `name`, only the
/// server of that name counts: a port that was free when it was drawn may be somebody else's by now.
pub(super) async fn wait(
    port: u16,
    name: Option<&str>,
    mut alive: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Greeting> {
    let began = Instant::now();
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        match timeout(SILENCE, greeting(port)).await {
            Ok(Ok(greeting)) if name.is_none_or(|name| name == greeting.server_name) => {
                return Ok(greeting);
            }
            Ok(Ok(greeting)) if began.elapsed() > PATIENCE => bail!(
                "the server {:?} answers on port {port}, where another was started",
                greeting.server_name
            ),
            Ok(Err(error)) if began.elapsed() > PATIENCE => {
                return Err(
                    error.context(format!("no greeting from port {port} within {PATIENCE:?}"))
                );
            }
            Err(_) if began.elapsed() > PATIENCE => {
                bail!("port {port} takes connections but nobody greets within {PATIENCE:?}")
            }
            Ok(Ok(_) | Err(_)) | Err(_) => alive()?,
        }
    }
}

async fn greeting(port: u16) -> anyhow::Result<Greeting> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    let info = line
        .strip_prefix("INFO ")
        .context("the first line isn't INFO")?;
    Ok(serde_json::from_str(info)?)
}
