//! Joins a coordinator to its workers: over NATS, or in this process.

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator::catalogue::Catalogue;
use callboard_coordinator::dispatch::{Dispatch, DispatchHandle, ObserveCalls, Options};
use callboard_coordinator::link::local::Switchboard;
use callboard_coordinator::link::nats::NatsLink;
use callboard_proto::message::Announce;
use callboard_proto::{CoordinatorId, InstanceId, ToolName, limit};
use callboard_worker::executor::{self, Executor};
use callboard_worker::link::local::LocalLink;
use callboard_worker::metrics::WorkerMetrics;
use callboard_worker::tool::Tools;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::embedded;
use crate::exit::bad_input;
use crate::hosting::Hosting;
use crate::offer::{self, ToolSet};
use crate::output;
use crate::telemetry::{Pipeline, Readers, Watch};

/// How long an embedded worker may take to end with its session.
const EMBEDDED_GRACE: Duration = Duration::from_secs(1);

/// Time between two beats of a worker.
const BEAT: Duration = limit::BEAT_INTERVAL;

/// A coordinator with its workers.
pub(crate) struct Session {
    pub(crate) dispatch: DispatchHandle,
    /// What is told of its calls.
    pub(crate) watch: Watch,
    actor: JoinHandle<()>,
    embedded: Vec<(executor::Handle, Option<Arc<WorkerMetrics>>)>,
    /// The MCP servers of the embedded worker.
    hosting: Option<Hosting>,
    /// What the embedded workers offer: with them, nobody else is waited for.
    embedded_tools: Vec<ToolName>,
    discovery_timeout: Duration,
}

impl Session {
    /// Over the configured server, or with one embedded worker that offers the configured tools (the
    /// shop and the basic ones where none are configured).
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let coordinator = new_coordinator();
        let pipeline = Pipeline::coordinator(coordinator.to_string())?;
        let watch = Watch::coordinator(config, pipeline.clone(), pipeline.whole())?;
        Self::open_with(config, coordinator, watch).await
    }

    /// The same for who only looks at who is there: a viewer's login is enough.
    pub(crate) async fn open_to_look(config: &Config) -> anyhow::Result<Self> {
        let pipeline = Pipeline::coordinator(CoordinatorId::VIEWER.to_string())?;
        let watch = Watch::coordinator(config, pipeline.clone(), pipeline.whole())?;
        Self::open_with(config, CoordinatorId::VIEWER, watch).await
    }

    /// The same as one of several of its process, with somebody who is told what becomes of the calls of
    /// watched turns.
    pub(crate) async fn open_in(
        pipeline: Pipeline,
        config: &Config,
        also: Arc<dyn ObserveCalls>,
    ) -> anyhow::Result<Self> {
        let part = pipeline.of_tenant(&config.tenant()?);
        let watch = Watch::coordinator(config, pipeline, part)?.with_observer(also);
        Self::open_with(config, new_coordinator(), watch).await
    }

    async fn open_with(
        config: &Config,
        coordinator: CoordinatorId,
        mut watch: Watch,
    ) -> anyhow::Result<Self> {
        match config.server()? {
            Some(server) => {
                if config.worker.root.is_some() || !config.worker.tools.is_empty() {
                    output::note(
                        "callboard: tools of this process are not offered over NATS; start a `callboard worker` for them",
                    );
                }
                let link = NatsLink::connect(&server, config.tenant()?, coordinator).await?;
                let options = options(config, coordinator, &watch);
                let (actor, dispatch) = Dispatch::new(options, link);
                let actor = tokio::spawn(async move {
                    if let Err(error) = actor.run().await.close().await {
                        tracing::warn!(%error, "the link could not be closed in order");
                    }
                });
                Ok(Self::new(config, dispatch, actor, Vec::new(), watch))
            }
            None => {
                let mut sets = config.worker.tools.clone();
                if sets.is_empty() && config.tool.is_empty() && config.mcp.is_empty() {
                    sets = vec![ToolSet::Shop, ToolSet::Basic];
                    sets.extend(config.worker.root.is_some().then_some(ToolSet::Fs));
                    let has_database = config.worker.sql.database.is_some();
                    sets.extend(has_database.then_some(ToolSet::Sql));
                }
                let own = offer::tools(&sets, config)?;
                let mut options = executor::Options::new(
                    callboard_proto::WorkerName::new("embedded").map_err(bad_input)?,
                    config.pool()?,
                )
                .with_slots(config.worker.slots)
                .with_labels(config.labels()?);
                watch.add_embedded(config, &mut options)?;
                let hosting = Hosting::start(config, None).await?;
                let tools = hosting
                    .as_ref()
                    .map_or_else(|| own.clone(), |hosting| hosting.offer(&own, &options));
                let workers = vec![(options, tools.clone())];
                let mut session =
                    Self::embedded(config, coordinator, workers, watch, embedded::join)?;
                if let Some(hosting) = &hosting {
                    for (worker, _) in &session.embedded {
                        hosting.follow(own.clone(), &tools, worker.clone());
                    }
                }
                session.hosting = hosting;
                Ok(session)
            }
        }
    }

    /// With these workers in this process, each connected to the switchboard between by `join`.
    pub(crate) fn embedded(
        config: &Config,
        coordinator: CoordinatorId,
        workers: Vec<(executor::Options, Tools)>,
        watch: Watch,
        join: impl Fn(&Switchboard, &Announce) -> LocalLink,
    ) -> anyhow::Result<Self> {
        let board = Switchboard::default();
        let mut handles = Vec::new();
        let mut names = Vec::new();
        for (options, tools) in workers {
            names.extend(tools.offers().iter().map(|offer| offer.spec().name.clone()));
            let announce =
                options.announce(&tools, callboard_worker::link::local::PAYLOAD_BYTES_MAX);
            let link = join(&board, &announce);
            let metrics = options.metrics.clone();
            let (executor, handle) = Executor::new(options, tools, link).map_err(bad_input)?;
            tokio::spawn(executor.run());
            handles.push((handle, metrics));
        }
        let link = board.connect(coordinator);
        let (actor, dispatch) = Dispatch::new(options(config, coordinator, &watch), link);
        let actor = tokio::spawn(async move {
            actor.run().await;
        });
        Ok(Self {
            embedded_tools: names,
            ..Self::new(config, dispatch, actor, handles, watch)
        })
    }

    fn new(
        config: &Config,
        dispatch: DispatchHandle,
        actor: JoinHandle<()>,
        embedded: Vec<(executor::Handle, Option<Arc<WorkerMetrics>>)>,
        watch: Watch,
    ) -> Self {
        let session = Self {
            dispatch,
            watch,
            actor,
            embedded,
            hosting: None,
            embedded_tools: Vec::new(),
            discovery_timeout: config.coordinator.discovery_timeout,
        };
        session.watch.keep_fresh(session.readers());
        session
    }

    /// What its metrics are read from.
    pub(crate) fn readers(&self) -> Readers {
        let workers = self.embedded.iter();
        let workers =
            workers.filter_map(|(handle, metrics)| Some((handle.clone(), metrics.clone()?)));
        Readers::new(
            self.watch.metrics.clone(),
            self.dispatch.clone(),
            workers.collect(),
        )
    }

    /// The tools that are there without waiting for anybody.
    pub(crate) fn embedded_tools(&self) -> &[ToolName] {
        &self.embedded_tools
    }

    /// Freezes the tools on offer, as soon as all of these are known or the time for it is over (P10).
    pub(crate) async fn catalogue(&self, wanted: Vec<ToolName>) -> anyhow::Result<Arc<Catalogue>> {
        let wanted = if wanted.is_empty() {
            self.embedded_tools.clone()
        } else {
            wanted
        };
        self.dispatch
            .await_tools(wanted.clone(), self.discovery_timeout)
            .await?;
        let mut catalogue = Catalogue::freeze(self.dispatch.offers().await?);
        if catalogue.tools().len() == 0 && self.embedded.is_empty() {
            // Who is far away, or just begins, is heard by its next beat.
            self.dispatch
                .await_tools(wanted, self.discovery_timeout + BEAT)
                .await?;
            catalogue = Catalogue::freeze(self.dispatch.offers().await?);
        }
        if catalogue.tools().len() == 0 {
            output::note(&format!("callboard: {}, so no call can run", self.nobody()));
        }
        for conflict in catalogue.conflicts() {
            let others: Vec<String> = conflict
                .others
                .iter()
                .map(|(digest, instances)| format!("{} ({instances})", digest.short()))
                .collect();
            output::note(&format!(
                "callboard: workers offer different tools named {}; using {}, not {}",
                conflict.name,
                conflict.chosen.short(),
                others.join(", ")
            ));
        }
        for unusable in catalogue.unusable() {
            output::note(&format!("callboard: {unusable}"));
        }
        Ok(Arc::new(catalogue))
    }

    /// That nobody offers a tool, and what helps.
    pub(crate) fn nobody(&self) -> String {
        if !self.embedded.is_empty() {
            return "nobody offers a tool; choose some: --tools basic".to_owned();
        }
        let within = humantime::format_duration(self.discovery_timeout * 2 + BEAT);
        format!(
            "no worker told of a tool within {within}; start a worker (callboard worker --help), or raise \
             coordinator.discovery_timeout where workers are far away"
        )
    }

    /// Listens for everybody who is there, for the whole discovery time; where nobody is heard, for the next
    /// beat too.
    pub(crate) async fn listen(&self) -> anyhow::Result<()> {
        let embedded = &self.embedded_tools;
        self.dispatch
            .await_tools(embedded.clone(), self.discovery_timeout)
            .await?;
        if self.embedded.is_empty() && self.dispatch.standing().await?.workers.is_empty() {
            self.dispatch
                .await_tools(Vec::new(), self.discovery_timeout + BEAT)
                .await?;
        }
        Ok(())
    }

    /// Ends the coordinator and the embedded workers.
    pub(crate) async fn close(self) {
        self.watch.settle(&self.readers()).await;
        // An actor that has ended has closed its link.
        let _ = self.dispatch.shut_down().await;
        let _ = self.actor.await;
        for (worker, _) in self.embedded {
            // What still runs was cancelled with its turn; a tool that ignores that is left behind.
            let _ = tokio::time::timeout(EMBEDDED_GRACE, worker.stop()).await;
        }
        if let Some(hosting) = self.hosting {
            hosting.stop().await;
        }
        self.watch.close().await;
    }
}

pub(crate) fn new_coordinator() -> CoordinatorId {
    CoordinatorId::new(uuid::Uuid::new_v4())
}

fn options(config: &Config, coordinator: CoordinatorId, watch: &Watch) -> Options {
    let mut options = Options::new(coordinator);
    options.limits.waiting_calls_max = config.coordinator.waiting_calls_max;
    options.busy_poll = config.coordinator.busy_poll;
    options.observer = watch.observer();
    options
}

/// Names that can be names of tools; the others are answered as unknown.
pub(crate) fn wanted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<ToolName> {
    let mut names: Vec<ToolName> = names.filter_map(|name| ToolName::new(name).ok()).collect();
    names.sort();
    names.dedup();
    names
}

/// An instance, short enough for a table.
pub(crate) fn short(instance: InstanceId) -> String {
    let mut text = instance.to_string();
    text.truncate(8);
    text
}
