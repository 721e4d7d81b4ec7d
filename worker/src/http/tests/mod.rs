//! Tools against servers that run in the test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod answers;
mod ends;
mod guarding;
mod requests;
mod server;
mod specs;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use callboard_proto::{Effect, Manifest, Part, ToolName, ToolSpec};
use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::Value;

use super::{HttpClients, HttpError, HttpSpec, HttpTool, Lookup};
use crate::tool::{Answer, Tool as _, ToolCall, ToolError, ToolResult};

/// A schema for all of them.
const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "n": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}}
    }
}"#;

/// Knows only what it was told.
#[derive(Default)]
struct Names(HashMap<String, Vec<IpAddr>>);

impl Lookup for Names {
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = self.0.get(name).cloned();
        let found = found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"));
        std::future::ready(found).boxed()
    }
}

fn names(pairs: &[(&str, &[&str])]) -> HttpClients {
    let of = |addresses: &[&str]| {
        addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect()
    };
    HttpClients::new(Arc::new(Names(
        pairs
            .iter()
            .map(|(name, addresses)| ((*name).to_owned(), of(addresses)))
            .collect(),
    )))
}

/// `local.test` is this machine.
fn local() -> HttpClients {
    names(&[("local.test", &["127.0.0.1"])])
}

fn spec(effect: Effect) -> ToolSpec {
    ToolSpec {
        name: ToolName::new("ask").unwrap(),
        description: "Asks.".to_owned(),
        input_schema: SCHEMA.to_owned(),
        manifest: Manifest::new(effect),
    }
}

fn try_tool(effect: Effect, http: &str, clients: &HttpClients) -> Result<HttpTool, HttpError> {
    let http: HttpSpec = toml::from_str(http).unwrap();
    HttpTool::new(spec(effect), &http, clients)
}

/// A tool that asks as this TOML says.
fn tool(effect: Effect, http: &str) -> HttpTool {
    try_tool(effect, http, &local()).unwrap()
}

async fn call(tool: &HttpTool, arguments: &Value) -> ToolResult {
    let (call, _control) = ToolCall::detached(arguments.to_string());
    tool.call(call).await
}

/// A result in words.
fn said(result: &ToolResult) -> String {
    let answer = |answer: &Answer| {
        let parts: Vec<String> = answer
            .content()
            .iter()
            .map(|part| match part {
                Part::Text(text) => format!("text {text:?}"),
                Part::Json(json) => format!("json {json}"),
                Part::Image { media_type, data } => format!("{} bytes of {media_type}", data.len()),
                Part::Document {
                    media_type, data, ..
                } => format!("{} bytes of {media_type}, a document", data.len()),
                Part::Resource { .. } | Part::Unknown { .. } => panic!("nobody makes those"),
            })
            .collect();
        let mark = if answer.is_error() { "error: " } else { "" };
        format!("{mark}{}", parts.join(", "))
    };
    match result {
        Ok(ok) => answer(ok),
        Err(ToolError::Answered(answered)) => answer(answered),
        Err(ToolError::Failed(failure)) => format!(
            "{} (executed: {}{}): {}",
            failure.kind,
            failure.executed,
            failure
                .retry_after
                .map_or_else(String::new, |after| format!(", again after {after:?}")),
            failure.message
        ),
    }
}
