//! The ear: a client that hears everything and takes part in nothing.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_nats::Client;
use bytes::Bytes;
use callboard_proto::Kind;
use futures_util::StreamExt as _;
use tokio::sync::watch;

use super::Message;
use super::message;

/// How long a condition may take: a hang, and not a slow machine, must be what ends it. Chosen, not measured.
const PATIENCE: Duration = Duration::from_secs(60);
/// The recorder's word to itself.
const MARK: &str = "corpus.mark";

/// Hears all that passes a server.
#[derive(Debug)]
pub(super) struct Recorder {
    client: Client,
    heard: watch::Receiver<Vec<Message>>,
}

impl Recorder {
    /// Listens; whatever is said from here on is heard.
    pub(super) async fn start(client: Client) -> anyhow::Result<Self> {
        let mut all = client.subscribe(">").await?;
        // Hearing its own word, it knows that the server knows of its subscription.
        client.publish(MARK, Bytes::new()).await?;
        while let Some(message) = all.next().await {
            if message.subject.as_str() == MARK {
                break;
            }
        }
        let began = Instant::now();
        let (sender, heard) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Some(message) = all.next().await {
                if let Some(message) = Message::hear(&message, began.elapsed()) {
                    sender.send_modify(|messages| messages.push(message));
                } else if message.subject.as_str() == MARK {
                    return;
                }
            }
        });
        Ok(Self { client, heard })
    }

    /// Waits until what was heard fulfils a condition.
    ///
    /// # Errors
    /// When it doesn't in [`PATIENCE`]; the text names `what`.
    pub(super) async fn until(
        &mut self,
        what: &str,
        is_there: impl FnMut(&Vec<Message>) -> bool,
    ) -> anyhow::Result<()> {
        let heard = tokio::time::timeout(PATIENCE, self.heard.wait_for(is_there)).await;
        heard
            .with_context(|| format!("not heard within {PATIENCE:?}: {what}"))?
            .with_context(|| format!("the recording ended before this was heard: {what}"))?;
        Ok(())
    }

    /// How many messages were heard until now.
    pub(super) fn count(&self) -> usize {
        self.heard.borrow().len()
    }

    /// Whether a message of a kind was heard, the first ones left out.
    pub(super) fn has(&self, first: usize, kind: Kind) -> bool {
        let heard = self.heard.borrow();
        heard
            .iter()
            .skip(first)
            .any(|message| message.kind() == Some(kind))
    }

    /// Ends the recording, and gives what was heard.
    pub(super) async fn finish(mut self) -> anyhow::Result<Vec<Message>> {
        self.client.publish(MARK, Bytes::new()).await?;
        let ended = async { while self.heard.changed().await.is_ok() {} };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .context("the recording doesn't end")?;
        let mut messages = self.heard.borrow().clone();
        message::annotate(&mut messages);
        Ok(messages)
    }
}
