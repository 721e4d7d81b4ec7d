//! One end of a link, driven by a task as an actor drives it: what it hears is kept until a test
//! asks for it, and what it is told to say is sent.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{bail, ensure};
use callboard_coordinator::link as coordinator;
use callboard_coordinator_core::Undelivered;
use callboard_proto::message::{Announce, Beat, RefusalCode};
use callboard_proto::{CoordinatorId, Kind, Token, codec};
use callboard_worker::link as worker;
use callboard_worker_core::ReplyTo;
use tokio::sync::{mpsc, oneshot};

/// How long a test waits for what must come. Nothing waits this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// Messages between a test and a party's task. Chosen, not measured.
const MESSAGES_MAX: usize = 32_768;

/// What a party is told to say.
#[derive(Debug)]
pub enum Say {
    /// A coordinator's word.
    Coordinator(coordinator::Outgoing),
    /// A worker's word.
    Worker(worker::Outgoing),
}

/// A word, and where to tell that the link has taken it.
type Said = (Say, oneshot::Sender<()>);

/// What a party heard, the same for both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message to a worker.
    Request {
        /// Where its answer goes.
        reply: Option<(CoordinatorId, Token)>,
        /// Its kind.
        kind: Kind,
        /// Its body.
        body: Vec<u8>,
    },
    /// An answer to a coordinator.
    Reply {
        /// The token.
        token: Token,
        /// Its kind.
        kind: Kind,
        /// Its body.
        body: Vec<u8>,
    },
    /// A message did not arrive.
    Undelivered {
        /// Its token.
        token: Token,
        /// Why.
        why: Undelivered,
    },
    /// A beat.
    Beat(Beat),
    /// An announcement.
    Announce(Announce),
    /// An echo.
    Echo {
        /// Its number.
        seq: u64,
    },
    /// Something that can't be read.
    Unreadable {
        /// The code of the refusal, at a worker.
        code: Option<RefusalCode>,
        /// Where the refusal goes, at a worker.
        reply: Option<(CoordinatorId, Token)>,
        /// Why.
        reason: String,
    },
    /// A refusal of the server.
    Refused {
        /// Its text.
        reason: String,
    },
    /// The line is down.
    Down,
    /// The line is up.
    Up,
}

impl Heard {
    /// Whether both came the same way, so that their order counts.
    fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// One end of a link.
#[derive(Debug)]
pub struct Party {
    say: mpsc::Sender<Said>,
    heard: mpsc::Receiver<Heard>,
    kept: VecDeque<Heard>,
    /// Largest body that its link took when it was connected, in bytes.
    pub payload_bytes_max: usize,
}

impl Party {
    /// Drives a coordinator's link.
    pub fn coordinator(mut link: impl coordinator::Link) -> Self {
        let payload_bytes_max = link.payload_bytes_max();
        let (say, mut said) = mpsc::channel::<Said>(MESSAGES_MAX);
        let (hear, heard) = mpsc::channel(MESSAGES_MAX);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            loop {
                tokio::select! {
                    () = link.receive(&mut batch) => {}
                    word = said.recv() => match word {
                        Some((Say::Coordinator(word), taken)) => {
                            link.send(word);
                            // Nobody waits any more where the test has ended.
                            let _ = taken.send(());
                        }
                        Some((Say::Worker(word), _)) => unreachable!("{word:?} at a coordinator"),
                        None => return,
                    },
                }
                for incoming in batch.drain(..) {
                    if hear.send(at_coordinator(incoming)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Self::new(say, heard, payload_bytes_max)
    }

    /// Drives a worker's link.
    pub fn worker(mut link: impl worker::Link) -> Self {
        let payload_bytes_max = link.payload_bytes_max();
        let (say, mut said) = mpsc::channel::<Said>(MESSAGES_MAX);
        let (hear, heard) = mpsc::channel(MESSAGES_MAX);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            loop {
                tokio::select! {
                    () = link.receive(&mut batch) => {}
                    word = said.recv() => match word {
                        Some((Say::Worker(word), taken)) => {
                            link.send(word);
                            let _ = taken.send(());
                        }
                        Some((Say::Coordinator(word), _)) => unreachable!("{word:?} at a worker"),
                        None => return,
                    },
                }
                for incoming in batch.drain(..) {
                    if hear.send(at_worker(incoming)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Self::new(say, heard, payload_bytes_max)
    }

    fn new(
        say: mpsc::Sender<Said>,
        heard: mpsc::Receiver<Heard>,
        payload_bytes_max: usize,
    ) -> Self {
        Self {
            say,
            heard,
            kept: VecDeque::new(),
            payload_bytes_max,
        }
    }

    /// Says something, and returns when the link has taken it: what happens to the line afterwards
    /// comes after it.
    ///
    /// # Errors
    /// When the party's task has ended.
    pub async fn say(&self, word: Say) -> anyhow::Result<()> {
        let (taken, is_taken) = oneshot::channel();
        self.say.send((word, taken)).await?;
        is_taken.await?;
        Ok(())
    }

    /// Says something as a coordinator.
    ///
    /// # Errors
    /// When the party's task has ended.
    pub async fn send(&self, word: coordinator::Outgoing) -> anyhow::Result<()> {
        self.say(Say::Coordinator(word)).await
    }

    /// Says something as a worker.
    ///
    /// # Errors
    /// When the party's task has ended.
    pub async fn answer(&self, word: worker::Outgoing) -> anyhow::Result<()> {
        self.say(Say::Worker(word)).await
    }

    /// Waits for the next thing of any kind.
    ///
    /// # Errors
    /// When nothing comes, or the party's task has ended.
    pub async fn hear(&mut self) -> anyhow::Result<Heard> {
        if let Some(kept) = self.kept.pop_front() {
            return Ok(kept);
        }
        match tokio::time::timeout(PATIENCE, self.heard.recv()).await {
            Ok(Some(heard)) => Ok(heard),
            Ok(None) => bail!("the party's task has ended"),
            Err(_) => bail!("nothing was heard within {PATIENCE:?}"),
        }
    }

    /// Waits for exactly this; what came the same way before it is a mistake, what came another way
    /// is kept.
    ///
    /// # Errors
    /// When something else comes that way, or nothing.
    pub async fn expect(&mut self, expected: &Heard) -> anyhow::Result<()> {
        let heard = self.hear_like(expected).await?;
        ensure!(
            heard == *expected,
            "expected {}, heard {}",
            shortened(expected),
            shortened(&heard)
        );
        Ok(())
    }

    /// Waits for the next thing that comes the same way as this; what came another way is kept.
    ///
    /// # Errors
    /// When nothing comes that way.
    ///
    /// # Panics
    /// Never: what was just looked at is there.
    pub async fn hear_like(&mut self, like: &Heard) -> anyhow::Result<Heard> {
        let mut at = 0;
        loop {
            if at == self.kept.len() {
                match tokio::time::timeout(PATIENCE, self.heard.recv()).await {
                    Ok(Some(heard)) => self.kept.push_back(heard),
                    Ok(None) => bail!("the party's task has ended; expected {like:?}"),
                    Err(_) => bail!("expected {like:?}, heard only {:?}", self.kept),
                }
            }
            if self.kept[at].is_like(like) {
                return Ok(self.kept.remove(at).expect("it was just looked at"));
            }
            at += 1;
        }
    }

    /// Ends the party, and returns when its link is gone.
    pub async fn ended(self) {
        let Self { say, mut heard, .. } = self;
        drop(say);
        while heard.recv().await.is_some() {}
    }

    /// Everything that was heard and never asked for.
    pub fn rest(&mut self) -> Vec<Heard> {
        while let Ok(heard) = self.heard.try_recv() {
            self.kept.push_back(heard);
        }
        self.kept.drain(..).collect()
    }
}

/// What was heard, short enough for an error: a body may have a megabyte.
fn shortened(heard: &Heard) -> String {
    format!("{heard:?}").chars().take(1_000).collect()
}

fn at_coordinator(incoming: coordinator::Incoming) -> Heard {
    match incoming {
        coordinator::Incoming::Reply { token, kind, body } => Heard::Reply {
            token,
            kind,
            body: body.to_vec(),
        },
        coordinator::Incoming::Undelivered { token, why } => Heard::Undelivered { token, why },
        coordinator::Incoming::Beat(body) => {
            Heard::Beat(codec::decode(&body).expect("a link lets only beats through"))
        }
        coordinator::Incoming::Announce(body) => {
            Heard::Announce(codec::decode(&body).expect("a link lets only announcements through"))
        }
        coordinator::Incoming::Echo { seq } => Heard::Echo { seq },
        coordinator::Incoming::Unreadable { reason } => Heard::Unreadable {
            code: None,
            reply: None,
            reason,
        },
        coordinator::Incoming::Unsigned { reason, .. } => Heard::Unreadable {
            code: None,
            reply: None,
            reason,
        },
        coordinator::Incoming::Refused { reason } => Heard::Refused { reason },
        coordinator::Incoming::Down => Heard::Down,
        coordinator::Incoming::Up => Heard::Up,
    }
}

fn at_worker(incoming: worker::Incoming) -> Heard {
    let parts = |reply: Option<ReplyTo>| reply.map(|reply| (reply.coordinator, reply.token));
    match incoming {
        worker::Incoming::Request { reply, kind, body } => Heard::Request {
            reply: parts(reply),
            kind,
            body: body.to_vec(),
        },
        worker::Incoming::Unreadable {
            reply,
            code,
            reason,
        } => Heard::Unreadable {
            code: Some(code),
            reply: parts(reply),
            reason,
        },
        worker::Incoming::Refused { reason } | worker::Incoming::LoginRefused { reason } => {
            Heard::Refused { reason }
        }
        worker::Incoming::Down => Heard::Down,
        worker::Incoming::Up => Heard::Up,
    }
}
