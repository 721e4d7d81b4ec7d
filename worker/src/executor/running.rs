//! What is being executed: who waits for its progress, and which stopped tools have how long left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_proto::message::ProgressItem;
use callboard_proto::{Effect, ToolName};
use callboard_worker_core::{Finished, ReplyTo, Start, StopReason};

use crate::executor::outbox::Outbox;
use crate::executor::progress::ProgressClock;
use crate::executor::{RunningCall, ending};
use crate::metrics::WorkerMetrics;
use crate::tool::{CallState, Progress};
use crate::traces::{End, Executed, Place, Traces};

/// States that are kept for attempts to come (chosen, not measured: what two messages bring).
const RETIRED_MAX: usize = 256;

/// One attempt that was handed to its tool and has not ended.
struct Running {
    state: Arc<CallState>,
    reply: ReplyTo,
    effect: Effect,
    begun: Begun,
    progress_sent: Option<Instant>,
    /// When it is ended by force, once it was told to stop.
    stop_due: Option<Instant>,
}

/// What is known at its start of an attempt, for what is told of its end.
#[derive(Debug)]
pub(super) struct Begun {
    /// Where its trace is recorded.
    place: Option<Place>,
    tool: ToolName,
    /// From its arrival to the word that it may start.
    queued: Duration,
    /// When that word was given.
    since: Instant,
}

impl Begun {
    /// Tells of the attempt, once it has ended.
    pub(super) fn tell(
        self,
        finished: &Finished,
        now: Instant,
        traces: Option<&Traces>,
        metrics: Option<&WorkerMetrics>,
    ) {
        let away = now.saturating_duration_since(self.since);
        // What wasn't spent in the tool was spent waiting for a thread.
        let queued = self.queued + away.saturating_sub(finished.executed);
        if let Some(metrics) = metrics {
            let trace = self.place.map(|place| place.context());
            let executed = finished.executed;
            metrics.ended(
                &self.tool,
                &finished.outcome,
                queued,
                executed,
                trace.as_ref(),
            );
        }
        if let (Some(traces), Some(place)) = (traces, self.place) {
            traces.tell(Executed {
                place,
                of: finished.of.clone(),
                tool: self.tool,
                queued,
                started: self.since,
                ended: now,
                executed: finished.executed,
                end: End::of(&finished.outcome),
            });
        }
    }
}

/// All attempts that are handed to their tools; bounded by the core's slots.
pub(super) struct RunningCalls {
    /// By the core's places.
    calls: Vec<Option<Running>>,
    count: usize,
    cancel_grace: Duration,
    /// Stopped tools that watch their cancellation, by the end of their grace and their places.
    stopping: BTreeMap<(Instant, usize), StopReason>,
    clock: ProgressClock,
    /// States of attempts that have ended, for those to come: most are held by nobody else any more.
    retired: Vec<Arc<CallState>>,
}

/// What became of a stop.
pub(super) struct Stopped {
    /// The end of the attempt.
    pub(super) finished: Finished,
    /// Whether its thread runs on.
    pub(super) is_abandoned: bool,
    /// What was known of it at its start.
    pub(super) begun: Option<Begun>,
}

impl RunningCalls {
    pub(super) fn new(cancel_grace: Duration) -> Self {
        Self {
            calls: Vec::new(),
            count: 0,
            cancel_grace,
            stopping: BTreeMap::new(),
            clock: ProgressClock::default(),
            retired: Vec::new(),
        }
    }

    /// The state of an attempt that begins.
    pub(super) fn state(&mut self, start: &Start, inbox: &Arc<Outbox>) -> Arc<CallState> {
        let of = start.of.clone();
        match self.retired.pop() {
            Some(retired) => retired.reused(of, start.place),
            None => CallState::new(of, start.place, Some(Arc::clone(inbox) as _)),
        }
    }

    /// Whether no tool runs.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn begin(
        &mut self,
        start: &Start,
        place: Option<Place>,
        state: Arc<CallState>,
        now: Instant,
    ) {
        let begun = Begun {
            place,
            tool: start.tool.clone(),
            queued: start.queued,
            since: now,
        };
        let running = Running {
            state,
            reply: start.reply,
            effect: start.effect,
            begun,
            progress_sent: None,
            stop_due: None,
        };
        if self.calls.len() <= start.place {
            self.calls.resize_with(start.place + 1, || None);
        }
        let before = self.calls[start.place].replace(running);
        self.count += usize::from(before.is_none());
    }

    /// Notes the end of the attempt at a place; gives what was known of it at its start.
    pub(super) fn end(&mut self, place: usize) -> Option<Begun> {
        let running = self.calls.get_mut(place).and_then(Option::take)?;
        self.count -= 1;
        if let Some(due) = running.stop_due {
            self.stopping.remove(&(due, place));
        }
        self.clock.forget(place, running.progress_sent);
        if self.retired.len() < RETIRED_MAX {
            self.retired.push(running.state);
        }
        Some(running.begun)
    }

    fn running(&mut self, place: usize) -> Option<&mut Running> {
        self.calls.get_mut(place)?.as_mut()
    }

    /// Tells an attempt to stop. One that has not been entered, or whose tool never looked at its
    /// cancellation, ends at once; the others get their grace.
    pub(super) fn stop(
        &mut self,
        place: usize,
        reason: StopReason,
        now: Instant,
    ) -> Option<Stopped> {
        let due = now + self.cancel_grace;
        let running = self.running(place)?;
        running.state.stop(Some(reason));
        if running.state.is_watching() {
            if running.stop_due.is_none() {
                running.stop_due = Some(due);
                self.stopping.insert((due, place), reason);
            }
            return None;
        }
        self.force(place, reason, now)
    }

    /// Ends one stopped attempt whose grace is over.
    pub(super) fn force_due(&mut self, now: Instant) -> Option<Stopped> {
        while self.stopping_next()? <= now {
            let ((_, place), reason) = self.stopping.pop_first()?;
            if let Some(stopped) = self.force(place, reason, now) {
                return Some(stopped);
            }
        }
        None
    }

    fn stopping_next(&self) -> Option<Instant> {
        self.stopping.first_key_value().map(|((due, _), _)| *due)
    }

    fn force(&mut self, place: usize, reason: StopReason, now: Instant) -> Option<Stopped> {
        let running = self.running(place)?;
        // A tool that was faster has its end on the way.
        let phase = running.state.take_end()?;
        running.state.abort();
        let is_abandoned = running.state.is_on_thread();
        let executed = now.saturating_duration_since(running.begun.since);
        let of = running.state.of.clone();
        let begun = self.end(place);
        Some(Stopped {
            begun,
            finished: Finished {
                of,
                place: Some(place),
                outcome: ending::of_stop(reason, phase, is_abandoned),
                executed,
            },
            is_abandoned,
        })
    }

    /// Tells everything to end and waits for nothing.
    pub(super) fn abort_all(&mut self) {
        self.count = 0;
        for running in self.calls.drain(..).flatten() {
            running.state.stop(None);
            // Nobody is left to report to.
            let _phase = running.state.take_end();
            running.state.abort();
        }
    }

    /// Hears that an attempt has news, and gives them when they may be sent now.
    pub(super) fn progressed(
        &mut self,
        place: usize,
        now: Instant,
    ) -> Option<(ReplyTo, ProgressItem)> {
        let running = self.calls.get_mut(place)?.as_mut()?;
        if !self.clock.may_speak(place, running.progress_sent, now) {
            return None;
        }
        running.progress_sent = Some(now);
        let Progress { percent, message } = running.state.read_progress();
        let item = ProgressItem {
            of: running.state.of.clone(),
            percent,
            message,
        };
        Some((running.reply, item))
    }

    /// Takes an attempt whose news were held back until now.
    pub(super) fn take_progress_due(&mut self, now: Instant) -> Option<usize> {
        self.clock.take_due(now)
    }

    /// When [`Self::force_due`] or [`Self::take_progress_due`] has work next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        [self.stopping_next(), self.clock.next()]
            .into_iter()
            .flatten()
            .min()
    }

    /// What is being executed, the longest first.
    pub(super) fn view(&self, now: Instant) -> Vec<RunningCall> {
        let mut view: Vec<_> = self
            .calls
            .iter()
            .flatten()
            .map(|running| RunningCall {
                of: running.state.of.clone(),
                tool: running.begun.tool.clone(),
                effect: running.effect,
                elapsed: now.saturating_duration_since(running.begun.since),
                stopping: running.state.stop_reason(),
                progress: running.state.peek_progress(),
            })
            .collect();
        view.sort_by(|a, b| b.elapsed.cmp(&a.elapsed).then_with(|| a.of.cmp(&b.of)));
        view
    }
}
