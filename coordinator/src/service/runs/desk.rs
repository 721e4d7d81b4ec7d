//! Begins runs.

use std::any::Any;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use callboard_proto::{Epoch, RunId, Tenant, TraceContext};
use callboard_telemetry::metrics::Metrics;
use futures_util::FutureExt as _;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;

use super::act::{About, Act, Follower, Kind};
use super::admission::Admission;
use super::book::{Book, Key};
use super::{NewRun, Replica};
use crate::catalogue::Catalogue;
use crate::model::Model as _;
use crate::provider::ToolChoice;
use crate::run::{Observe, RunHandle, RunOptions, RunReport};
use crate::run_log::{Happening, RunLogs};
use crate::service::crew::{Crew, Crews};
use crate::service::limits::Limits;
use crate::service::refusal::Refusal;
use crate::service::setup::{Cast, Setup};
use crate::service::token::Caller;
use crate::traces::Origin;

/// The runs and executions of this process.
#[derive(Debug)]
pub struct Runs {
    pub(super) replica: Replica,
    pub(super) limits: Limits,
    pub(super) setup: Arc<dyn Setup>,
    pub(super) crews: Crews,
    state: Mutex<State>,
    /// How many are in flight, for who waits until there are none.
    pub(super) in_flight: watch::Sender<usize>,
    /// Those that are about to begin, and may be asked for by who repeats their key.
    pub(super) starting: watch::Sender<HashSet<RunId>>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) admission: Admission,
    pub(super) runs: Book<Arc<Act>>,
    pub(super) executions: Book<Arc<Act>>,
    /// Whether what runs was told to end.
    pub(super) is_interrupted: bool,
}

/// What is to be begun, and for whom.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// The id that it gets.
    pub run: RunId,
    /// The key that stands for it from now on.
    pub key: Option<String>,
    /// The hash of what is asked for, where there is a key.
    pub fingerprint: Option<String>,
    /// The trace that it belongs to.
    pub trace: Option<TraceContext>,
}

/// What was begun, or found under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its id.
    pub run: RunId,
    /// Whether it was begun by an earlier request with the same key.
    pub is_repeated: bool,
}

/// A run that is about to begin.
#[derive(Debug)]
pub struct Starting {
    runs: Arc<Runs>,
    run: RunId,
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.runs.starting.send_modify(|runs| {
            runs.remove(&self.run);
        });
    }
}

/// The permission to have one more in flight.
#[derive(Debug)]
pub(super) struct Permit {
    runs: Arc<Runs>,
    caller: String,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.runs.state();
        state.admission.release(&self.caller);
        let in_flight = state.admission.in_flight();
        self.runs.in_flight.send_replace(in_flight);
    }
}

impl Runs {
    /// A desk without runs.
    #[must_use]
    pub fn new(replica: Replica, limits: Limits, setup: Arc<dyn Setup>) -> Arc<Self> {
        let kept = |share| Book::new(limits.kept_runs_max, limits.kept_bytes_max / share);
        let state = State {
            admission: Admission::new(limits.runs_max),
            // An execution is kept only for who repeats it, so a quarter of the room is enough.
            runs: kept(1),
            executions: kept(4),
            is_interrupted: false,
        };
        Arc::new(Self {
            replica,
            crews: Crews::new(Arc::clone(&setup), limits.tenants_max),
            limits,
            setup,
            state: Mutex::new(state),
            in_flight: watch::Sender::new(0),
            starting: watch::Sender::default(),
        })
    }

    /// Lets who asks for a run wait until it has begun, or hasn't: until this is dropped.
    #[must_use]
    pub fn starting(self: &Arc<Self>, run: RunId) -> Starting {
        self.starting.send_modify(|runs| {
            runs.insert(run);
        });
        Starting {
            runs: Arc::clone(self),
            run,
        }
    }

    /// This replica.
    #[must_use]
    pub fn replica(&self) -> Replica {
        self.replica
    }

    /// A new id.
    #[must_use]
    pub fn mint(&self) -> RunId {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix_ms = since.map_or(0, |since| since.as_millis());
        let random = uuid::Uuid::new_v4().as_u64_pair().1;
        self.replica
            .run_at(u64::try_from(unix_ms).unwrap_or(u64::MAX), random)
    }

    /// State is whole whenever the lock is free: nothing in it awaits or calls out.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a run, or finds the one that its key stands for.
    ///
    /// # Errors
    /// Why it isn't begun. Nothing of it was.
    pub async fn begin(self: &Arc<Self>, order: Order, wish: NewRun) -> Result<Begun, Refusal> {
        wish.check(self.limits.run_time_max)?;
        if let Some(begun) = self.repeated(Kind::Run, &order)? {
            return Ok(begun);
        }
        let permit = self.admit(&order.caller)?;
        let cast = self.setup.cast(&wish)?;
        let crew = self.crews.of(&order.caller.tenant).await?;
        let only = wish.tools.as_deref();
        let catalogue = crew.catalogue(&order.caller, only).await?;
        if let ToolChoice::Tool(tool) = &cast.tool_choice
            && catalogue.find(tool).is_none()
        {
            return Err(Refusal::ToolUnknown { tool: tool.clone() });
        }
        let spans = crew.traces.as_ref().and_then(|traces| {
            let origin = Origin {
                parent: order.trace,
                ..cast.origin.clone()
            };
            traces.begin_run(order.run, origin)
        });
        let trace = spans
            .as_ref()
            .map_or(order.trace, |spans| Some(spans.context()));
        let about = About {
            run: order.run,
            kind: Kind::Run,
            caller: order.caller.name.clone(),
            tenant: order.caller.tenant.clone(),
            model: cast.model.name().to_owned(),
            task: wish.shown(),
            trace,
            keeps_content: self.setup.defaults().keeps_content,
            traces_url: self.setup.defaults().traces_url.clone(),
            fingerprint: order.fingerprint.clone(),
            started_at: SystemTime::now(),
        };
        match self.enter(&order, about, &crew.logs)? {
            Err(begun) => Ok(begun),
            Ok((act, follower)) => {
                let options = RunOptions {
                    trace,
                    ..self.options(&order, &wish, &cast, catalogue)
                };
                let mut observers: Vec<Box<dyn Observe>> = vec![Box::new(follower)];
                // Before the spans: when these are told of the end, the trace is over.
                let counted = crew.metrics.as_ref();
                let counted = counted.map(|metrics| metrics.run(&cast.origin.model));
                observers.extend(counted.map(|counted| Box::new(counted) as _));
                observers.extend(spans.map(|spans| Box::new(spans) as _));
                let dispatch = crew.dispatch.clone();
                let handle = RunHandle::start(options, cast.model, dispatch, observers);
                tokio::spawn(drive(Arc::clone(self), permit, act, handle));
                Ok(Begun {
                    run: order.run,
                    is_repeated: false,
                })
            }
        }
    }

    fn options(
        &self,
        order: &Order,
        wish: &NewRun,
        cast: &Cast,
        catalogue: Arc<Catalogue>,
    ) -> RunOptions {
        let defaults = self.setup.defaults();
        let budgets = wish.budgets.unwrap_or_default();
        let call_time = budgets.call_time_ms;
        let call_time = call_time.map(|ms| std::time::Duration::from_millis(ms.get()));
        RunOptions {
            run: order.run,
            task: wish.opening(),
            catalogue,
            budgets: budgets.over(defaults.budgets.clone()),
            call_deadline: call_time.or(defaults.call_deadline),
            parallel: cast.parallel.at_most(defaults.parallel_max),
            eager: cast.eager,
            tool_choice: cast.tool_choice.clone(),
            epoch: Epoch(0),
            trace: order.trace,
            is_watched: true,
        }
    }

    pub(super) fn admit(self: &Arc<Self>, caller: &Caller) -> Result<Permit, Refusal> {
        let mut state = self.state();
        state.admission.admit(caller, Instant::now())?;
        self.in_flight.send_replace(state.admission.in_flight());
        Ok(Permit {
            runs: Arc::clone(self),
            caller: caller.name.clone(),
        })
    }

    /// What the key of an order stands for already.
    pub(super) fn repeated(&self, kind: Kind, order: &Order) -> Result<Option<Begun>, Refusal> {
        self.state().repeated(kind, order)
    }

    /// Enters something that begins; gives what was entered under the same key meanwhile instead.
    pub(super) fn enter(
        &self,
        order: &Order,
        about: About,
        logs: &Arc<RunLogs>,
    ) -> Result<Result<(Arc<Act>, Follower), Begun>, Refusal> {
        let mut state = self.state();
        if state.is_interrupted {
            return Err(Refusal::Draining);
        }
        let kind = about.kind;
        if let Some(begun) = state.repeated(kind, order)? {
            return Ok(Err(begun));
        }
        let (act, follower) = Act::begin(about, logs);
        let key = order.key();
        state.book_mut(kind).enter(order.run, key, Arc::clone(&act));
        Ok(Ok((act, follower)))
    }

    /// Notes how something ended, and drops what is too old to keep.
    pub(super) fn end(&self, act: &Act, reason: String, output: Box<RawValue>) {
        let bytes = act.finish(reason, output);
        let mut state = self.state();
        let book = state.book_mut(act.about.kind);
        let gone = book.end(act.about.run, bytes);
        drop(state);
        drop(gone);
    }

    /// Connects the workers of a tenant before the first run needs them.
    ///
    /// # Errors
    /// When they can't be reached.
    pub async fn connect(&self, tenant: &Tenant) -> Result<(), Refusal> {
        self.crews.of(tenant).await.map(drop)
    }

    /// The workers of all tenants that are connected.
    pub(crate) fn crews(&self) -> Vec<(Tenant, Arc<Crew>)> {
        self.crews.connected()
    }

    /// Where the process counts.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        self.setup.metrics()
    }

    /// Reads anew what is counted elsewhere.
    pub(crate) async fn refresh(&self) {
        self.setup.refresh().await;
    }

    /// The workers of a tenant.
    pub(crate) async fn crew(&self, caller: &Caller) -> Result<Arc<Crew>, Refusal> {
        self.crews.of(&caller.tenant).await
    }
}

impl Order {
    fn key(&self) -> Option<Key> {
        let key = self.key.clone()?;
        let caller = self.caller.name.clone();
        Some(Key { caller, key })
    }
}

impl State {
    pub(super) fn book_mut(&mut self, kind: Kind) -> &mut Book<Arc<Act>> {
        match kind {
            Kind::Run => &mut self.runs,
            Kind::Execution => &mut self.executions,
        }
    }

    fn repeated(&mut self, kind: Kind, order: &Order) -> Result<Option<Begun>, Refusal> {
        let Some(key) = order.key() else {
            return Ok(None);
        };
        let book = self.book_mut(kind);
        let Some(run) = book.by_key(&key) else {
            return Ok(None);
        };
        let begun = book.find(run).map(|act| &act.about.fingerprint);
        if begun != Some(&order.fingerprint) {
            return Err(Refusal::KeyTaken);
        }
        Ok(Some(Begun {
            run,
            is_repeated: true,
        }))
    }
}

/// Drives a run to its end, whoever still follows it.
async fn drive(runs: Arc<Runs>, permit: Permit, act: Arc<Act>, mut handle: RunHandle) {
    let mut is_cancelled = false;
    let report = loop {
        tokio::select! {
            biased;
            report = AssertUnwindSafe(handle.finished()).catch_unwind() => break report,
            reason = act.cancelled(), if !is_cancelled => {
                is_cancelled = true;
                handle.cancel(reason);
            }
        }
    };
    let (reason, output) = match &report {
        Ok(report) => (report.end.reason.to_owned(), raw(report)),
        Err(panic) => broken(&act, panic.as_ref()),
    };
    runs.end(&act, reason, output);
    drop(permit);
}

fn raw(report: &RunReport) -> Box<RawValue> {
    to_raw_value(report).expect("all keys are strings and memory can't fail")
}

/// What is told of something that a fault of ours ended.
pub(super) fn broken(act: &Act, panic: &(dyn Any + Send)) -> (String, Box<RawValue>) {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(run = %act.about.run, panic = text, "a run broke off by a fault of ours");
    act.log.write(Happening::RunEnded {
        reason: "internal".into(),
        message: None,
    });
    let nothing = RawValue::from_string("null".to_owned()).expect("null is JSON");
    ("internal".to_owned(), nothing)
}
