//! A worker whose effects can be counted from outside: every execution is written to a [`Ledger`] before it answers.
//!
//! It runs as a process of its own (`referee URL NAME SLOTS LEDGER`) and knows only what the [`Tool`] port gives it.
//!
//! [`Tool`]: callboard_worker::tool::Tool

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use callboard_proto::server::ServerOptions;
use callboard_proto::{Effect, Manifest, Pool, Tenant, ToolName, ToolSpec, WorkerName};
use callboard_worker::executor::{Executor, Options};
use callboard_worker::link::nats::NatsLink;
use callboard_worker::tool::{Answer, Tool, ToolError, Tools, tool_fn};
use serde::Deserialize;

use super::child::Child;
use super::command::Callboard;
use super::ledger::{Entry, Ledger};

/// A tool of effect `write` that takes `ms` milliseconds after its effect.
pub const NOTE: &str = "note";
/// The same with effect `read`: it may be executed again.
pub const LOOK: &str = "look";
/// Answers with `bytes` bytes.
pub const POUR: &str = "pour";
/// A tool whose name no NATS token can hold.
pub const ODD: &str = "odd name.*>é";

/// Starts a referee from its binary and waits until it offers its tools.
///
/// # Errors
/// It ended instead; the text holds what it said.
pub async fn start(
    binary: &str,
    url: &str,
    name: &str,
    slots: u32,
    ledger: &Ledger,
) -> anyhow::Result<Child> {
    let mut command = tokio::process::Command::new(binary);
    command.args([url, name, &slots.to_string()]);
    command.arg(ledger.path());
    Callboard::of(command).offers().await
}

/// What the process runs until it is killed.
///
/// # Errors
/// The words make no sense, or there is no server.
pub async fn run(words: &[String], say: impl FnOnce(&str)) -> anyhow::Result<()> {
    let [url, name, slots, ledger] = words else {
        bail!("usage: referee URL NAME SLOTS LEDGER");
    };
    let tools = tools(name, Path::new(ledger))?;
    let options = Options::new(WorkerName::new(name.as_str())?, Pool::new("referees")?)
        .with_slots(slots.parse().context("SLOTS is no number")?);
    let server = ServerOptions::new(url.parse()?);
    let announce = options.announce(&tools, 0);
    let link = NatsLink::connect(&server, Tenant::new("default")?, announce).await?;
    let (executor, _handle) = Executor::new(options, tools, link)?;
    say("referee: offers its tools");
    executor.run().await;
    Ok(())
}

#[derive(Deserialize)]
struct Wait {
    ms: u64,
}

#[derive(Deserialize)]
struct Pour {
    bytes: usize,
}

fn tools(worker: &str, ledger: &Path) -> anyhow::Result<Tools> {
    Ok(Tools::new([
        counted(NOTE, Effect::Write, worker, ledger)?,
        counted(LOOK, Effect::Read, worker, ledger)?,
        counted(ODD, Effect::Read, worker, ledger)?,
        pour()?,
    ])?)
}

fn spec(name: &str, effect: Effect, field: &str) -> anyhow::Result<ToolSpec> {
    Ok(ToolSpec {
        name: ToolName::new(name)?,
        description: format!("For tests: {name}."),
        input_schema: format!(
            r#"{{"type":"object","properties":{{"{field}":{{"type":"integer","minimum":0}}}},"required":["{field}"]}}"#
        ),
        manifest: Manifest::new(effect),
    })
}

fn counted(
    name: &str,
    effect: Effect,
    worker: &str,
    ledger: &Path,
) -> anyhow::Result<Arc<dyn Tool>> {
    let said = name.replace(' ', "_");
    let (worker, ledger) = (worker.to_owned(), PathBuf::from(ledger));
    let tool = tool_fn(spec(name, effect, "ms")?, move |Wait { ms }, call| {
        let entry = Entry {
            tool: said.clone(),
            id: call.identity().id.to_string(),
            worker: worker.clone(),
        };
        let ledger = ledger.clone();
        async move {
            Ledger::write(&ledger, &entry)
                .map_err(|error| ToolError::internal(error.to_string()))?;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(Answer::text(format!("done {}", entry.id)))
        }
    });
    Ok(tool.into())
}

fn pour() -> anyhow::Result<Arc<dyn Tool>> {
    let tool = tool_fn(
        spec(POUR, Effect::Read, "bytes")?,
        |Pour { bytes }, _call| async move { Ok(Answer::text("x".repeat(bytes))) },
    );
    Ok(tool.into())
}
