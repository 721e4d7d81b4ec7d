//! Who takes part in a recording: two workers with their tools, and coordinators.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use callboard_coordinator::catalogue::Catalogue;
use callboard_coordinator::dispatch::{Dispatch, DispatchHandle, Options};
use callboard_coordinator::link::nats::NatsLink as CoordinatorLink;
use callboard_coordinator::model::ToolUse;
use callboard_coordinator_core::{Report, TurnOptions};
use callboard_proto::server::ServerOptions;
use callboard_proto::{
    CallKey, CoordinatorId, Effect, Epoch, InstanceId, Manifest, Part, Pool, Retry, RunId, Tenant,
    ToolName, ToolSpec, ToolUseId, Turn, TurnKey, WorkerName,
};
use callboard_worker::executor::{self, Executor};
use callboard_worker::link::nats::NatsLink as WorkerLink;
use callboard_worker::tool::{Answer, Tool, ToolCall, ToolError, ToolResult, Tools, tool_fn};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long coordinators look for the tools, and turns may take: longer than any does.
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn tenant() -> Tenant {
    Tenant::new("stage").expect("letters")
}

/// The tools of the first worker. The second has [`SOLO`] alone.
pub(super) const TOOLS: [&str; 8] = [
    "look",
    "order get.v2",
    "picture",
    "complain",
    "decline",
    "fall",
    "pay",
    "rehearse",
];
/// The tool of the worker that has one slot.
pub(super) const SOLO: &str = "solo";

/// Lets held tools answer, or holds them.
#[derive(Clone, Debug)]
pub(super) struct Gate(watch::Sender<bool>);

impl Gate {
    fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn set(&self, is_open: bool) {
        self.0.send_replace(is_open);
    }

    async fn passed(&self) {
        let mut gate = self.0.subscribe();
        // The gate's own sender outlives the wait.
        let _open = gate.wait_for(|is_open| *is_open).await;
    }
}

/// A real worker.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) instance: InstanceId,
    pub(super) pool: Pool,
    pub(super) gate: Gate,
    handle: executor::Handle,
    actor: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    /// One with eight slots and every kind of tool.
    pub(super) async fn ensemble(server: &ServerOptions) -> anyhow::Result<Self> {
        Self::ensemble_as(server, InstanceId::new(Uuid::new_v4())).await
    }

    /// The same as this instance.
    pub(super) async fn ensemble_as(
        server: &ServerOptions,
        instance: InstanceId,
    ) -> anyhow::Result<Self> {
        let gate = Gate::new();
        let tools = Tools::new(TOOLS.map(|name| ensemble_tool(name, &gate)))?;
        let mut options =
            executor::Options::new(WorkerName::new("ensemble-1")?, Pool::new("main")?)
                .with_slots(8)
                .with_labels(vec!["zone=eu-1".parse()?, "gpu".parse()?]);
        options.instance = instance;
        Self::start(server, options, tools, gate).await
    }

    /// One with a single slot, that forgets every result at once.
    pub(super) async fn soloist(server: &ServerOptions) -> anyhow::Result<Self> {
        let gate = Gate::new();
        let held = gate.clone();
        let tool = tool(SOLO, Manifest::new(Effect::Idempotent), move |_| {
            let held = held.clone();
            async move {
                held.passed().await;
                Ok(Answer::text("sung"))
            }
        });
        let tools = Tools::new([tool])?;
        let mut options =
            executor::Options::new(WorkerName::new("soloist-1")?, Pool::new("side")?).with_slots(1);
        options.limits.results_bytes_max = 0;
        Self::start(server, options, tools, gate).await
    }

    async fn start(
        server: &ServerOptions,
        options: executor::Options,
        tools: Tools,
        gate: Gate,
    ) -> anyhow::Result<Self> {
        let announce = options.announce(&tools, 0);
        let link = WorkerLink::connect(server, tenant(), announce).await?;
        let (instance, pool) = (options.instance, options.pool.clone());
        let (executor, handle) = Executor::new(options, tools, link)?;
        let actor = tokio::spawn(async move { Ok(executor.run().await.link.close().await?) });
        Ok(Self {
            instance,
            pool,
            gate,
            handle,
            actor,
        })
    }

    /// Waits for the end of a worker that drains, its last words included.
    pub(super) async fn ended(self) -> anyhow::Result<()> {
        self.actor.await?
    }

    /// Ends it at once.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.handle.stop().await;
        self.ended().await
    }
}

fn tool<B>(
    name: &str,
    manifest: Manifest,
    body: impl Fn(ToolCall) -> B + Send + Sync + 'static,
) -> Arc<dyn Tool>
where
    B: Future<Output = ToolResult> + Send + 'static,
{
    let schema = json!({ "type": "object", "properties": { "note": { "type": "string" } } });
    let spec = ToolSpec {
        name: ToolName::new(name).expect("the names here are valid"),
        description: format!("The tool {name:?} of the recording."),
        input_schema: schema.to_string(),
        manifest,
    };
    tool_fn(spec, move |_: Value, call| body(call)).into()
}

fn ensemble_tool(name: &'static str, gate: &Gate) -> Arc<dyn Tool> {
    let mut manifest = Manifest::new(Effect::Read);
    match name {
        "look" => {
            manifest.deadline_ms = Some(30_000);
            manifest.attempt_timeout_ms = Some(20_000);
            manifest.require = vec!["zone=eu-1".parse().expect("a label")];
            manifest.prefer = vec!["gpu".parse().expect("a label")];
            manifest.output_bytes_max = Some(65_536);
        }
        "pay" => {
            manifest.effect = Effect::Write;
            let gate = gate.clone();
            return tool(name, manifest, move |_| pay(gate.clone()));
        }
        "rehearse" => {
            let gate = gate.clone();
            return tool(name, manifest, move |call| rehearse(call, gate.clone()));
        }
        // Tried once, so that one recording of it is all there is.
        _ => manifest.retry = Retry { attempts: 1 },
    }
    tool(name, manifest, move |_| std::future::ready(answer_of(name)))
}

async fn pay(gate: Gate) -> ToolResult {
    gate.passed().await;
    Ok(Answer::text("paid"))
}

async fn rehearse(call: ToolCall, gate: Gate) -> ToolResult {
    call.progress(Some(10), Some("first act"));
    gate.passed().await;
    Ok(Answer::text("rehearsed"))
}

fn answer_of(name: &str) -> ToolResult {
    match name {
        "order get.v2" => Answer::json(&json!({ "order": 17, "items": ["mask", "cloak"] })),
        "picture" => Ok(Answer::parts(vec![
            Part::Text("Two of them, and where the third is.".to_owned()),
            Part::Image {
                media_type: "image/png".to_owned(),
                data: b"\x89PNG\r\n\x1a\n\0\xff".to_vec(),
            },
            Part::Document {
                media_type: "application/pdf".to_owned(),
                name: Some("programme.pdf".to_owned()),
                data: b"%PDF-1.7\n%\xe2\xe3".to_vec(),
            },
            Part::Resource {
                uri: "file:///programme.txt".to_owned(),
                media_type: Some("text/plain".to_owned()),
                text: Some("Act one.".to_owned()),
            },
            Part::Json(r#"{"count":3}"#.to_owned()),
        ])),
        "complain" => Ok(Answer::error("there is no order 17; ask for another")),
        "decline" => {
            Err(ToolError::refused("the till is closed").retry_after(Duration::from_millis(1_500)))
        }
        "fall" => Err(ToolError::crashed("the trapdoor was open")),
        "look" => Ok(Answer::text("gründlich")),
        _ => Err(ToolError::internal(format!("nobody taught me {name}"))),
    }
}

/// A real coordinator with one run.
pub(super) struct Coordinator {
    dispatch: DispatchHandle,
    actor: JoinHandle<anyhow::Result<()>>,
    run: RunId,
    turns: u32,
}

impl Coordinator {
    pub(super) async fn start(server: &ServerOptions) -> anyhow::Result<Self> {
        let id = CoordinatorId::new(Uuid::new_v4());
        let link = CoordinatorLink::connect(server, tenant(), id).await?;
        let (dispatch, handle) = Dispatch::new(Options::new(id), link);
        let actor = tokio::spawn(async move { Ok(dispatch.run().await.close().await?) });
        let this = Self {
            dispatch: handle,
            actor,
            run: RunId::new(Uuid::new_v4()),
            turns: 0,
        };
        let wanted = TOOLS.iter().chain([&SOLO]).map(|name| ToolName::new(*name));
        let wanted = wanted.collect::<Result<_, _>>()?;
        ensure!(
            this.dispatch.await_tools(wanted, DEADLINE).await?,
            "the workers were not found in time"
        );
        Ok(this)
    }

    /// Begins the next turn of its run with these calls: id and tool.
    pub(super) async fn next_turn(&mut self, calls: &[(&str, &str)]) -> anyhow::Result<Begun> {
        self.turns += 1;
        let uses = calls
            .iter()
            .map(|(id, tool)| {
                Ok(ToolUse::new(
                    ToolUseId::new(*id)?,
                    (*tool).to_owned(),
                    Bytes::from(r#"{ "note":"as the model wrote it: é" }"#),
                ))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let calls = Catalogue::freeze(self.dispatch.offers().await?).check_all(&uses);
        let turn = TurnKey {
            run: self.run,
            turn: Turn(self.turns),
        };
        let options = TurnOptions {
            // Fenced from the second turn on.
            epoch: Epoch(u64::from(self.turns) - 1),
            ..TurnOptions::until(Instant::now() + DEADLINE)
        };
        let dispatch = self.dispatch.clone();
        let report = tokio::spawn(async move { dispatch.gather(turn, options, calls).await });
        Ok(Begun { turn, report })
    }

    /// Ends one call of a turn.
    pub(super) async fn cancel(&self, turn: TurnKey, id: &str) -> anyhow::Result<()> {
        let call = CallKey {
            run: turn.run,
            turn: turn.turn,
            id: ToolUseId::new(id)?,
        };
        Ok(self.dispatch.cancel_call(call).await?)
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.dispatch.shut_down().await?;
        self.actor.await?
    }
}

/// A turn that is being gathered.
pub(super) struct Begun {
    pub(super) turn: TurnKey,
    report: JoinHandle<Result<Report, callboard_coordinator::dispatch::Gone>>,
}

impl Begun {
    /// Waits for its report.
    pub(super) async fn report(self) -> anyhow::Result<Report> {
        Ok(self.report.await??)
    }
}
