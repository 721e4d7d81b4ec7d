//! The tools that a measured worker offers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callboard_proto::{Effect, Manifest, ToolName, ToolSpec};
use callboard_worker::tool::{Answer, Tool, ToolCall, ToolResult, Tools};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::watch;

use crate::bench::payload;
use crate::bench::protocol::{self, Execution};
use crate::bench::serve::nanos;

/// What the arguments must be; the schema check is part of what is measured.
const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "order_id": { "type": "string", "minLength": 1, "maxLength": 40 },
        "from": { "type": "integer", "minimum": 0, "maximum": 9 },
        "note": { "type": "string" }
    },
    "required": ["order_id", "from", "note"],
    "additionalProperties": false
}"#;

/// One of the tools.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Which.
    pub tool: protocol::Tool,
    /// Its name.
    pub name: ToolName,
}

/// All of them.
///
/// # Panics
/// Never: the names are valid.
#[must_use]
pub fn kinds() -> Vec<Kind> {
    use protocol::Tool;
    let all = [
        (Tool::Read, "bench_read"),
        (Tool::Write, "bench_write"),
        (Tool::Sleep5, "bench_sleep_5"),
        (Tool::Sleep300, "bench_sleep_300"),
        (Tool::Held, "bench_held"),
    ];
    all.map(|(tool, name)| Kind {
        tool,
        name: ToolName::new(name).expect("the name is valid"),
    })
    .into()
}

/// What a measured worker's process remembers, and the gate of its held calls.
#[derive(Clone, Debug)]
pub struct Journal {
    began: Instant,
    executions: Arc<Mutex<Vec<Execution>>>,
    gate: watch::Sender<bool>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            executions: Arc::default(),
            gate: watch::Sender::new(false),
        }
    }
}

impl Journal {
    /// Hands out what was executed since the last question. No-ops aren't noted: a note would be part
    /// of what is measured.
    #[must_use]
    pub fn take(&self) -> Vec<Execution> {
        std::mem::take(&mut self.executions())
    }

    /// Lets held calls answer, those to come included.
    pub fn let_go(&self) {
        self.gate.send_replace(true);
    }

    fn executions(&self) -> std::sync::MutexGuard<'_, Vec<Execution>> {
        self.executions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        nanos(self.began.elapsed())
    }

    fn note(&self, from: u32, began_nanos: u64) {
        let ended_nanos = self.now();
        self.executions().push(Execution {
            from,
            began_nanos,
            ended_nanos,
        });
    }

    async fn sleep(self, from: u32, time: Duration) -> ToolResult {
        let began = self.now();
        tokio::time::sleep(time).await;
        self.note(from, began);
        Ok(Answer::text(payload::result()))
    }

    async fn hold(self, from: u32) -> ToolResult {
        self.note(from, self.now());
        let mut gate = self.gate.subscribe();
        // The gate lives as long as the journal.
        let _open = gate.wait_for(|open| *open).await;
        Ok(Answer::text(payload::result()))
    }
}

/// Makes the tools of a worker.
///
/// # Errors
/// When they can't be offered.
pub fn tools(journal: &Journal) -> anyhow::Result<Tools> {
    let tools = kinds().into_iter().map(|kind| {
        let effect = match kind.tool {
            protocol::Tool::Write => Effect::Write,
            protocol::Tool::Read
            | protocol::Tool::Sleep5
            | protocol::Tool::Sleep300
            | protocol::Tool::Held => Effect::Read,
        };
        let tool: Arc<dyn Tool> = Arc::new(Measured {
            tool: kind.tool,
            spec: ToolSpec {
                name: kind.name,
                description: "A tool of the benchmark.".to_owned(),
                input_schema: SCHEMA.to_owned(),
                manifest: Manifest::new(effect),
            },
            result: payload::result(),
            journal: journal.clone(),
        });
        tool
    });
    Ok(Tools::new(tools)?)
}

struct Measured {
    tool: protocol::Tool,
    spec: ToolSpec,
    result: String,
    journal: Journal,
}

#[derive(Deserialize)]
struct Arguments {
    from: u32,
}

impl Tool for Measured {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, call: ToolCall) -> BoxFuture<'static, ToolResult> {
        let sleep = |millis| {
            let time = Duration::from_millis(millis);
            match call.parse() {
                Ok(Arguments { from }) => self.journal.clone().sleep(from, time).boxed(),
                Err(error) => std::future::ready(Err(error)).boxed(),
            }
        };
        match self.tool {
            protocol::Tool::Read | protocol::Tool::Write => {
                std::future::ready(Ok(Answer::text(self.result.clone()))).boxed()
            }
            protocol::Tool::Sleep5 => sleep(5),
            protocol::Tool::Sleep300 => sleep(300),
            protocol::Tool::Held => self.journal.clone().hold(0).boxed(),
        }
    }
}
