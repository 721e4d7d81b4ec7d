//! What a run waits for, and the turn that it has open.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::run::{Effect, Gathered, Input, RunEnd, RunLoop, TurnStep};
use callboard_coordinator_core::{CancelReason, NewCall, Report, TurnOptions};
use callboard_proto::{Epoch, RunId, TraceContext, Turn, TurnKey};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::handle::RunOptions;
use super::message::Message;
use super::ports::{Gather, GatherLost, Gathering, Observe, RunEvent};
use crate::catalogue::Catalogue;
use crate::model::ToolUse;

/// Where everything arrives that a run waits for, beside its model.
pub(super) struct Desk<G: Gather> {
    pub(super) core: RunLoop,
    pub(super) observer: Box<dyn Observe>,
    gather: G,
    catalogue: Arc<Catalogue>,
    options: TurnTerms,
    mailbox: mpsc::Receiver<Message>,
    /// Whether the handle is still held.
    is_held: bool,
    /// The turn that is gathered.
    turn: Option<G::Gathering>,
    next: VecDeque<Next>,
}

/// What the turns of a run have in common.
struct TurnTerms {
    call_deadline: Option<Duration>,
    parallel_max: Option<u32>,
    epoch: Epoch,
    trace: Option<TraceContext>,
    is_watched: bool,
}

/// What a run does next that isn't for its desk.
pub(super) enum Next {
    Ask(TurnKey),
    FeedBack(Gathered),
    Discard(Gathered),
    End(RunEnd),
}

/// One thing that arrived.
pub(super) enum Event<T> {
    /// What was worked on is done.
    Done(T),
    /// Anything else; the core was told.
    Other,
}

impl<G: Gather> Desk<G> {
    pub(super) fn new(
        core: RunLoop,
        gather: G,
        observer: Box<dyn Observe>,
        options: &RunOptions,
        mailbox: mpsc::Receiver<Message>,
    ) -> Self {
        Self {
            core,
            observer,
            gather,
            catalogue: Arc::clone(&options.catalogue),
            options: TurnTerms {
                call_deadline: options.call_deadline,
                parallel_max: options.parallel.calls_max(),
                epoch: options.epoch,
                trace: options.trace,
                is_watched: options.is_watched,
            },
            mailbox,
            is_held: true,
            turn: None,
            next: VecDeque::new(),
        }
    }

    pub(super) fn handle(&mut self, input: Input) {
        self.core.handle_input(input, Instant::now().into_std());
    }

    /// What the run does next; `None`: it waits.
    pub(super) fn next(&mut self) -> Option<Next> {
        self.perform();
        self.next.pop_front()
    }

    /// Does what is to be done with the open turn; the rest is kept for [`Self::next`].
    pub(super) fn perform(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Turn { turn, step } => self.take_step(turn, step),
                Effect::AskModel { turn } => self.next.push_back(Next::Ask(turn)),
                Effect::FeedBack(gathered) => self.close(Next::FeedBack(gathered)),
                Effect::Discard(gathered) => self.close(Next::Discard(gathered)),
                Effect::End(end) => self.next.push_back(Next::End(end)),
            }
        }
    }

    /// The turn is over, whether its report was there or was given up: then dropping it cancels it.
    fn close(&mut self, next: Next) {
        self.turn = None;
        self.next.push_back(next);
    }

    fn take_step(&mut self, turn: TurnKey, step: TurnStep) {
        let (calls, is_sealed) = match step {
            TurnStep::Open {
                calls,
                deadline,
                call_time,
                is_sealed,
            } => {
                let own = self.options.call_deadline;
                let options = TurnOptions {
                    deadline,
                    call_deadline: own.into_iter().chain(call_time).min(),
                    parallel_max: self.options.parallel_max,
                    epoch: self.options.epoch,
                    trace: self.options.trace,
                    is_watched: self.options.is_watched,
                };
                let time = deadline.saturating_duration_since(Instant::now().into_std());
                self.observer.observe(&RunEvent::Opened {
                    turn: turn.turn,
                    time,
                });
                self.turn = Some(self.gather.open(turn, options));
                (calls, is_sealed)
            }
            TurnStep::Add { calls, is_sealed } => (calls, is_sealed),
            TurnStep::Cancel(reason) => {
                if let Some(turn) = &mut self.turn {
                    turn.cancel(reason);
                }
                return;
            }
        };
        if !is_sealed {
            self.tell_of_early(turn.turn, &calls);
        }
        let turn = self
            .turn
            .as_mut()
            .expect("a turn is opened before it is added to");
        turn.add(calls);
        if is_sealed {
            turn.seal();
        }
    }

    fn tell_of_early(&mut self, turn: Turn, calls: &[NewCall]) {
        for call in calls {
            if let Ok(posting) = &call.body {
                self.observer.observe(&RunEvent::StartedEarly {
                    turn,
                    call: &call.id,
                    tool: &posting.tool,
                });
            }
        }
    }

    /// Waits for one thing: for the work, or for anything that the core is told at once.
    pub(super) async fn wait<T>(
        &mut self,
        work: Pin<&mut impl Future<Output = T>>,
        stream: &mut Stream,
    ) -> Event<T> {
        if !self.core.takes_early() {
            // Whoever offers more learns that nobody takes it.
            stream.offers = None;
        }
        let due = self
            .core
            .poll_timeout()
            .expect("a run that waits has a deadline");
        tokio::select! {
            // What has arrived counts, even at the very deadline.
            biased;
            value = work => return Event::Done(value),
            call = stream.next() => self.take_early(call, stream),
            report = report_of(&mut self.turn) => self.take_report(report),
            message = self.mailbox.recv(), if self.is_held => {
                self.is_held = message.is_some();
                // Without a handle nobody is left to read the report.
                let Message::Cancel(reason) =
                    message.unwrap_or(Message::Cancel(CancelReason::Asked));
                self.handle(Input::Cancel(reason));
            }
            () = tokio::time::sleep_until(due.into()) => {
                self.core.handle_timeout(Instant::now().into_std());
            }
        }
        Event::Other
    }

    fn take_early(&mut self, call: ToolUse, stream: &mut Stream) {
        let ToolUse {
            id,
            name,
            arguments,
            reply: _,
        } = call;
        let body = self.catalogue.check(&name, arguments);
        stream.names.push(name);
        self.handle(Input::EarlyCall {
            turn: stream.turn,
            call: NewCall { id, body },
        });
    }

    fn take_report(&mut self, report: Result<Report, GatherLost>) {
        self.turn = None;
        let input = match report {
            Ok(report) => Input::Reported(report),
            Err(lost) => {
                let TurnKey { run, turn } = self.core.turn();
                tracing::error!(%run, turn = turn.0, "{lost}");
                Input::ReportLost { turn }
            }
        };
        self.handle(input);
    }

    pub(super) fn end_run(&self, run: RunId) {
        self.gather.end_run(run);
    }
}

/// The calls of a response while it streams.
pub(super) struct Stream {
    turn: Turn,
    offers: Option<mpsc::Receiver<ToolUse>>,
    /// The tools that they name, as the model wrote them.
    pub(super) names: Vec<String>,
}

impl Stream {
    pub(super) fn new(turn: Turn, offers: Option<mpsc::Receiver<ToolUse>>) -> Self {
        Self {
            turn,
            offers,
            names: Vec::new(),
        }
    }

    /// The next call; never, once there are no more.
    async fn next(&mut self) -> ToolUse {
        if let Some(offers) = &mut self.offers {
            if let Some(call) = offers.recv().await {
                return call;
            }
            self.offers = None;
        }
        std::future::pending().await
    }
}

async fn report_of(turn: &mut Option<impl Gathering>) -> Result<Report, GatherLost> {
    match turn {
        Some(turn) => turn.report().await,
        None => std::future::pending().await,
    }
}
