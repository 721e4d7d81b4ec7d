//! The baseline with a one-shot channel per call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{Client, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::inbox::Inbox;
use crate::bench::payload;
use crate::bench::protocol::{Load, Sustained, Tool};
use crate::bench::serve::{Side, nanos};

/// A coordinator whose reader task hands each result to its call's channel.
#[derive(Clone, Debug)]
pub struct OneShot {
    client: Client,
    subject: Subject,
    arguments: Bytes,
    waiters: Arc<Waiters>,
}

#[derive(Debug)]
struct Waiters {
    inbox: Inbox,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    channels: FxHashMap<u64, oneshot::Sender<Bytes>>,
}

impl Waiters {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) -> (Subject, oneshot::Receiver<Bytes>) {
        let (sender, receiver) = oneshot::channel();
        let mut open = self.open();
        let token = open.next;
        open.next += 1;
        open.channels.insert(token, sender);
        drop(open);
        (self.inbox.reply(token), receiver)
    }

    async fn read(&self, mut results: Subscriber) {
        while let Some(message) = results.next().await {
            let Some(token) = self.inbox.token(&message) else {
                continue;
            };
            let waiter = self.open().channels.remove(&token);
            if let Some(waiter) = waiter {
                // The caller may have gone.
                drop(waiter.send(message.payload));
            }
        }
    }
}

impl OneShot {
    /// Subscribes to the inbox and starts the reader.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn start(client: Client, fleet: &str) -> anyhow::Result<Self> {
        let inbox = Inbox::new(&client.new_inbox().replace('.', "_"));
        let results = client.subscribe(inbox.wildcard()).await?;
        super::settled(&client).await?;
        let waiters = Arc::new(Waiters {
            inbox,
            open: Mutex::default(),
        });
        let reader = Arc::clone(&waiters);
        tokio::spawn(async move { reader.read(results).await });
        Ok(Self {
            client,
            subject: super::subject(fleet).into(),
            arguments: payload::arguments(0).into(),
            waiters,
        })
    }

    async fn post(&self) -> anyhow::Result<oneshot::Receiver<Bytes>> {
        let (reply, result) = self.waiters.wait();
        self.client
            .publish_with_reply(self.subject.clone(), reply, self.arguments.clone())
            .await?;
        Ok(result)
    }

    async fn call_until(self, end: Instant) -> anyhow::Result<u64> {
        let mut calls = 0;
        while Instant::now() < end {
            self.post().await?.await?;
            calls += 1;
        }
        Ok(calls)
    }
}

impl Side for OneShot {
    async fn fan_out(&mut self, calls: u32, _tool: Tool) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut waiting = Vec::with_capacity(calls as usize);
        for _ in 0..calls {
            waiting.push(self.post().await?);
        }
        let mut results = Vec::with_capacity(waiting.len());
        for result in waiting {
            results.push(result.await?);
        }
        let elapsed = began.elapsed();
        drop(results);
        Ok(elapsed)
    }

    async fn sustained(&mut self, load: Load) -> anyhow::Result<Sustained> {
        let began = Instant::now();
        let end = began + Duration::from_millis(load.millis);
        let mut callers = JoinSet::new();
        for _ in 0..load.in_flight {
            callers.spawn(self.clone().call_until(end));
        }
        let mut calls = 0;
        while let Some(caller) = callers.join_next().await {
            calls += caller??;
        }
        Ok(Sustained {
            calls,
            nanos: nanos(began.elapsed()),
        })
    }
}
