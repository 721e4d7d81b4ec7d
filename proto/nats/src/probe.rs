//! Looks at a server: what it says of itself, how far it is, and which subjects it refuses.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard_proto::server::{Denied, Operation};
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};

use crate::connection::{Connection, Notice};

/// What a server says of itself.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its version.
    pub version: String,
    /// Largest message that it takes, in bytes.
    pub payload_bytes_max: usize,
    /// Whether it has JetStream.
    pub jetstream: bool,
}

/// What to try.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// Subjects to publish an empty message to, without wildcards.
    pub publish: Vec<String>,
    /// Subjects to subscribe to, some in a queue group.
    pub subscribe: Vec<(String, Option<String>)>,
    /// A subject that only this trial uses; it is subscribed to and published to last.
    pub echo: String,
}

/// What came of a trial.
#[derive(Clone, Debug)]
pub struct Tried {
    /// What the server refused.
    pub denied: BTreeSet<Denied>,
    /// Time for the message to oneself, there and back; `None` where it didn't come in time.
    pub round_trip: Option<Duration>,
}

/// Asks what the server said when it was connected to.
#[must_use]
pub fn facts(connection: &Connection) -> Facts {
    let info = connection.client().server_info();
    Facts {
        version: info.version,
        payload_bytes_max: info.max_payload,
        jetstream: info.jetstream,
    }
}

/// Subscribes and publishes, and hears what is refused: a server tells so after the fact, before it
/// delivers what was published later. Ends with the message to oneself, or when it is `over`.
///
/// # Panics
/// When a subject isn't well-formed, or the client is closed.
pub async fn try_out(
    connection: &mut Connection,
    trial: &Trial,
    over: impl Future<Output = ()>,
) -> Tried {
    const OPEN: &str = "the subject is well-formed, and the client is open";
    let client = connection.client().clone();
    let mut held = Vec::new();
    for (subject, group) in &trial.subscribe {
        let subject = subject.clone();
        held.push(match group {
            Some(group) => client
                .queue_subscribe(subject, group.clone())
                .await
                .expect(OPEN),
            None => client.subscribe(subject).await.expect(OPEN),
        });
    }
    let mut echo = client.subscribe(trial.echo.clone()).await.expect(OPEN);
    for subject in &trial.publish {
        client
            .publish(subject.clone(), Bytes::new())
            .await
            .expect(OPEN);
    }
    let sent = Instant::now();
    client
        .publish(trial.echo.clone(), Bytes::new())
        .await
        .expect(OPEN);
    let mut tried = Tried {
        denied: BTreeSet::new(),
        round_trip: None,
    };
    let over = std::pin::pin!(over);
    let heard = std::pin::pin!(async {
        loop {
            let notice = std::pin::pin!(poll_fn(|cx| connection.poll_notice(cx)));
            match select(notice, echo.next()).await {
                Either::Left((Notice::Denied(denied), _)) => {
                    let is_last =
                        denied.operation == Operation::Publish && denied.subject == trial.echo;
                    tried.denied.insert(denied);
                    if is_last {
                        return;
                    }
                }
                Either::Left((
                    Notice::Down | Notice::Up | Notice::Refused(_) | Notice::Dropped(_),
                    _,
                )) => {}
                Either::Right(_) => {
                    tried.round_trip = Some(sent.elapsed());
                    return;
                }
            }
        }
    });
    select(heard, over).await;
    drop(held);
    tried
}
