//! How others speak to a running executor.

use std::time::Duration;

use callboard_proto::message::Down;
use tokio::sync::{mpsc, oneshot};

use crate::executor::Snapshot;
use crate::executor::message::Message;
use crate::tool::Tools;

/// The executor has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the worker has ended")]
pub struct Gone;

/// Speaks to a running executor. Clones speak to the same one; it runs on when all are dropped.
#[derive(Clone, Debug)]
pub struct Handle {
    mailbox: mpsc::Sender<Message>,
}

impl Handle {
    pub(super) fn new(mailbox: mpsc::Sender<Message>) -> Self {
        Self { mailbox }
    }

    /// Takes no more calls, lets what runs finish for `grace`, then tells it to stop; returns when
    /// the executor has ended. A second drain with a shorter grace counts.
    ///
    /// # Cancel safety
    /// Once polled to its second wait, the drain goes on without the asker.
    pub async fn drain(&self, grace: Duration) {
        // An executor that has ended has drained as far as it ever will.
        let _ended = self.mailbox.send(Message::Drain { grace }).await;
        self.ended().await;
    }

    /// Ends the executor now, as if its process were killed: what runs is dropped, nothing is
    /// answered, and coordinators learn of it by its silence. Returns when it has ended.
    pub async fn stop(&self) {
        let _ended = self.mailbox.send(Message::Stop).await;
        self.ended().await;
    }

    /// Waits until the executor has ended.
    pub async fn ended(&self) {
        self.mailbox.closed().await;
    }

    /// Offers these tools instead of those before, and says what else is down. Calls that run go on;
    /// those that haven't entered a tool which is gone, or was changed, are let go. A tool that requires
    /// a label which the worker doesn't carry is left out, and logged.
    ///
    /// # Errors
    /// When the executor has ended.
    pub async fn offer(&self, tools: Tools, down: Vec<Down>) -> Result<(), Gone> {
        let offer = Message::Offer { tools, down };
        self.mailbox.send(offer).await.map_err(|_| Gone)
    }

    /// How the executor stands now.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn snapshot(&self) -> Result<Snapshot, Gone> {
        let (answer, answered) = oneshot::channel();
        self.mailbox
            .send(Message::Snapshot(answer))
            .await
            .map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }
}
