//! The actor itself.

mod view;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_coordinator_core::{
    Address, CallEvent, CancelReason, Config, Dispatcher, Input, NewCall, Report,
};
use callboard_nats::busy_poll::{BusyPoll, look_for};
use callboard_proto::message::Announce;
use callboard_proto::{CoordinatorId, Token, ToolName, TurnKey, limit};
use futures_util::FutureExt as _;
use rustc_hash::FxHashMap;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::absent::Absent;
use super::directory::{Directory, Next};
use super::handle::DispatchHandle;
use super::message::Message;
use super::observe::ObserveCalls;
use super::options::Options;
use super::wire::{self, Arrival, Deed};
use crate::link::{Incoming, Link, Outgoing};

/// Wishes that wait for the actor: enough for every run of a busy coordinator to have one.
const MAILBOX: usize = 1024;
/// Events that a slow listener may be behind.
const EVENTS: usize = 16_384;
/// Wishes taken before effects are performed, so that turns that begin together travel together.
const WISHES_MAX: usize = 256;
/// Bytes that are handed to the link before it is let write them, so that server and workers begin
/// while the rest is still composed: about a chunk of calls. Chosen; of the size of a socket's buffer.
const WRITE_BYTES: usize = 32 * 1024;
/// Looks at the link before timers fire, after everything was late (P14): a bound against a link that
/// never runs dry.
const DRAIN_ROUNDS_MAX: usize = 64;

struct Waiter {
    wanted: BTreeSet<ToolName>,
    known: oneshot::Sender<()>,
}

/// The dispatch actor over one link.
pub struct Dispatch<L> {
    coordinator: CoordinatorId,
    link: L,
    core: Dispatcher,
    /// Answers that the link dropped for want of a signature.
    unsigned: u64,
    /// What the server refused.
    refused: u64,
    /// The refusal that was told last, since the link came up.
    refusal: Option<String>,
    directory: Directory,
    absent: Absent,
    mailbox: mpsc::Receiver<Message>,
    events: broadcast::Sender<CallEvent>,
    linked: watch::Sender<bool>,
    tells_events: bool,
    observer: Option<Arc<dyn ObserveCalls>>,
    reports: FxHashMap<TurnKey, oneshot::Sender<Report>>,
    /// Turns of which more calls are to come.
    partial: BTreeSet<TurnKey>,
    waiters: Vec<Waiter>,
    busy_poll: BusyPoll,
    shutting_down: bool,
}

impl<L: Link> Dispatch<L> {
    /// An actor and its handle; [`Self::run`] must be awaited or spawned.
    #[must_use]
    pub fn new(options: Options, link: L) -> (Self, DispatchHandle) {
        let (sender, mailbox) = mpsc::channel(MAILBOX);
        let (events, _) = broadcast::channel(EVENTS);
        let (linked, is_linked) = watch::channel(true);
        let mut limits = options.limits;
        let payload_bytes_max = link.payload_bytes_max();
        limits.batch_bytes_max = limits
            .batch_bytes_max
            .min(limit::batch_bytes_max(payload_bytes_max));
        limits.arguments_bytes_max = limits
            .arguments_bytes_max
            .min(limit::inline_bytes_max(payload_bytes_max));
        let busy_poll = match link.is_local() {
            true => Duration::ZERO,
            false => options.busy_poll,
        };
        let config = Config {
            coordinator: options.coordinator,
            seed: seed(),
            events: options.events,
            limits,
        };
        let actor = Self {
            coordinator: options.coordinator,
            link,
            core: Dispatcher::new(config, now()),
            unsigned: 0,
            refused: 0,
            refusal: None,
            directory: Directory::default(),
            absent: Absent::default(),
            mailbox,
            events: events.clone(),
            linked,
            tells_events: options.events,
            observer: options.observer,
            reports: FxHashMap::default(),
            partial: BTreeSet::new(),
            waiters: Vec::new(),
            busy_poll: BusyPoll::new(busy_poll, Instant::now()),
            shutting_down: false,
        };
        (actor, DispatchHandle::new(sender, events, is_linked))
    }

    /// Runs until it was told to shut down or every handle is gone, and every turn is reported; gives
    /// the link back, to be closed.
    pub async fn run(mut self) -> L {
        self.link.send(Outgoing::Discover);
        let mut incoming = Vec::new();
        let mut is_mailbox_over = false;
        let mut timer = pin!(tokio::time::sleep_until(now().into()));
        let mut armed = None;
        while !self.is_done() {
            self.perform(&mut incoming).await;
            if !incoming.is_empty() {
                self.take_all(&mut incoming);
                continue;
            }
            // One that fires early is cheaper than one that is set again with every message.
            if let Some(due) = self.core.poll_timeout()
                && armed.is_none_or(|armed| due < armed)
            {
                timer.as_mut().reset(due.into());
                armed = Some(due);
            }
            let is_awaited = self.core.open_turns() > 0;
            let looking = self.busy_poll.begin(is_awaited, Instant::now());
            tokio::select! {
                biased;
                () = self.link.receive(&mut incoming) => {}
                wish = self.mailbox.recv(), if !is_mailbox_over => {
                    match wish {
                        Some(wish) => self.take_wishes(wish),
                        None => {
                            is_mailbox_over = true;
                            self.end_partial();
                            self.shut_down();
                        }
                    }
                }
                () = timer.as_mut(), if armed.is_some() => armed = None,
                () = look_for(looking), if !looking.is_zero() => {}
            }
            let is_by_link = !incoming.is_empty();
            self.busy_poll.end(is_by_link, Instant::now());
            if is_by_link {
                self.take_all(&mut incoming);
            }
            if self.core.poll_timeout().is_some_and(|due| due <= now()) {
                self.mind_listeners();
                self.take_what_came(&mut incoming);
                self.drop_deserted();
                self.core.handle_timeout(now());
            }
        }
        self.perform(&mut incoming).await;
        self.link
    }

    fn is_done(&self) -> bool {
        self.shutting_down && self.core.open_turns() == 0
    }

    /// Takes in what the link holds already: after a stall, answers count before timers do (P14).
    fn take_what_came(&mut self, incoming: &mut Vec<Incoming>) {
        for _ in 0..DRAIN_ROUNDS_MAX {
            if self.link.receive(incoming).now_or_never().is_none() {
                return;
            }
            self.take_all(incoming);
        }
    }

    /// Events are made only while somebody listens.
    fn mind_listeners(&mut self) {
        let is_heard = self.tells_events && self.events.receiver_count() > 0;
        self.core.tell_events(is_heard);
    }

    fn take_all(&mut self, incoming: &mut Vec<Incoming>) {
        self.mind_listeners();
        let now = now();
        for incoming in incoming.drain(..) {
            match wire::arrival(incoming) {
                Arrival::Input(Input::LinkDown) => {
                    tracing::warn!("the link is down; calls wait, deadlines are kept");
                    self.linked.send_replace(false);
                    self.core.handle_input(Input::LinkDown, now);
                }
                Arrival::Input(Input::LinkUp) => {
                    tracing::warn!("the link is up again");
                    self.linked.send_replace(true);
                    self.refusal = None;
                    self.core.handle_input(Input::LinkUp, now);
                    // Who came meanwhile was not heard.
                    self.link.send(Outgoing::Discover);
                }
                Arrival::Input(input) => {
                    if let Input::Undelivered { token, .. } = &input {
                        self.directory.undelivered(*token);
                    }
                    self.core.handle_input(input, now);
                }
                Arrival::Announce(announce) => self.take_announcement(announce),
                Arrival::Tools(token, head, specs) => {
                    match self.directory.take_page(token, head, specs) {
                        Next::Page { to, from } => self.describe(to, from),
                        Next::Complete(announce) => {
                            let digests = announce.tools.iter().map(|tool| tool.digest);
                            self.absent.offered(digests);
                            self.core.handle_input(Input::Described(announce), now);
                            self.tell_waiters();
                        }
                        Next::Nothing => {}
                    }
                }
                Arrival::Refused(reason) => {
                    self.refused += 1;
                    // A refused login is refused again at every reconnect.
                    if self.refusal.as_ref() != Some(&reason) {
                        tracing::error!(
                            reason,
                            "the server refuses what this coordinator needs; the same again is only counted"
                        );
                        self.refusal = Some(reason);
                    }
                }
                Arrival::Unsigned(reason, is_first) => {
                    self.unsigned += 1;
                    if is_first {
                        tracing::warn!(
                            reason,
                            "an answer was dropped; more of this instance are only counted"
                        );
                    }
                }
                Arrival::Unreadable(reason) => {
                    tracing::warn!(reason, "something arrived that is no message");
                }
            }
        }
    }

    /// An instance says what it offers: it can be placed on; what isn't known of it is asked.
    fn take_announcement(&mut self, announce: Announce) {
        let to = Address {
            pool: announce.pool.clone(),
            instance: announce.instance,
        };
        let needs_description = self.directory.needs_description(&announce);
        self.absent
            .offered(announce.tools.iter().map(|tool| tool.digest));
        self.core.handle_input(Input::Announce(announce), now());
        if needs_description {
            self.describe(to, 0);
        } else {
            self.tell_waiters();
        }
    }

    fn describe(&mut self, to: Address, from: u32) {
        let token = Token::new(uuid::Uuid::new_v4());
        if self.directory.ask(&to, from, token, now()) {
            self.link
                .send(wire::describe(to, self.coordinator, token, from));
        }
    }

    /// Performs the core's effects until it has none. What the link brings on the way is left for later.
    async fn perform(&mut self, incoming: &mut Vec<Incoming>) {
        let mut unwritten = 0;
        while let Some(effect) = self.core.poll_effect() {
            match wire::deed(effect) {
                Deed::Send(message) => {
                    unwritten += message.body_bytes();
                    self.link.send(message);
                    if unwritten >= WRITE_BYTES {
                        unwritten = 0;
                        // A look hands over what was sent; the client's own task then writes it.
                        let _came = self.link.receive(incoming).now_or_never();
                        tokio::task::yield_now().await;
                    }
                }
                Deed::Describe(to) => self.describe(to, 0),
                Deed::Report(report) => {
                    if let Some(observer) = &self.observer {
                        observer.reported(&report);
                    }
                    if let Some(waiting) = self.reports.remove(&report.turn) {
                        // Whoever asked may have gone.
                        let _ = waiting.send(report);
                    }
                }
                Deed::Event(event) => {
                    if let Some(observer) = &self.observer {
                        observer.observe(&event);
                    }
                    // Nobody may be listening.
                    let _ = self.events.send(event);
                }
            }
        }
    }

    fn take_wishes(&mut self, first: Message) {
        self.mind_listeners();
        self.take_wish(first);
        for _ in 1..WISHES_MAX {
            match self.mailbox.try_recv() {
                Ok(wish) => self.take_wish(wish),
                Err(_) => return,
            }
        }
    }

    /// Answers go to oneshot channels: that nobody waits any more is nobody's loss.
    fn take_wish(&mut self, wish: Message) {
        let now = now();
        match wish {
            Message::Gather {
                turn,
                options,
                calls,
                is_whole,
                report,
            } => {
                self.reports.insert(turn, report);
                self.core.handle_input(Input::Open { turn, options }, now);
                self.partial.insert(turn);
                self.add(turn, calls, is_whole);
            }
            Message::More {
                turn,
                calls,
                is_whole,
            } => self.add(turn, calls, is_whole),
            Message::Abandon { turn } => self.abandon(turn),
            Message::CancelTurn { turn, reason } => {
                self.core
                    .handle_input(Input::CancelTurn { turn, reason }, now);
            }
            Message::CancelCall { call } => {
                self.core.handle_input(Input::CancelCall { call }, now);
            }
            Message::EndRun { run } => self.core.handle_input(Input::EndRun { run }, now),
            Message::AwaitTools { wanted, known } => {
                let wanted = wanted.into_iter().collect();
                self.waiters.push(Waiter { wanted, known });
                self.tell_waiters();
            }
            Message::Offers { offers } => {
                let _ = offers.send(self.offers());
            }
            Message::Workers { workers } => {
                let _ = workers.send(self.workers());
            }
            Message::Standing { standing } => {
                let _ = standing.send(self.standing(now));
            }
            Message::Counters { counters } => {
                let _ = counters.send(self.core.counters().clone());
            }
            Message::ShutDown => self.shut_down(),
        }
    }

    /// Opens calls of a turn, of which there are more unless they make it whole.
    fn add(&mut self, turn: TurnKey, calls: Vec<NewCall>, is_whole: bool) {
        // It may have been given up while they were on their way.
        if !self.partial.contains(&turn) {
            return;
        }
        let now = now();
        self.core.expect_calls(&turn, calls.len());
        for call in calls {
            self.core.handle_input(Input::Call { turn, call }, now);
        }
        if is_whole && self.partial.remove(&turn) {
            self.core.handle_input(Input::Seal { turn }, now);
        }
        if self.shutting_down {
            let reason = CancelReason::ShuttingDown;
            self.core
                .handle_input(Input::CancelTurn { turn, reason }, now);
        }
    }

    /// Ends a turn that nobody waits for: no more calls of it come.
    fn abandon(&mut self, turn: TurnKey) {
        if self.partial.remove(&turn) {
            self.core.handle_input(Input::Seal { turn }, now());
        }
        let reason = CancelReason::Asked;
        self.core
            .handle_input(Input::CancelTurn { turn, reason }, now());
    }

    /// Ends the turns that nobody can complete any more.
    fn end_partial(&mut self) {
        while let Some(turn) = self.partial.first().copied() {
            self.abandon(turn);
        }
    }

    /// Cancels turns whose asker has gone without a word.
    fn drop_deserted(&mut self) {
        let mut deserted: Vec<TurnKey> = self
            .reports
            .iter()
            .filter(|(_, report)| report.is_closed())
            .map(|(turn, _)| *turn)
            .collect();
        deserted.sort_unstable();
        for turn in deserted {
            self.abandon(turn);
        }
    }

    fn shut_down(&mut self) {
        self.shutting_down = true;
        self.mailbox.close();
        let mut open: Vec<TurnKey> = self.reports.keys().copied().collect();
        open.sort_unstable();
        for turn in open {
            let reason = CancelReason::ShuttingDown;
            self.core
                .handle_input(Input::CancelTurn { turn, reason }, now());
        }
    }

    fn tell_waiters(&mut self) {
        self.waiters.retain(|waiter| !waiter.known.is_closed());
        if self.waiters.is_empty() {
            return;
        }
        let offered: BTreeSet<ToolName> = self
            .offers()
            .into_iter()
            .filter(|offer| offer.instances > 0)
            .map(|offer| offer.spec.name.clone())
            .collect();
        for waiter in std::mem::take(&mut self.waiters) {
            if waiter.wanted.is_subset(&offered) {
                let _ = waiter.known.send(());
            } else {
                self.waiters.push(waiter);
            }
        }
    }
}

/// The shells read the clock; the cores are told.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// 256 bits of the system's entropy.
fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    seed[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    seed
}
