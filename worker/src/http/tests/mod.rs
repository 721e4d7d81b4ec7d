//! Tools against servers that run in the test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod answers;
mod ends;
mod guarding;
mod requests;
mod specs;

use callboard_proto::{Effect, Manifest, ToolName, ToolSpec};
use serde_json::Value;

use super::testing::{names, said};
use super::{HttpClients, HttpError, HttpSpec, HttpTool};
use crate::tool::{Tool as _, ToolCall, ToolResult};

/// A schema for all of them.
const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "n": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}}
    }
}"#;

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
