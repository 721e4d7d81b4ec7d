//! The handle of a run.

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::CancelReason;
use callboard_coordinator_core::run::{Budgets, Eager};
use callboard_proto::{Epoch, RunId, TraceContext};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::actor::Actor;
use super::message::{MAILBOX_CAPACITY, Message};
use super::ports::{Gather, Observe};
use super::report::RunReport;
use crate::catalogue::Catalogue;
use crate::model::{Model, Opening};
use crate::provider::{Parallel, ToolChoice};

/// How a run is driven.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Its id; new for each run.
    pub run: RunId,
    /// What the model is asked to do.
    pub task: Opening,
    /// The tools that it may use, frozen.
    pub catalogue: Arc<Catalogue>,
    /// What it may spend.
    pub budgets: Budgets,
    /// Longest time for a call; its turn's deadline caps it.
    pub call_deadline: Option<Duration>,
    /// How many calls of a turn run together. The provider is told by the model's own settings.
    pub parallel: Parallel,
    /// Which calls start while their response still streams.
    pub eager: Eager,
    /// What the model was told of tools. With [`ToolChoice::None`], calls that come anyway are refused.
    pub tool_choice: ToolChoice,
    /// The epoch of the run's owner; 0 where runs aren't durable.
    pub epoch: Epoch,
    /// The span that its turns belong below; absent where nobody follows the trace.
    pub trace: Option<TraceContext>,
    /// Whether what becomes of its calls is told to who watches the dispatcher.
    pub is_watched: bool,
}

/// A run that was started. Dropping the handle cancels the run: nobody is left to read its report.
#[derive(Debug)]
pub struct RunHandle {
    mailbox: mpsc::Sender<Message>,
    task: JoinHandle<RunReport>,
}

impl RunHandle {
    /// Starts a run on the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start<M: Model, G: Gather>(
        options: RunOptions,
        model: M,
        gather: G,
        observer: impl Observe,
    ) -> Self {
        let (mailbox, receiver) = mpsc::channel(MAILBOX_CAPACITY);
        let actor = Actor::new(options, model, gather, Box::new(observer), receiver);
        let task = tokio::spawn(actor.drive());
        Self { mailbox, task }
    }

    /// Asks the run to end: every call is settled, then the report follows. Never waits; asking again
    /// changes nothing.
    pub fn cancel(&self, reason: CancelReason) {
        // A full mailbox holds a cancel already, and a closed one belongs to a run that has ended.
        let _ = self.mailbox.try_send(Message::Cancel(reason));
    }

    /// Waits for the end of the run. To be called until it has returned, and not again after.
    ///
    /// # Panics
    /// When the run's task panicked, with its panic; when it is called again after it returned.
    ///
    /// # Cancel safety
    /// Cancel safe: the run goes on, and the report can be waited for again.
    pub async fn finished(&mut self) -> RunReport {
        match (&mut self.task).await {
            Ok(report) => report,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => panic!("the runtime ended before the run: {error}"),
            },
        }
    }
}
