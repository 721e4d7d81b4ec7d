//! The executor's loop: the only `select!` of a worker.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use callboard_nats::busy_poll::{BusyPoll, look_for};
use callboard_proto::message::{Announce, Down, ProgressItem, Refusal, RefusalCode};
use callboard_proto::{Executed, FailureKind, Outcome, limit};
use callboard_worker_core::{Effect, Finished, Input, ReplyTo, Start, StopReason, Worker};
use tokio::sync::mpsc;
use tokio::time::Sleep;

use crate::executor::inbound::{self, Heard};
use crate::executor::login::RefusedLogin;
use crate::executor::message::{MAILBOX_CAPACITY, Message};
use crate::executor::options::{Options, StartError};
use crate::executor::outbox::{News, Outbox};
use crate::executor::running::{Begun, RunningCalls, Stopped};
use crate::executor::snapshot::{Counters, Snapshot};
use crate::executor::tool_threads::{Entry, ToolThreads};
use crate::executor::{Handle, catalogue, outbound};
use crate::link::{Incoming, Link};
use crate::tool::{ToolCall, Tools};
use crate::traces::Place;

/// Why an executor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It was told to drain, and nothing runs any more.
    Drained,
    /// It was told to end at once.
    Stopped,
    /// The server refuses what a worker needs; the text says what and how to cure it.
    Refused(String),
}

/// What is left of an executor that has ended.
#[derive(Debug)]
pub struct Ended<L> {
    /// Why it ended.
    pub why: Why,
    /// Its link, with its last messages handed over; closing it is the caller's business.
    pub link: L,
}

/// A worker: executes the calls that its link brings.
pub struct Executor<L> {
    link: L,
    core: Worker,
    options: Options,
    announce: Announce,
    tools: Tools,
    threads: ToolThreads,
    outbox: Arc<Outbox>,
    mailbox: mpsc::Receiver<Message>,
    running: RunningCalls,
    counters: Counters,
    is_up: bool,
    refused_login: RefusedLogin,
    busy_poll: BusyPoll,
    /// Set once; ends the loop.
    ended: Option<Why>,
    /// Emptied in each round; kept for their room.
    incoming: Vec<Incoming>,
    news: News,
    batch: Vec<Entry>,
}

impl<L> std::fmt::Debug for Executor<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor")
            .field("instance", &self.options.instance)
            .finish_non_exhaustive()
    }
}

impl<L: Link> Executor<L> {
    /// Makes a worker of these tools behind this link. It does nothing until [`Executor::run`].
    ///
    /// # Errors
    /// When there are no slots, a tool requires a label that the worker doesn't carry, or threads
    /// can't be made.
    pub fn new(options: Options, tools: Tools, link: L) -> Result<(Self, Handle), StartError> {
        options.check(&tools)?;
        let payload_bytes_max = link.payload_bytes_max();
        let offered = catalogue::offered(&tools);
        let core = Worker::new(
            options.identity(),
            options.limits(payload_bytes_max),
            offered,
            now(),
        );
        let busy_poll = match link.is_local() {
            true => Duration::ZERO,
            false => options.busy_poll,
        };
        let outbox = Arc::new(Outbox::default());
        let (sender, mailbox) = mpsc::channel(MAILBOX_CAPACITY);
        let executor = Self {
            link,
            core,
            announce: options.announce(&tools, payload_bytes_max),
            tools,
            threads: ToolThreads::new(&options, Arc::clone(&outbox))?,
            outbox,
            mailbox,
            running: RunningCalls::new(options.cancel_grace),
            counters: Counters::default(),
            is_up: true,
            refused_login: RefusedLogin::default(),
            busy_poll: BusyPoll::new(busy_poll, Instant::now()),
            ended: None,
            incoming: Vec::new(),
            news: News::default(),
            batch: Vec::new(),
            options,
        };
        Ok((executor, Handle::new(sender)))
    }

    /// Executes calls until it is drained or stopped.
    ///
    /// # Panics
    /// When polled outside a tokio runtime that has its timers enabled.
    ///
    /// # Cancel safety
    /// Dropped, it ends like a killed process: what runs is dropped, nothing is answered.
    pub async fn run(mut self) -> Ended<L> {
        let mut timer = pin!(tokio::time::sleep_until(tokio::time::Instant::now()));
        let mut armed: Option<Instant> = None;
        let mut is_mailbox_open = true;
        let why = loop {
            self.perform();
            if let Some(why) = self.ended.take() {
                break why;
            }
            arm(timer.as_mut(), &mut armed, self.next_due());
            let is_running = self.core.running() > 0;
            let looking = self.busy_poll.begin(is_running, Instant::now());
            let mut is_by_tool = false;
            // What makes the round begin; the rest of what is there is taken below.
            tokio::select! {
                biased;
                () = self.link.receive(&mut self.incoming) => {}
                () = self.outbox.ready() => is_by_tool = true,
                message = self.mailbox.recv(), if is_mailbox_open => match message {
                    Some(message) => self.handle_message(message, now()),
                    None => is_mailbox_open = false,
                },
                () = &mut timer, if armed.is_some() => armed = None,
                () = look_for(looking), if !looking.is_zero() => {}
            }
            self.busy_poll.end(is_by_tool, Instant::now());
            self.take_all();
        };
        self.running.abort_all();
        tracing::info!(instance = %self.options.instance, ?why, "worker ended");
        Ended {
            why,
            link: self.link,
        }
    }

    /// Feeds all that is there, then what is due: a worker that was held up reads what it was sent
    /// meanwhile before it calls anybody late (P14).
    fn take_all(&mut self) {
        let now = now();
        while let Ok(message) = self.mailbox.try_recv() {
            self.handle_message(message, now);
        }
        let mut incoming = std::mem::take(&mut self.incoming);
        for incoming in incoming.drain(..) {
            self.handle_incoming(incoming, now);
        }
        self.incoming = incoming;
        self.take_news(now);
        while let Some(stopped) = self.running.force_due(now) {
            self.handle_stopped(stopped, now);
        }
        let due = std::iter::from_fn(|| self.running.take_progress_due(now)).collect::<Vec<_>>();
        self.send_progress(due.into_iter(), now);
        if self.core.poll_timeout().is_some_and(|due| due <= now) {
            self.core.handle_timeout(now);
        }
        if let Some(reason) = self.refused_login.due(!self.running.is_empty(), now) {
            self.ended.get_or_insert(Why::Refused(reason));
        }
    }

    fn take_news(&mut self, now: Instant) {
        let mut news = std::mem::take(&mut self.news);
        self.outbox.take(&mut news);
        for finished in news.finished.drain(..) {
            let ended = finished.place.and_then(|place| self.running.end(place));
            self.tell(ended, &finished, now);
            self.handle_finished(finished, now);
        }
        // One that has ended since has left its place, perhaps to another.
        let with_news = news.progressed.drain(..).filter(|state| !state.is_ended());
        self.send_progress(with_news.map(|state| state.place), now);
        self.news = news;
    }

    fn next_due(&self) -> Option<Instant> {
        let refused = self.refused_login.next_due();
        [self.core.poll_timeout(), self.running.next_due(), refused]
            .into_iter()
            .flatten()
            .min()
    }

    fn handle_incoming(&mut self, incoming: Incoming, now: Instant) {
        let instance = self.options.instance;
        let heard = match incoming {
            Incoming::Request { reply, kind, body } => inbound::read(instance, reply, kind, &body),
            Incoming::Unreadable {
                reply,
                code,
                reason,
            } => inbound::refused(instance, reply, code, reason),
            Incoming::Refused { reason } => {
                tracing::error!(%instance, reason, "the server refuses what a worker needs");
                self.ended = Some(Why::Refused(reason));
                return;
            }
            Incoming::LoginRefused { reason } => {
                if self.refused_login.hear(reason.clone(), now) {
                    let patience = RefusedLogin::patience();
                    tracing::error!(%instance, reason, ?patience, "the server refuses the login; what runs may go on meanwhile");
                }
                return;
            }
            Incoming::Down => {
                tracing::warn!(%instance, "the link is down; what runs goes on");
                self.is_up = false;
                return;
            }
            Incoming::Up => {
                tracing::warn!(%instance, "the link is up again");
                self.is_up = true;
                self.refused_login.forget();
                // It may be another server, with another limit.
                let bytes_max = limit::batch_bytes_max(self.link.payload_bytes_max());
                self.core.set_batch_bytes_max(bytes_max);
                return;
            }
        };
        self.counters.messages += 1;
        match heard {
            Heard::Input(input) => self.core.handle_input(input, now),
            Heard::Describe { reply, from } => self.describe(reply, from),
            Heard::Drain(grace) => self.drain(grace, now),
            Heard::Refused { reply, refusal } => self.refuse(reply, &refusal),
            Heard::Unanswerable => {
                self.counters.unanswerable += 1;
                tracing::debug!(%instance, "a message names no subject to answer on; dropped");
            }
        }
    }

    fn handle_message(&mut self, message: Message, now: Instant) {
        match message {
            Message::Drain { grace } => self.drain(grace, now),
            Message::Stop => self.ended = Some(Why::Stopped),
            Message::Offer { tools, down } => self.offer(tools, down, now),
            Message::Snapshot(answer) => {
                // Whoever asked may be gone.
                let _gone = answer.send(self.snapshot(now));
            }
        }
    }

    fn handle_finished(&mut self, finished: Finished, now: Instant) {
        match &finished.outcome {
            Outcome::Completed(_) => self.counters.completed += 1,
            Outcome::Failed(failure) => {
                self.counters.failed += 1;
                let of = &finished.of;
                tracing::debug!(
                    run = %of.run,
                    turn = of.turn.0,
                    tool_use_id = of.id.as_str(),
                    attempt = of.attempt.0,
                    worker = %self.options.worker,
                    "error.type" = %failure.kind,
                    "an attempt failed"
                );
            }
        }
        self.core.handle_input(Input::Finished(finished), now);
    }

    fn handle_stopped(&mut self, stopped: Stopped, now: Instant) {
        if stopped.is_abandoned {
            self.counters.abandoned += 1;
            tracing::warn!(of = ?stopped.finished.of, "a stopped tool's thread runs on");
        }
        self.tell(stopped.begun, &stopped.finished, now);
        self.handle_finished(stopped.finished, now);
    }

    /// Tells traces and metrics of an attempt that ended.
    fn tell(&self, begun: Option<Begun>, finished: &Finished, now: Instant) {
        if let Some(begun) = begun {
            let Options {
                traces, metrics, ..
            } = &self.options;
            begun.tell(finished, now, traces.as_deref(), metrics.as_deref());
        }
    }

    fn drain(&mut self, grace: Duration, now: Instant) {
        tracing::info!(instance = %self.options.instance, ?grace, "worker drains");
        self.core.handle_input(Input::Drain { grace }, now);
    }

    /// Offers other tools: the core lets go who waits for one that is gone, the beats announce the change.
    fn offer(&mut self, mut tools: Tools, down: Vec<Down>, now: Instant) {
        for unfit in tools.keep_placeable(&self.options.labels) {
            tracing::error!(instance = %self.options.instance, error = %unfit, "a tool can't be offered");
        }
        let offered = catalogue::offered(&tools);
        self.core.handle_input(Input::Tools(offered), now);
        let payload_bytes_max = self.link.payload_bytes_max();
        self.announce = Announce {
            catalogue: self.core.catalogue(),
            down,
            ..self.options.announce(&tools, payload_bytes_max)
        };
        self.tools = tools;
        self.link.announce(self.announce.clone());
    }

    fn describe(&mut self, reply: ReplyTo, from: u32) {
        let payload_bytes_max = self.link.payload_bytes_max();
        self.announce.payload_bytes_max = payload_bytes_max as u64;
        let bytes_max = limit::batch_bytes_max(payload_bytes_max);
        let answer = match catalogue::page(&self.announce, &self.tools, from, bytes_max) {
            Ok((head, specs)) => outbound::tools(reply, &head, &specs),
            Err(error) => {
                tracing::error!(%error, "a tool can't be described");
                let refusal = Refusal {
                    instance: self.options.instance,
                    code: RefusalCode::Malformed,
                    message: error.to_string(),
                };
                outbound::refusal(reply, &refusal)
            }
        };
        self.link.send(answer);
    }

    fn refuse(&mut self, reply: Option<ReplyTo>, refusal: &Refusal) {
        self.counters.refused += 1;
        tracing::debug!(code = %refusal.code, message = refusal.message, "a message was refused");
        if let Some(reply) = reply {
            self.link.send(outbound::refusal(reply, refusal));
        }
    }

    /// Sends the news of those attempts that may speak now, one message for each reply subject.
    fn send_progress(&mut self, with_news: impl Iterator<Item = usize>, now: Instant) {
        let mut messages: Vec<(ReplyTo, Vec<ProgressItem>)> = Vec::new();
        for place in with_news {
            let Some((to, item)) = self.running.progressed(place, now) else {
                continue;
            };
            match messages.iter_mut().find(|(reply, _)| *reply == to) {
                Some((_, items)) => items.push(item),
                None => messages.push((to, vec![item])),
            }
        }
        for (to, items) in messages {
            let message = outbound::progress(to, self.options.instance, &items);
            self.link.send(message);
        }
    }

    /// Performs the core's effects until it has none, and hands all starts over at once.
    fn perform(&mut self) {
        let now = now();
        while let Some(effect) = self.core.poll_effect() {
            let message = match effect {
                Effect::Start(start) => {
                    self.start(start, now);
                    continue;
                }
                Effect::Stop { place, reason, .. } => {
                    self.stop(place, reason, now);
                    continue;
                }
                Effect::Drained => {
                    self.ended.get_or_insert(Why::Drained);
                    continue;
                }
                Effect::Ack { to, head, items } => outbound::ack(to, &head, &items),
                Effect::Result { to, head, items } => outbound::result(to, &head, &items),
                Effect::Free { to, free } => outbound::free(to, &free),
                Effect::Beat(beat) => outbound::beat(beat, SystemTime::now()),
            };
            self.link.send(message);
        }
        if !self.batch.is_empty() {
            let room = Vec::with_capacity(self.batch.len());
            self.threads.enter(std::mem::replace(&mut self.batch, room));
        }
    }

    fn start(&mut self, start: Start, now: Instant) {
        let Some(offer) = self.tools.find(&start.tool) else {
            let outcome = Outcome::failed(
                FailureKind::Internal,
                format!("the worker offers {} and doesn't have it", start.tool),
                Executed::No,
            );
            let finished = Finished {
                of: start.of,
                place: Some(start.place),
                outcome,
                executed: Duration::ZERO,
            };
            self.handle_finished(finished, now);
            return;
        };
        let state = self.running.state(&start, &self.outbox);
        let place = match self.options.traces {
            Some(_) => Place::below(start.traceparent.as_deref()),
            None => None,
        };
        self.running.begin(&start, place, Arc::clone(&state), now);
        // What the tool calls in turn belongs below the attempt's own span.
        let traceparent = match &place {
            Some(place) => Some(place.context().to_string()),
            None => start.traceparent,
        };
        let inline = limit::inline_bytes_max(self.link.payload_bytes_max());
        self.batch.push(Entry {
            tool: Arc::clone(&offer.tool),
            output_bytes_max: offer.output_bytes_max.min(inline),
            trace: place.map(|place| place.context()),
            call: ToolCall::new(start.arguments, start.key, traceparent, state),
        });
    }

    fn stop(&mut self, place: usize, reason: StopReason, now: Instant) {
        if let Some(stopped) = self.running.stop(place, reason, now) {
            self.handle_stopped(stopped, now);
        }
    }

    fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot {
            instance: self.options.instance,
            worker: self.options.worker.clone(),
            pool: self.options.pool.clone(),
            slots: self.options.limits.slots,
            slots_free: self.core.slots_free(),
            beat_age: self
                .core
                .last_beat()
                .map(|left| now.saturating_duration_since(left)),
            is_up: self.is_up,
            is_draining: self.core.is_draining(),
            running: self.running.view(now),
            counters: self.counters,
            core: self.core.counters().clone(),
        }
    }
}

/// The clock of the core: tokio's, so that tests can pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Sets the timer when what is due is earlier than what it was set to. One that fires early is
/// cheaper than one that is set again with every message.
fn arm(timer: Pin<&mut Sleep>, armed: &mut Option<Instant>, due: Option<Instant>) {
    if let Some(due) = due
        && armed.is_none_or(|armed| due < armed)
    {
        timer.reset(due.into());
        *armed = Some(due);
    }
}
