//! The traces of this process: set up by the `OTEL_*` variables and `[telemetry]`, flushed at its end.

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator::call_log::CallLog;
use callboard_coordinator::dispatch::ObserveCalls;
use callboard_coordinator::metrics::CoordinatorMetrics;
use callboard_coordinator::provider::Format;
use callboard_coordinator::run::{Observe, RunReport};
use callboard_coordinator::traces::{self, Origin, RunRecorder, Traces};
use callboard_proto::{InstanceId, RunId, TraceContext};
use callboard_telemetry::metrics::Scope;
use callboard_worker::executor::{self, Handle};
use callboard_worker::metrics::WorkerMetrics;
use serde::Serialize;

use crate::config::Config;

pub(crate) use self::pipeline::Pipeline;
pub(crate) use self::readers::Readers;

mod pipeline;
mod readers;

/// How old what is exported may be: exports are a minute apart by default.
const FRESH: Duration = Duration::from_secs(5);
/// What carries messages between processes.
const NATS: &str = "nats";
/// What carries them where coordinator and workers are one.
const LOCAL: &str = "callboard";

/// What a process tells of its calls.
pub(crate) struct Watch {
    pipeline: Pipeline,
    part: Scope,
    /// Nothing where no traces are exported.
    pub(crate) traces: Option<Arc<Traces>>,
    /// Of a coordinator.
    pub(crate) metrics: Option<Arc<CoordinatorMetrics>>,
    of_workers: Vec<Arc<callboard_worker::traces::Traces>>,
    /// Who is told besides.
    also: Option<Arc<dyn ObserveCalls>>,
}

impl Watch {
    /// Tells nothing.
    pub(crate) fn off() -> Self {
        let pipeline = Pipeline::off();
        let part = pipeline.whole();
        Self::of(pipeline, part)
    }

    fn of(pipeline: Pipeline, part: Scope) -> Self {
        Self {
            pipeline,
            part,
            traces: None,
            metrics: None,
            of_workers: Vec::new(),
            also: None,
        }
    }

    /// With somebody else who is told what becomes of calls.
    pub(crate) fn with_observer(mut self, also: Arc<dyn ObserveCalls>) -> Self {
        self.also = Some(also);
        self
    }

    /// For a coordinator, over NATS or with workers in this process; it counts into this part.
    pub(crate) fn coordinator(
        config: &Config,
        pipeline: Pipeline,
        part: Scope,
    ) -> anyhow::Result<Self> {
        let mut watch = Self::of(pipeline, part);
        let options = traces::Options {
            agent: config.telemetry.agent.clone(),
            tenant: config.tenant()?,
            system: if config.nats.url.is_some() {
                NATS
            } else {
                LOCAL
            },
            captures_content: config.telemetry.content,
        };
        watch.traces = Traces::start(watch.pipeline.telemetry(), options);
        let agent = &config.telemetry.agent;
        let metrics = CoordinatorMetrics::new(watch.part.clone(), agent, watch.traces.as_ref());
        watch.metrics = Some(Arc::new(metrics));
        Ok(watch)
    }

    /// For a worker of its own process.
    pub(crate) fn worker(config: &Config, options: &mut executor::Options) -> anyhow::Result<Self> {
        let instance: InstanceId = options.instance;
        let pipeline = Pipeline::worker(instance.to_string())?;
        let part = pipeline.whole();
        let mut watch = Self::of(pipeline, part);
        watch.add_worker(config, options, NATS)?;
        Ok(watch)
    }

    /// For a worker in the process of its coordinator.
    pub(crate) fn add_embedded(
        &mut self,
        config: &Config,
        options: &mut executor::Options,
    ) -> anyhow::Result<()> {
        self.add_worker(config, options, LOCAL)
    }

    fn add_worker(
        &mut self,
        config: &Config,
        options: &mut executor::Options,
        system: &'static str,
    ) -> anyhow::Result<()> {
        let identity = options.identity();
        options.traces = callboard_worker::traces::Traces::start(
            self.pipeline.telemetry(),
            identity,
            config.tenant()?,
            system,
        );
        self.of_workers.extend(options.traces.clone());
        options.metrics = Some(Arc::new(WorkerMetrics::new(self.part.clone())));
        Ok(())
    }

    /// Who the dispatcher tells.
    pub(crate) fn observer(&self) -> Option<Arc<dyn ObserveCalls>> {
        let mut observers: Vec<Arc<dyn ObserveCalls>> = Vec::new();
        let metrics = self.metrics.as_ref();
        observers.extend(metrics.map(|metrics| Arc::clone(metrics.calls()) as _));
        observers.extend(self.traces.clone().map(|traces| traces as _));
        observers.extend(self.also.clone());
        if CallLog::is_heard() {
            observers.push(Arc::new(CallLog::new(self.traces.clone())));
        }
        (!observers.is_empty()).then(|| Arc::new(observers) as _)
    }

    /// What watches a run: its trace, where that is recorded, and its metrics.
    pub(crate) fn run(
        &self,
        run: RunId,
        origin: Origin,
    ) -> (Option<TraceContext>, Vec<Box<dyn Observe>>) {
        let mut observers: Vec<Box<dyn Observe>> = Vec::new();
        if let Some(metrics) = &self.metrics {
            observers.push(Box::new(metrics.run(&origin.model)));
        }
        let recorder = self.traces.as_ref();
        let recorder = recorder.and_then(|traces| traces.begin_run(run, origin));
        let context = recorder.as_ref().map(RunRecorder::context);
        observers.extend(recorder.map(|recorder| Box::new(recorder) as _));
        (context, observers)
    }

    /// Keeps what is exported fresh, while who is read lives.
    pub(crate) fn keep_fresh(&self, readers: Readers) {
        if !self.exports_metrics() {
            return;
        }
        tokio::spawn(async move {
            while readers.refresh().await.is_ok() {
                tokio::time::sleep(FRESH).await;
            }
        });
    }

    /// Reads for the last time.
    pub(crate) async fn settle(&self, readers: &Readers) {
        if self.exports_metrics() {
            // One that has ended has said its last word.
            let _ = readers.refresh().await;
        }
    }

    /// Keeps what is exported of a worker fresh, while it lives.
    pub(crate) fn keep_worker_fresh(&self, handle: &Handle, metrics: &Arc<WorkerMetrics>) {
        self.keep_fresh(Readers::of_worker(handle.clone(), Arc::clone(metrics)));
    }

    fn exports_metrics(&self) -> bool {
        self.pipeline.telemetry().exports_metrics()
    }

    /// Writes down what there is. Where nobody else in the process tells any more, exports it and ends.
    pub(crate) async fn close(self) {
        if let Some(traces) = &self.traces {
            traces.write();
        }
        for traces in &self.of_workers {
            traces.write();
        }
        self.pipeline.end_if_last().await;
    }
}

/// Where a run comes from: its model, and the trace of whoever started this program.
pub(crate) fn origin(model: &str, format: Option<Format>) -> Origin {
    Origin {
        parent: inherited(),
        model: model.to_owned(),
        provider: format.map(|format| provider(format).to_owned()),
    }
}

/// The trace of whoever started this program. What can't be read is passed over, as W3C asks.
pub(crate) fn inherited() -> Option<TraceContext> {
    std::env::var("TRACEPARENT").ok()?.trim().parse().ok()
}

/// The provider, as the conventions call it.
const fn provider(format: Format) -> &'static str {
    match format {
        Format::Anthropic => "anthropic",
        Format::Responses | Format::Chat => "openai",
        Format::Gemini => "gcp.gemini",
    }
}

/// A trace as people look it up: its id, and where it is shown, if that is configured.
pub(crate) fn shown(config: &Config, trace_id: &str) -> String {
    match link(config, trace_id) {
        Some(link) => format!("trace {trace_id}: {link}"),
        None => format!("trace {trace_id}"),
    }
}

/// Where a trace is shown, if that is configured.
pub(crate) fn link(config: &Config, trace_id: &str) -> Option<String> {
    let base = config.telemetry.jaeger_url.as_deref()?;
    Some(format!("{}/trace/{trace_id}", base.trim_end_matches('/')))
}

/// A report with the trace that it belongs to, as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct Traced<'a, T> {
    #[serde(flatten)]
    report: T,
    /// Absent where the report says so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_url: Option<String>,
}

impl<'a, T> Traced<'a, T> {
    /// A report that doesn't name its trace.
    pub(crate) fn new(config: &Config, trace_id: Option<&'a str>, report: T) -> Self {
        Self {
            report,
            trace_id,
            trace_url: trace_id.and_then(|trace_id| link(config, trace_id)),
        }
    }
}

impl<'a> Traced<'a, &'a RunReport> {
    /// A run's report, which names its trace.
    pub(crate) fn of_run(config: &Config, report: &'a RunReport) -> Self {
        let url = report.trace_id.as_deref().and_then(|id| link(config, id));
        Self {
            report,
            trace_id: None,
            trace_url: url,
        }
    }
}
