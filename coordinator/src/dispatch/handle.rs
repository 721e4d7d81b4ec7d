//! How everybody else speaks to the dispatch actor.

use std::time::Duration;

use callboard_coordinator_core::{CallEvent, Counters, NewCall, Report, TurnOptions, WorkerView};
use callboard_proto::{CallKey, Digest, RunId, ToolName, TurnKey};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::gathering::OpenTurn;
use super::message::Message;
use crate::catalogue::Offer;
use crate::run::Gather;

/// Calls that are handed over at once: the first chunk of a wide turn is on its way while the next is
/// made ready. Chosen: what the core puts into one message for a worker.
pub(super) const CHUNK_CALLS: usize = 128;

/// How much longer than asked for tools are awaited that a worker is just telling (chosen, not measured).
const READING_MAX: Duration = Duration::from_secs(10);
/// How often is looked whether it still is.
const READING_SLICE: Duration = Duration::from_millis(50);

/// The dispatch actor has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the dispatcher has ended")]
pub struct Gone;

/// A tool that an instance offers, by its name and digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The tool's name.
    pub name: ToolName,
    /// The digest of all that it declares.
    pub digest: Digest,
}

/// How a dispatcher stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The workers whose lease runs.
    pub workers: Vec<WorkerView>,
    /// Calls that wait for a slot.
    pub waiting_calls: usize,
    /// How long the call has been open that waits longest.
    pub oldest_wait: Duration,
    /// Turns that aren't reported.
    pub open_turns: usize,
    /// Whether descriptions of tools are on their way.
    pub is_reading: bool,
    /// Answers dropped because they lacked the signature that is asked for.
    pub replies_unsigned: u64,
    /// What the server refused this coordinator, such as to publish somewhere.
    pub link_refused: u64,
    /// What was counted.
    pub counters: Counters,
}

/// Speaks to a dispatch actor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DispatchHandle {
    mailbox: mpsc::Sender<Message>,
    events: broadcast::Sender<CallEvent>,
    linked: watch::Receiver<bool>,
}

impl DispatchHandle {
    pub(super) fn new(
        mailbox: mpsc::Sender<Message>,
        events: broadcast::Sender<CallEvent>,
        linked: watch::Receiver<bool>,
    ) -> Self {
        Self {
            mailbox,
            events,
            linked,
        }
    }

    /// Whether the link to the workers is up and the actor lives.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        *self.linked.borrow() && !self.mailbox.is_closed()
    }

    /// Opens a turn, to be filled, sealed and reported. Nothing is sent before its report is awaited.
    #[must_use]
    pub fn open(&self, turn: TurnKey, options: TurnOptions) -> OpenTurn {
        OpenTurn::new(self.mailbox.clone(), turn, options)
    }

    /// Drives all calls of a turn to one outcome each, and reports within the turn's deadline.
    ///
    /// # Errors
    /// When the actor has ended.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it cancels the turn: no call runs on for nobody.
    pub async fn gather(
        &self,
        turn: TurnKey,
        options: TurnOptions,
        calls: Vec<NewCall>,
    ) -> Result<Report, Gone> {
        self.gather_each(turn, options, calls).await
    }

    /// Like [`Self::gather`], for calls that are made ready one by one, such as by
    /// [`Catalogue::check_each`](crate::catalogue::Catalogue::check_each): the first are on their way
    /// while later ones are still checked.
    ///
    /// # Errors
    /// When the actor has ended.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it cancels the turn: no call runs on for nobody.
    pub async fn gather_each<I>(
        &self,
        turn: TurnKey,
        options: TurnOptions,
        calls: I,
    ) -> Result<Report, Gone>
    where
        I: IntoIterator<Item = NewCall>,
        I::IntoIter: Send,
    {
        let mut turn = self.open(turn, options);
        let mut calls = calls.into_iter().fuse();
        loop {
            let chunk: Vec<_> = calls.by_ref().take(CHUNK_CALLS).collect();
            let is_last = chunk.len() < CHUNK_CALLS;
            turn.add(chunk);
            if is_last {
                break;
            }
            turn.hand_over().await?;
            // On a runtime of one thread the actor posts what it has meanwhile.
            tokio::task::yield_now().await;
        }
        turn.seal();
        // It may be all calls of a wide turn, and they are the actor's now.
        drop(calls);
        turn.report().await
    }

    /// Ends one call; its siblings go on.
    ///
    /// # Errors
    /// When the actor has ended.
    pub async fn cancel_call(&self, call: CallKey) -> Result<(), Gone> {
        self.send(Message::CancelCall { call }).await
    }

    /// Waits until every one of these tools is offered by somebody, or until `at_most` is over (P10);
    /// whether all are. Without names it listens for all that time. While a worker is telling its tools,
    /// up to 10 s more.
    ///
    /// # Errors
    /// When the actor has ended.
    pub async fn await_tools(
        &self,
        wanted: Vec<ToolName>,
        at_most: Duration,
    ) -> Result<bool, Gone> {
        let (known, mut is_known) = oneshot::channel();
        let is_anything = wanted.is_empty();
        if !is_anything {
            self.send(Message::AwaitTools { wanted, known }).await?;
        }
        let began = Instant::now();
        let mut wait = at_most;
        loop {
            if is_anything {
                tokio::time::sleep(wait).await;
            } else if let Ok(answer) = tokio::time::timeout(wait, &mut is_known).await {
                return answer.map(|()| true).map_err(|_| Gone);
            }
            // A long list is many pages: who is in the middle of telling is heard out.
            if began.elapsed() >= at_most + READING_MAX || !self.standing().await?.is_reading {
                return Ok(is_anything);
            }
            wait = READING_SLICE;
        }
    }

    /// The tools that are offered now, each digest with the instances that offer it.
    ///
    /// # Errors
    /// When the actor has ended.
    pub async fn offers(&self) -> Result<Vec<Offer>, Gone> {
        self.ask(|offers| Message::Offers { offers }).await
    }

    /// The instances that are heard now, each with what it offers.
    ///
    /// # Errors
    /// When the actor has ended.
    pub async fn workers(&self) -> Result<Vec<(WorkerView, Vec<Known>)>, Gone> {
        self.ask(|workers| Message::Workers { workers }).await
    }

    /// How the dispatcher stands, for metrics.
    ///
    /// # Errors
    /// When the actor has ended.
    pub async fn standing(&self) -> Result<Standing, Gone> {
        self.ask(|standing| Message::Standing { standing }).await
    }

    /// What the dispatcher counted.
    ///
    /// # Errors
    /// When the actor has ended.
    pub async fn counters(&self) -> Result<Counters, Gone> {
        self.ask(|counters| Message::Counters { counters }).await
    }

    /// What becomes of each call, as it happens. A listener that is too slow misses the oldest.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<CallEvent> {
        self.events.subscribe()
    }

    /// Ends every open turn, its calls as `interrupted`, and then the actor.
    ///
    /// # Errors
    /// When the actor has ended already.
    pub async fn shut_down(&self) -> Result<(), Gone> {
        self.send(Message::ShutDown).await
    }

    /// Sends a wish that nothing follows from: at once, or from a task of its own if the mailbox is full.
    fn post(&self, message: Message) {
        if let Err(mpsc::error::TrySendError::Full(message)) = self.mailbox.try_send(message) {
            let mailbox = self.mailbox.clone();
            tokio::spawn(async move {
                // An actor that has ended has ended every turn, too.
                let _ = mailbox.send(message).await;
            });
        }
    }

    async fn send(&self, message: Message) -> Result<(), Gone> {
        self.mailbox.send(message).await.map_err(|_| Gone)
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Message,
    ) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        self.send(question(answer)).await?;
        answered.await.map_err(|_| Gone)
    }
}

impl Gather for DispatchHandle {
    type Gathering = OpenTurn;

    fn open(&self, turn: TurnKey, options: TurnOptions) -> OpenTurn {
        Self::open(self, turn, options)
    }

    fn end_run(&self, run: RunId) {
        self.post(Message::EndRun { run });
    }
}
