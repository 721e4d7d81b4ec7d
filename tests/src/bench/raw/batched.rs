//! The baseline whose gatherer reads the inbox itself.

use std::time::{Duration, Instant};

use anyhow::Context;
use async_nats::{Client, Message, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::ReadyChunks;

use super::inbox::Inbox;
use crate::bench::payload;
use crate::bench::protocol::{Load, Sustained, Tool};
use crate::bench::serve::{Side, nanos};

/// Results taken at once, at most; chosen, not measured.
pub(super) const CHUNK: usize = 256;

/// A coordinator that posts and reads in one task: no channel, no map, no wake-up of another task.
#[derive(Debug)]
pub struct Batched {
    client: Client,
    subject: Subject,
    arguments: Bytes,
    inbox: Inbox,
    results: ReadyChunks<Subscriber>,
    next: u64,
}

impl Batched {
    /// Subscribes to the inbox.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn start(client: Client, fleet: &str) -> anyhow::Result<Self> {
        let inbox = Inbox::new(&client.new_inbox().replace('.', "_"));
        let results = client.subscribe(inbox.wildcard()).await?;
        super::settled(&client).await?;
        Ok(Self {
            client,
            subject: super::subject(fleet).into(),
            arguments: payload::arguments(0).into(),
            inbox,
            results: results.ready_chunks(CHUNK),
            next: 0,
        })
    }

    async fn post(&mut self) -> anyhow::Result<()> {
        let reply = self.inbox.reply(self.next);
        self.next += 1;
        self.client
            .publish_with_reply(self.subject.clone(), reply, self.arguments.clone())
            .await?;
        Ok(())
    }

    async fn read(&mut self) -> anyhow::Result<Vec<Message>> {
        let chunk = self.results.next().await;
        chunk.context("the inbox's subscription has ended")
    }
}

impl Side for Batched {
    async fn fan_out(&mut self, calls: u32, _tool: Tool) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let first = self.next;
        for _ in 0..calls {
            self.post().await?;
        }
        let mut results: Vec<Option<Bytes>> = vec![None; calls as usize];
        let mut open = calls;
        while open > 0 {
            for message in self.read().await? {
                let slot = self
                    .inbox
                    .token(&message)
                    .and_then(|token| usize::try_from(token.checked_sub(first)?).ok())
                    .and_then(|index| results.get_mut(index));
                if let Some(slot) = slot
                    && slot.replace(message.payload).is_none()
                {
                    open -= 1;
                }
            }
        }
        let elapsed = began.elapsed();
        drop(results);
        Ok(elapsed)
    }

    async fn sustained(&mut self, load: Load) -> anyhow::Result<Sustained> {
        let began = Instant::now();
        let end = began + Duration::from_millis(load.millis);
        let mut open: usize = 0;
        for _ in 0..load.in_flight {
            self.post().await?;
            open += 1;
        }
        let mut calls: u64 = 0;
        while open > 0 {
            let chunk = self.read().await?;
            open -= chunk.len();
            calls += chunk.len() as u64;
            if Instant::now() < end {
                for _ in 0..chunk.len() {
                    self.post().await?;
                    open += 1;
                }
            }
        }
        Ok(Sustained {
            calls,
            nanos: nanos(began.elapsed()),
        })
    }
}
