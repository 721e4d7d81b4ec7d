//! The baseline: what a careful engineer writes over async-nats without Callboard.
//!
//! One shared reply inbox (a wildcard subscription whose last token leads to the waiter), one message
//! per call, one message per result. It is written four ways, because none of them is the fastest
//! everywhere, and the fastest one counts. Nothing here uses a crate of ours.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use async_nats::{Client, ConnectOptions};
use tokio::runtime::{Builder, Runtime};

pub mod batched;
pub mod inbox;
pub mod one_shot;
pub mod worker;

/// How the baseline is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variant {
    /// The runtime of both processes.
    pub threads: Threads,
    /// How results reach the one who waits for them.
    pub reading: Reading,
}

/// The runtime of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Threads {
    /// One worker thread per core.
    Multi,
    /// Everything on one thread.
    Current,
}

/// How results reach the one who waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// A reader task hands each result to its call's one-shot channel.
    OneShot,
    /// The gatherer reads the inbox itself, all that is there at once.
    Batched,
}

impl Variant {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::new(Threads::Multi, Reading::OneShot),
        Self::new(Threads::Multi, Reading::Batched),
        Self::new(Threads::Current, Reading::OneShot),
        Self::new(Threads::Current, Reading::Batched),
    ];

    const fn new(threads: Threads, reading: Reading) -> Self {
        Self { threads, reading }
    }

    /// The variant's name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match (self.threads, self.reading) {
            (Threads::Multi, Reading::OneShot) => "multi-thread-one-shot",
            (Threads::Multi, Reading::Batched) => "multi-thread-batched",
            (Threads::Current, Reading::OneShot) => "current-thread-one-shot",
            (Threads::Current, Reading::Batched) => "current-thread-batched",
        }
    }

    /// Makes the variant's runtime.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn runtime(self) -> std::io::Result<Runtime> {
        match self.threads {
            Threads::Multi => Builder::new_multi_thread().enable_all().build(),
            Threads::Current => Builder::new_current_thread().enable_all().build(),
        }
    }
}

impl FromStr for Variant {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|variant| variant.name() == name);
        found.with_context(|| format!("no variant of the baseline is called {name:?}"))
    }
}

/// Where calls go: one queue group, so that several workers share them.
#[must_use]
pub fn subject(fleet: &str) -> String {
    format!("raw.{fleet}.call")
}

/// Connects the way that was fastest.
///
/// # Errors
/// When no server answers.
pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let options = ConnectOptions::new()
        // Our own subjects are valid; checking each one again is time that a tuned client saves.
        .skip_subject_validation(true)
        .connection_timeout(Duration::from_secs(5));
    let client = options.connect(url).await;
    client.with_context(|| format!("failed to connect to {url}"))
}

/// Waits until the server has taken all subscriptions of the client made so far: a message to oneself
/// can't overtake them.
///
/// # Errors
/// When the message does not come back.
pub async fn settled(client: &Client) -> anyhow::Result<()> {
    use futures_util::StreamExt;
    let own = client.new_inbox();
    let mut back = client.subscribe(own.clone()).await?;
    client.publish(own, Vec::new().into()).await?;
    match tokio::time::timeout(Duration::from_secs(5), back.next()).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) | Err(_) => bail!("the server did not answer within 5 s"),
    }
}
