//! Is told what happens, and writes spans of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use callboard_coordinator_core::CallEvent;
use callboard_proto::{RunId, Tenant, TraceContext};
use callboard_telemetry::{Backlog, Clock, KeyValue, Spans, Telemetry, semconv};
use rustc_hash::FxHashMap;

use super::recorder::{RunRecorder, TurnRecorder};
use super::story::Story;
use super::told::{Began, Told, What};
use crate::dispatch::ObserveCalls;

/// Runs that have ended and may still have results that come late.
const ENDED_MAX: usize = 1_024;

/// How spans are written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the agent that our runs are.
    pub agent: String,
    /// Whose workers are used.
    pub tenant: Tenant,
    /// What carries messages: `nats`, or `callboard` where workers are in the process.
    pub system: &'static str,
    /// Whether arguments and results are written down, too.
    pub captures_content: bool,
}

/// Where a run or turn comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The span of another program that it belongs below.
    pub parent: Option<TraceContext>,
    /// The model, as its provider calls it.
    pub model: String,
    /// The provider, as the conventions call it.
    pub provider: Option<String>,
}

/// Writes the spans of the runs that are recorded. Told to the dispatcher as one of its observers.
#[derive(Debug)]
pub struct Traces {
    spans: Spans,
    options: Options,
    /// The runs that are recorded, with their roots.
    recorded: RwLock<FxHashMap<RunId, TraceContext>>,
    told: Backlog<Told>,
    stories: Mutex<Stories>,
}

#[derive(Debug, Default)]
struct Stories {
    by_run: FxHashMap<RunId, Story>,
    ended: VecDeque<RunId>,
}

impl Traces {
    /// Begins to write; nothing where no traces are exported. What is written goes on until the telemetry
    /// ends; [`Self::write`] before that, so that nothing is left.
    #[must_use]
    pub fn start(telemetry: &Telemetry, options: Options) -> Option<Arc<Self>> {
        let traces = Arc::new(Self {
            spans: telemetry.spans()?.clone(),
            options,
            recorded: RwLock::default(),
            told: Backlog::new(telemetry),
            stories: Mutex::default(),
        });
        traces.told.read_by(telemetry, &traces, Self::write);
        Some(traces)
    }

    /// Begins the trace of a run, or nothing where the sampler says that nobody wants to see it. Its
    /// context belongs into [`RunOptions::trace`], with [`RunOptions::is_watched`]; the recorder watches
    /// the run.
    ///
    /// [`RunOptions::trace`]: crate::run::RunOptions::trace
    /// [`RunOptions::is_watched`]: crate::run::RunOptions::is_watched
    #[must_use]
    pub fn begin_run(self: &Arc<Self>, run: RunId, origin: Origin) -> Option<RunRecorder> {
        let name = format!("{} {}", semconv::INVOKE_AGENT, self.options.agent);
        let attributes = vec![
            KeyValue::new(semconv::OPERATION_NAME, semconv::INVOKE_AGENT),
            KeyValue::new(semconv::AGENT_NAME, self.options.agent.clone()),
            KeyValue::new(semconv::REQUEST_MODEL, origin.model.clone()),
        ];
        let context = self.begin(run, name.into(), attributes, origin)?;
        Some(RunRecorder::new(Arc::clone(self), run, context))
    }

    /// Begins the trace of a turn of somebody else's agent, or nothing where it isn't recorded.
    #[must_use]
    pub fn begin_turn(self: &Arc<Self>, run: RunId, origin: Origin) -> Option<TurnRecorder> {
        let context = self.begin(run, semconv::EXECUTE.into(), Vec::new(), origin)?;
        Some(TurnRecorder::new(Arc::clone(self), run, context))
    }

    fn begin(
        &self,
        run: RunId,
        name: std::borrow::Cow<'static, str>,
        mut attributes: Vec<KeyValue>,
        origin: Origin,
    ) -> Option<TraceContext> {
        let clock = Clock::now();
        let now = Instant::now();
        attributes.push(KeyValue::new(semconv::CONVERSATION_ID, run.to_string()));
        attributes.push(KeyValue::new(semconv::RUN, run.to_string()));
        let root = self
            .spans
            .begin(name, origin.parent, clock.at(now), attributes)?;
        let context = root.context();
        self.recorded_mut().insert(run, context);
        let began = Began {
            root,
            clock,
            model: origin.model,
            provider: origin.provider,
        };
        self.tell(run, now, What::Began(Box::new(began)));
        Some(context)
    }

    /// The trace of a run, while it is recorded.
    #[must_use]
    pub fn of_run(&self, run: RunId) -> Option<TraceContext> {
        self.recorded().get(&run).copied()
    }

    /// Whether arguments and results are written down.
    pub(super) fn captures_content(&self) -> bool {
        self.options.captures_content
    }

    /// Takes notice. Never waits.
    pub(super) fn tell(&self, run: RunId, at: Instant, what: What) {
        self.told.push(Told { run, at, what });
    }

    /// Writes down what was told until now. The reader does so by itself; who ends the process does so
    /// once more.
    pub fn write(&self) {
        let mut stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spans = Vec::new();
        for Told { run, at, what } in self.told.take() {
            match what {
                What::Began(began) => {
                    stories.by_run.insert(run, Story::new(run, *began));
                }
                what @ (What::Asked { .. }
                | What::Answered(_)
                | What::Failed { .. }
                | What::Opened { .. }
                | What::Call { .. }
                | What::Reported { .. }
                | What::Ended { .. }) => {
                    let is_end = matches!(what, What::Ended { .. });
                    if let Some(story) = stories.by_run.get_mut(&run) {
                        story.tell(&self.options, at, what, &mut spans);
                    }
                    if is_end {
                        self.retire(&mut stories, run);
                    }
                }
            }
            for span in spans.drain(..) {
                self.spans.write(span);
            }
        }
    }

    /// A run has ended: it is known until others have ended after it.
    fn retire(&self, stories: &mut Stories, run: RunId) {
        stories.ended.push_back(run);
        if stories.ended.len() > ENDED_MAX
            && let Some(oldest) = stories.ended.pop_front()
        {
            stories.by_run.remove(&oldest);
            self.recorded_mut().remove(&oldest);
        }
    }

    // What is behind these locks is whole whenever they are free: a panic leaves it sound.

    fn recorded(&self) -> RwLockReadGuard<'_, FxHashMap<RunId, TraceContext>> {
        self.recorded.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn recorded_mut(&self) -> RwLockWriteGuard<'_, FxHashMap<RunId, TraceContext>> {
        self.recorded
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObserveCalls for Traces {
    fn observe(&self, event: &CallEvent) {
        let CallEvent { call, kind } = event;
        if !self.recorded().contains_key(&call.run) {
            return;
        }
        let what = What::Call {
            turn: call.turn,
            id: call.id.clone(),
            kind: kind.clone(),
        };
        self.tell(call.run, Instant::now(), what);
    }
}
