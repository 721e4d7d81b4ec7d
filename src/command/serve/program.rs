//! What the service is given: models as they are configured, and workers for each tenant.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard_coordinator::core::run::Budgets;
use callboard_coordinator::model::http::ProviderModel;
use callboard_coordinator::model::script::ScriptedModel;
use callboard_coordinator::provider::{Format, ToolChoice};
use callboard_coordinator::run_log::RunLogs;
use callboard_coordinator::service::runs::{EagerWish, NewRun};
use callboard_coordinator::service::{AnyModel, Cast, Connected, Defaults, Refusal, Setup};
use callboard_proto::Tenant;
use callboard_telemetry::metrics::Metrics;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::config::{Config, EagerWord, Model, ParallelWord};
use crate::exit::{BadInput, bad_input};
use crate::session::Session;
use crate::telemetry::{self, Pipeline, Readers};

/// What the names of scripts begin with.
const SCRIPT: &str = "script/";

/// What the service is given.
pub(super) struct Program {
    config: Config,
    defaults: Defaults,
    scripts: BTreeMap<String, ScriptedModel>,
    pipeline: Pipeline,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// One for each format, for its connections.
    providers: Mutex<HashMap<Format, ProviderModel>>,
    sessions: Mutex<Vec<Session>>,
    /// Why the last tenant could not be connected.
    error: Mutex<Option<anyhow::Error>>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration may name secrets.
        f.debug_struct("Program").finish_non_exhaustive()
    }
}

impl Program {
    pub(super) fn new(config: &Config) -> anyhow::Result<Self> {
        let limits = &config.coordinator;
        let mut scripts = BTreeMap::new();
        for (name, path) in &config.serve.scripts {
            let script = ScriptedModel::from_file(path).map_err(bad_input)?;
            scripts.insert(name.clone(), script);
        }
        let program = Self {
            defaults: Defaults {
                budgets: Budgets {
                    time: config.serve.run_time,
                    turn_time: limits.deadline,
                    ..Budgets::default()
                },
                call_deadline: limits.call_deadline,
                parallel_max: limits.parallel,
                discovery_timeout: limits.discovery_timeout,
                keeps_content: config.telemetry.content,
                traces_url: config.telemetry.jaeger_url.clone(),
            },
            config: config.clone(),
            scripts,
            pipeline: Pipeline::coordinator(uuid::Uuid::new_v4().to_string())?,
            shared: Arc::default(),
        };
        // A model that is configured and can't be asked is told now, and not at the first run.
        if program.usual().is_some() {
            let wish = NewRun::default();
            program
                .cast(&wish)
                .map_err(|refusal| BadInput(refusal.message()))?;
        }
        Ok(program)
    }

    /// The error behind a refusal to connect.
    pub(super) fn why_not(&self, refusal: &Refusal) -> anyhow::Error {
        lock(&self.shared.error)
            .take()
            .unwrap_or_else(|| anyhow::anyhow!(refusal.message()))
    }

    /// Ends the coordinators and the embedded workers of all tenants.
    pub(super) async fn close(&self) {
        let sessions = std::mem::take(&mut *lock(&self.shared.sessions));
        for session in sessions {
            session.close().await;
        }
        self.pipeline.end().await;
    }

    /// The configured model, with what a run wishes otherwise.
    fn model(&self, wish: &NewRun, name: &str) -> Model {
        let mut model = self.config.model.clone();
        model.name = Some(name.to_owned());
        if let Some(system) = &wish.system {
            model.system = Some(system.clone());
            model.system_file = None;
        }
        model.max_tokens = wish.max_tokens.or(model.max_tokens);
        if let Some(choice) = &wish.tool_choice {
            model.tool_choice.clone_from(choice);
        }
        if let Some(parallel) = wish.parallel {
            model.parallel = ParallelWord(parallel.into());
        }
        match wish.eager {
            Some(EagerWish::Off) => model.eager = EagerWord::Off,
            Some(EagerWish::Read) => model.eager = EagerWord::Read,
            None => {}
        }
        model
    }

    fn provider(&self, model: &Model) -> anyhow::Result<(ProviderModel, ToolChoice)> {
        model.check()?;
        let Some((format, name)) = model.target()? else {
            return Err(BadInput("the run names no model".to_owned()).into());
        };
        let provider = self.config.provider.of(format);
        let mut settings = model.settings(name)?;
        if format == Format::Chat {
            settings.dialect = provider.dialect();
        }
        let choice = settings.tool_choice.clone();
        let mut providers = lock(&self.shared.providers);
        if let Some(provider) = providers.get(&format) {
            return Ok((provider.with_settings(settings), choice));
        }
        let provider = ProviderModel::new(format, settings, provider.options(format)?)?;
        providers.insert(format, provider.clone());
        Ok((provider, choice))
    }

    /// The model of runs that name none.
    fn usual(&self) -> Option<&str> {
        let config = &self.config;
        let name = config.serve.model.as_ref().or(config.model.name.as_ref());
        name.map(String::as_str)
    }

    fn is_allowed(&self, name: &str) -> bool {
        let models = &self.config.serve.models;
        self.usual() == Some(name)
            || self.config.model.name.as_deref() == Some(name)
            || models.iter().any(|model| model == name || model == "*")
    }
}

impl Setup for Program {
    fn cast(&self, wish: &NewRun) -> Result<Cast, Refusal> {
        let refused = |why: String| Err(Refusal::Model { why });
        let Some(name) = wish.model.as_deref().or(self.usual()) else {
            return refused("the run names no model, and none is configured".to_owned());
        };
        let model = self.model(wish, name);
        let eager = model.eager.eager();
        if let Some(script) = name.strip_prefix(SCRIPT) {
            let Some(script) = self.scripts.get(script) else {
                return refused(format!("there is no script {script:?} here"));
            };
            return Ok(Cast {
                // Under the name that it can be asked for by.
                model: AnyModel::Script(script.clone().with_name(name)),
                tool_choice: ToolChoice::Auto,
                parallel: model.parallel.0,
                eager,
                origin: telemetry::origin(name, None),
            });
        }
        if !self.is_allowed(name) {
            return refused(format!("this service doesn't ask the model {name:?}"));
        }
        match self.provider(&model) {
            Ok((provider, tool_choice)) => Ok(Cast {
                model: AnyModel::Provider(Box::new(provider)),
                tool_choice,
                parallel: model.parallel.0,
                eager,
                origin: match model.target() {
                    Ok(Some((format, name))) => telemetry::origin(name, Some(format)),
                    Ok(None) | Err(_) => telemetry::origin(name, None),
                },
            }),
            Err(error) => refused(bad_input(error).to_string()),
        }
    }

    fn connect(
        &self,
        tenant: &Tenant,
        logs: Arc<RunLogs>,
    ) -> BoxFuture<'static, Result<Connected, Refusal>> {
        let mut config = self.config.clone();
        config.nats.tenant = tenant.to_string();
        let shared = Arc::clone(&self.shared);
        let pipeline = self.pipeline.clone();
        async move {
            match Session::open_in(pipeline, &config, logs).await {
                Ok(session) => {
                    let connected = Connected {
                        dispatch: session.dispatch.clone(),
                        tools: session.embedded_tools().to_vec(),
                        traces: session.watch.traces.clone(),
                        metrics: session.watch.metrics.clone(),
                    };
                    lock(&shared.sessions).push(session);
                    Ok(connected)
                }
                Err(error) => {
                    tracing::warn!(tenant = %config.nats.tenant, %error, "a tenant's workers can't be reached");
                    let why = error.to_string();
                    *lock(&shared.error) = Some(error);
                    Err(Refusal::Workers { why })
                }
            }
        }
        .boxed()
    }

    fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    fn metrics(&self) -> &Arc<Metrics> {
        self.pipeline.metrics()
    }

    fn refresh(&self) -> BoxFuture<'_, ()> {
        let sessions = lock(&self.shared.sessions);
        let readers: Vec<Readers> = sessions.iter().map(Session::readers).collect();
        drop(sessions);
        let all = readers.into_iter().map(|readers| async move {
            // One whose coordinator has ended says what it said last.
            let _ = readers.refresh().await;
        });
        futures_util::future::join_all(all).map(drop).boxed()
    }
}

/// What is behind these locks is whole whenever they are free.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
