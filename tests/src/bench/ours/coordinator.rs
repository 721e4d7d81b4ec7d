//! Our coordinator as it is measured: turns of calls through schema check, ledger and link.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use callboard_coordinator::catalogue::{Catalogue, Offer};
use callboard_coordinator::dispatch::DispatchHandle;
use callboard_coordinator::model::ToolUse;
use callboard_coordinator::run::Gather;
use callboard_coordinator::traces::Origin;
use callboard_coordinator_core::{NewCall, Report, TurnOptions};
use callboard_proto::{Outcome, RunId, ToolUseId, Turn, TurnKey};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::tools::kinds;
use super::watch::Watch;
use super::worker::Worker;
use crate::bench::payload;
use crate::bench::protocol::{Execution, Load, Sustained, Tool};
use crate::bench::serve::{Side, nanos};

/// Deadline of every measured turn: longer than any takes.
const DEADLINE: Duration = Duration::from_secs(100);

/// A coordinator and the run whose turns it posts.
#[derive(Debug)]
pub struct Coordinator {
    run: Run,
    /// The calls of the fan-outs, made once as the baseline's arguments are.
    fan: Option<(u32, Tool, Vec<ToolUse>)>,
    opened: Option<Opened>,
    worker: Option<Worker>,
}

#[derive(Debug)]
struct Opened {
    began: Instant,
    turns: JoinSet<anyhow::Result<Report>>,
}

impl Coordinator {
    /// Freezes the tools of its runs.
    #[must_use]
    pub fn new(dispatch: DispatchHandle, offers: Vec<Offer>, number: u32) -> Self {
        Self {
            run: Run::new(dispatch, Arc::new(Catalogue::freeze(offers)), number),
            fan: None,
            opened: None,
            worker: None,
        }
    }

    /// Adds the worker of the same process, to be asked for its log.
    #[must_use]
    pub fn with_worker(mut self, worker: Worker) -> Self {
        self.worker = Some(worker);
        self
    }

    /// Makes each turn a run of its own, and tells of it what the watch is asked to.
    #[must_use]
    pub fn with_single_turns(mut self, watch: Watch) -> Self {
        self.run.watch = Some(Arc::new(watch));
        self
    }

    fn worker(&mut self) -> anyhow::Result<&mut Worker> {
        self.worker.as_mut().context("the worker is elsewhere")
    }
}

/// A conversation: its turns follow each other.
#[derive(Clone, Debug)]
struct Run {
    dispatch: DispatchHandle,
    catalogue: Arc<Catalogue>,
    id: RunId,
    turn: u32,
    /// The coordinator's number, which its calls carry.
    number: u32,
    /// Where each turn is a run of its own.
    watch: Option<Arc<Watch>>,
}

impl Run {
    fn new(dispatch: DispatchHandle, catalogue: Arc<Catalogue>, number: u32) -> Self {
        Self {
            dispatch,
            catalogue,
            id: RunId::new(Uuid::new_v4()),
            turn: 0,
            number,
            watch: None,
        }
    }

    fn another(&self) -> Self {
        Self {
            id: RunId::new(Uuid::new_v4()),
            turn: 0,
            ..self.clone()
        }
    }

    /// Calls as a provider's adapter hands them over: each with bytes of its own.
    fn uses(&self, calls: u32, tool: Tool) -> anyhow::Result<Vec<ToolUse>> {
        let kind = kinds().into_iter().find(|kind| kind.tool == tool);
        let name = kind.context("every tool has a name")?.name;
        (0..calls)
            .map(|index| {
                Ok(ToolUse::new(
                    ToolUseId::new(format!("toolu_01A09q90qw90lq91{index:08}"))?,
                    name.as_str().to_owned(),
                    Bytes::from(payload::arguments(self.number)),
                ))
            })
            .collect()
    }

    /// One turn, from the model's calls to the report of their outcomes.
    async fn turn(&mut self, uses: &[ToolUse]) -> anyhow::Result<Report> {
        let catalogue = Arc::clone(&self.catalogue);
        self.gather(catalogue.check_each(uses)).await
    }

    async fn gather(
        &mut self,
        calls: impl IntoIterator<Item = NewCall, IntoIter: Send>,
    ) -> anyhow::Result<Report> {
        self.turn += 1;
        if let Some(watch) = self.watch.clone() {
            return self.gather_alone(&watch, calls).await;
        }
        let turn = TurnKey {
            run: self.id,
            turn: Turn(self.turn),
        };
        let options = TurnOptions::until(Instant::now() + DEADLINE);
        Ok(self.dispatch.gather_each(turn, options, calls).await?)
    }

    /// The same as a run of its own, as `callboard execute` has it.
    async fn gather_alone(
        &mut self,
        watch: &Watch,
        calls: impl IntoIterator<Item = NewCall, IntoIter: Send>,
    ) -> anyhow::Result<Report> {
        let turn = TurnKey {
            run: RunId::new(Uuid::new_v4()),
            turn: Turn(1),
        };
        let mut options = TurnOptions::until(Instant::now() + DEADLINE);
        let traces = watch.traces.as_ref();
        let spans = traces.and_then(|traces| traces.begin_turn(turn.run, Origin::default()));
        if let Some(spans) = &spans {
            spans.opened(turn.turn, &[], &mut options);
        }
        let report = self.dispatch.gather_each(turn, options, calls).await?;
        if let Some(spans) = spans {
            spans.reported(&report);
        }
        self.dispatch.end_run(turn.run);
        Ok(report)
    }

    async fn turns_until(mut self, end: Instant, uses: Arc<Vec<ToolUse>>) -> anyhow::Result<u64> {
        let mut calls = 0;
        while Instant::now() < end {
            calls += all_completed(&self.turn(&uses).await?)?;
        }
        self.dispatch.end_run(self.id);
        Ok(calls)
    }
}

fn completed(report: &Report) -> usize {
    let is_completed = |outcome: &Outcome| match outcome {
        Outcome::Completed(_) => true,
        Outcome::Failed(_) => false,
    };
    let outcomes = report.calls.iter().map(|call| &call.outcome);
    outcomes.filter(|outcome| is_completed(outcome)).count()
}

fn all_completed(report: &Report) -> anyhow::Result<u64> {
    let count = completed(report);
    if count < report.calls.len() {
        let failed = report.calls.iter().find_map(|call| match &call.outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Completed(_) => None,
        });
        bail!(
            "{count} of {} calls completed: {failed:?}",
            report.calls.len()
        );
    }
    Ok(count as u64)
}

impl Side for Coordinator {
    async fn fan_out(&mut self, calls: u32, tool: Tool) -> anyhow::Result<Duration> {
        let uses = match self.fan.take() {
            Some((made, of, uses)) if (made, of) == (calls, tool) => uses,
            Some(_) | None => self.run.uses(calls, tool)?,
        };
        let began = Instant::now();
        let report = self.run.turn(&uses).await?;
        let elapsed = began.elapsed();
        all_completed(&report)?;
        self.fan = Some((calls, tool, uses));
        Ok(elapsed)
    }

    async fn sustained(&mut self, load: Load) -> anyhow::Result<Sustained> {
        let uses = Arc::new(self.run.uses(load.in_flight / load.turns, load.tool)?);
        let began = Instant::now();
        let end = began + Duration::from_millis(load.millis);
        let mut runs = JoinSet::new();
        for _ in 0..load.turns {
            runs.spawn(self.run.another().turns_until(end, Arc::clone(&uses)));
        }
        let mut calls = 0;
        while let Some(run) = runs.join_next().await {
            calls += run??;
        }
        Ok(Sustained {
            calls,
            nanos: nanos(began.elapsed()),
        })
    }

    async fn open(&mut self, calls: u32, turn_calls: u32, tool: Tool) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut turns = JoinSet::new();
        for _ in 0..calls / turn_calls {
            let mut run = self.run.another();
            // What the model's adapter holds is gone before memory is read: it is no part of a call.
            let calls = run.catalogue.check_all(&run.uses(turn_calls, tool)?);
            turns.spawn(async move { run.gather(calls).await });
        }
        self.opened = Some(Opened { began, turns });
        Ok(())
    }

    async fn gather(&mut self) -> anyhow::Result<(u64, u64, Duration)> {
        let mut opened = self.opened.take().context("nothing was opened")?;
        let (mut good, mut all) = (0, 0);
        while let Some(turn) = opened.turns.join_next().await {
            let report = turn??;
            good += completed(&report) as u64;
            all += report.calls.len() as u64;
        }
        Ok((good, all - good, opened.began.elapsed()))
    }

    fn take_log(&mut self) -> anyhow::Result<Vec<Execution>> {
        self.worker()?.take_log()
    }

    fn let_go(&mut self) -> anyhow::Result<()> {
        self.worker()?.let_go()
    }
}
