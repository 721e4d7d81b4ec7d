//! A strict MCP server of the tests' own, on standard input and output: a second reading of the protocol
//! that shares nothing with the library that Callboard uses. What it may not hear ends it with code 70.
//!
//! `mcp-server [--silent] [--garbage] [--exit CODE] [--page N] [--serial] [--ledger FILE] [--refuse METHOD]
//! [--broken]`

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use serde_json::{Map, Value, json};

/// What it does besides answering.
#[derive(Debug, Parser)]
struct Arguments {
    /// Answers nothing
    #[arg(long)]
    silent: bool,
    /// Prints what is no message to its standard output
    #[arg(long)]
    garbage: bool,
    /// Ends at once
    #[arg(long)]
    exit: Option<i32>,
    /// Tools on one page
    #[arg(long, default_value_t = 3)]
    page: usize,
    /// Answers one call at a time and refuses the others
    #[arg(long)]
    serial: bool,
    /// Where each call and each cancellation is written
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// A method that it answers with an error
    #[arg(long)]
    refuse: Option<String>,
    /// Lists entries that are no tools as well
    #[arg(long)]
    broken: bool,
}

#[derive(Default)]
struct State {
    ids: BTreeSet<String>,
    is_initialized: bool,
    memory: BTreeMap<String, Value>,
    extra: Vec<String>,
    running: usize,
    cancelled: BTreeSet<String>,
}

struct Server {
    arguments: Arguments,
    state: Mutex<State>,
    changed: Condvar,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(code) = arguments.exit {
        complain("there is nothing to serve");
        std::process::exit(code);
    }
    if arguments.garbage {
        say_line("Welcome!");
        say_line("{\"not\": \"a message\"}");
    }
    complain("the fake server stands");
    let server = Arc::new(Server {
        arguments,
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    for line in std::io::stdin().lock().lines() {
        let line = line.context("standard input is no text")?;
        if server.arguments.silent {
            continue;
        }
        let Ok(message) = serde_json::from_str::<Map<String, Value>>(&line) else {
            forbid("a line that is no JSON object");
        };
        server.hear(message);
    }
    Ok(())
}

fn say_line(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // A reader that is gone ends the server soon.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

fn complain(what: &str) {
    let _ = writeln!(std::io::stderr(), "mcp-server: {what}");
}

fn forbid(what: &str) -> ! {
    complain(&format!("forbidden: {what}"));
    std::process::exit(70);
}

impl Server {
    fn hear(self: &Arc<Self>, message: Map<String, Value>) {
        if message.get("jsonrpc") != Some(&json!("2.0")) {
            forbid("a message without its version");
        }
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            forbid("an answer to what nobody asked");
        };
        let params = message.get("params").cloned().unwrap_or(json!({}));
        match message.get("id") {
            None => self.notice(method, &params),
            Some(id) if id.is_string() || id.is_u64() => {
                let is_new = self.lock().ids.insert(id.to_string());
                if !is_new {
                    forbid("an id that stands twice");
                }
                self.request(id.clone(), method, params);
            }
            Some(_) => forbid("an id that is neither text nor number"),
        }
    }

    fn notice(&self, method: &str, params: &Value) {
        match method {
            "notifications/initialized" => self.lock().is_initialized = true,
            "notifications/cancelled" => {
                let id = params["requestId"].to_string();
                if !self.lock().ids.contains(&id) {
                    forbid("a cancellation of what was never asked");
                }
                self.write(&format!("cancelled {id}"));
                self.lock().cancelled.insert(id);
                self.changed.notify_all();
            }
            _ => forbid("a notice that it doesn't know"),
        }
    }

    fn request(self: &Arc<Self>, id: Value, method: &str, params: Value) {
        if self.arguments.refuse.as_deref() == Some(method) {
            return refuse(&id, -32603, "not \u{1b}[1mtoday");
        }
        if method == "initialize" {
            if !params["protocolVersion"].is_string() || !params["clientInfo"].is_object() {
                forbid("an initialize without version or client");
            }
            answer(
                &id,
                &json!({
                    "protocolVersion": "2025-06-18",
                    "capabilities": { "tools": { "listChanged": true } },
                    "serverInfo": { "name": "fake", "version": "1" },
                }),
            );
            return;
        }
        if method == "ping" {
            return answer(&id, &json!({}));
        }
        if !self.lock().is_initialized {
            forbid("a request before the client was initialized");
        }
        match method {
            "tools/list" => self.list(&id, &params),
            "tools/call" => {
                let server = Arc::clone(self);
                std::thread::spawn(move || server.call(&id, &params));
            }
            _ => refuse(&id, -32601, "no such method"),
        }
    }

    fn list(&self, id: &Value, params: &Value) {
        let tools = self.tools();
        let from = match &params["cursor"] {
            Value::Null => 0,
            Value::String(cursor) => cursor
                .parse()
                .unwrap_or_else(|_| forbid("another's cursor")),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                forbid("a cursor that is no text")
            }
        };
        let to = tools.len().min(from + self.arguments.page);
        let mut page = json!({ "tools": tools[from..to] });
        if to < tools.len() {
            page["nextCursor"] = to.to_string().into();
        }
        answer(id, &page);
    }

    fn tools(&self) -> Vec<Value> {
        let text = json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } } });
        let any = json!({ "type": "object" });
        let mut tools = vec![
            json!({ "name": "echo", "description": "Says it again.", "inputSchema": text, "annotations": { "readOnlyHint": true } }),
            json!({ "name": "add", "description": "Adds.", "inputSchema": { "type": "object", "properties": { "a": { "type": "number" }, "b": { "type": "number" } } }, "annotations": { "idempotentHint": true } }),
        ];
        let plain = [
            "wait", "fail", "refuse", "picture", "crash", "change", "remember", "recall", "about",
        ];
        if self.arguments.broken {
            tools.insert(1, json!({ "name": "odd", "inputSchema": "anything" }));
            tools.push(json!(["no", "tool"]));
        }
        let state = self.lock();
        let extra = state.extra.iter().map(String::as_str);
        for name in plain.into_iter().chain(extra) {
            tools.push(json!({ "name": name, "description": format!("The tool {name}."), "inputSchema": any }));
        }
        tools
    }

    fn call(&self, id: &Value, params: &Value) {
        let arguments = &params["arguments"];
        if !arguments.is_object() {
            forbid("a call without arguments");
        }
        let name = params["name"].as_str().unwrap_or_default();
        self.write(&format!("call {id} {name} {arguments}"));
        let is_alone = {
            let mut state = self.lock();
            state.running += 1;
            state.running == 1
        };
        if self.arguments.serial && !is_alone {
            forbid("a second call while one is answered");
        }
        self.execute(id, name, arguments, &params["_meta"]["progressToken"]);
        self.lock().running -= 1;
    }

    fn execute(&self, id: &Value, name: &str, arguments: &Value, token: &Value) {
        let text = |text: &str| json!({ "content": [{ "type": "text", "text": text }] });
        let result = match name {
            "echo" => text(arguments["text"].as_str().unwrap_or_default()),
            "add" => {
                let sum =
                    arguments["a"].as_f64().unwrap_or(0.0) + arguments["b"].as_f64().unwrap_or(0.0);
                json!({ "content": [], "structuredContent": { "sum": sum } })
            }
            "wait" => {
                if self.wait(id, arguments, token) {
                    // As the protocol asks: no answer to what was cancelled.
                    return;
                }
                text("waited")
            }
            "fail" => {
                json!({ "content": [{ "type": "text", "text": "it went wrong" }], "isError": true })
            }
            "refuse" => return refuse(id, -32602, "these arguments are no good"),
            "picture" => json!({ "content": [
                { "type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png" },
                { "type": "audio", "data": "AAEC", "mimeType": "audio/wav" },
                { "type": "resource", "resource": { "uri": "fake://one", "mimeType": "text/plain", "text": "one" } },
            ] }),
            "crash" => {
                complain("the ground gives way");
                std::process::exit(9)
            }
            "change" => {
                let extra = arguments["tools"].as_array().cloned().unwrap_or_default();
                let extra = extra.iter().filter_map(Value::as_str).map(str::to_owned);
                self.lock().extra = extra.collect();
                say_line(
                    &json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" })
                        .to_string(),
                );
                text("changed")
            }
            "remember" => {
                let key = arguments["key"].to_string();
                self.lock().memory.insert(key, arguments["value"].clone());
                text("remembered")
            }
            "recall" => text(
                &self
                    .lock()
                    .memory
                    .get(&arguments["key"].to_string())
                    .cloned()
                    .unwrap_or_default()
                    .to_string(),
            ),
            "about" => {
                let names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
                let folder = std::env::current_dir().unwrap_or_default();
                json!({ "content": [], "structuredContent": {
                    "pid": std::process::id(), "env": names, "secret": std::env::var("SECRET").ok(), "cwd": folder,
                } })
            }
            _ if self.lock().extra.iter().any(|extra| extra == name) => text(name),
            _ => return refuse(id, -32602, "no such tool"),
        };
        answer(id, &result);
    }

    /// Waits, and tells how far it is; whether the call was cancelled.
    fn wait(&self, id: &Value, arguments: &Value, token: &Value) -> bool {
        let steps = arguments["steps"].as_u64().unwrap_or(1);
        let pause = Duration::from_millis(arguments["ms"].as_u64().unwrap_or(0));
        let id = id.to_string();
        for step in 1..=steps {
            let state = self.lock();
            let still = |state: &mut State| !state.cancelled.contains(&id);
            let Ok((state, _)) = self.changed.wait_timeout_while(state, pause, still) else {
                forbid("a poisoned lock");
            };
            if state.cancelled.contains(&id) {
                return true;
            }
            drop(state);
            if !token.is_null() {
                let params = json!({ "progressToken": token, "progress": step, "total": steps, "message": format!("step {step}") });
                say_line(&json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }).to_string());
            }
        }
        false
    }

    fn write(&self, line: &str) {
        if let Some(path) = &self.arguments.ledger {
            let ledger = OpenOptions::new().create(true).append(true).open(path);
            let written = ledger.and_then(|mut ledger| writeln!(ledger, "{line}"));
            if written.is_err() {
                forbid("a ledger that can't be written");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|_| forbid("a poisoned lock"))
    }
}

fn answer(id: &Value, result: &Value) {
    say_line(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
}

fn refuse(id: &Value, code: i32, message: &str) {
    let error = json!({ "code": code, "message": message });
    say_line(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string());
}
