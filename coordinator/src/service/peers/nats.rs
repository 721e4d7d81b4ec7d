//! The way between replicas over NATS: a question and its answer, each in as many messages as it takes.
//!
//! A connection of its own, so that long answers never stand before calls. Events travel the same way,
//! page by page as their reader asks for them: so nothing is sent that nobody takes, and a reader that
//! loses its replica goes on at another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::{Client, HeaderMap, Message, StatusCode, Subscriber};
use bytes::{Bytes, BytesMut};
use callboard_nats::connection::Connection;
use callboard_nats::subscribe;
use callboard_proto::server::{LinkError, ServerOptions};
use callboard_proto::{Tenant, Token, subject};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use super::{Answer, PeerError, Peers, Question};
use crate::service::http::App;
use crate::service::runs::Replica;

/// Time between two beats of a replica. Chosen: three of them are a worker's lease, too.
const BEAT: Duration = Duration::from_secs(1);
/// After how long without a beat a replica doesn't count as living.
const LEASE: Duration = Duration::from_millis(3_500);
/// How often it is looked at whether who is asked still lives. Chosen, not measured.
const LOOK: Duration = Duration::from_millis(250);
/// How long a replica that fell silent without a farewell is known to hold runs. Chosen, not measured: long
/// enough to be looked at by whoever is called.
const SILENT_MAX: Duration = Duration::from_secs(600);
/// How long a new replica listens for the others before it serves. Chosen, not measured: they beat at
/// once when they hear a new one.
const HELLO: Duration = Duration::from_millis(300);
/// How long the farewell of a replica may take to reach the server. Chosen, not measured.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long an answer may take beyond what its question allows. Chosen, not measured.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions of others that are answered at once, at most; the rest wait in the subscription.
const QUESTIONS_MAX: usize = 1_024;
/// Bytes of one answer, at most. Chosen: four times what a request's body may have.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Messages of one answer that wait for who asked. NATS' usual messages hold 1 MiB.
const PIECES: usize = 64;
/// Room that subjects and headers take of a message.
const HEAD_BYTES: usize = 1_024;
/// The header of a piece that another follows.
const MORE: &str = "Cb-More";
/// What a beat says at the end.
const GOING: &[u8] = b"going";

/// The way between replicas.
#[derive(Debug)]
pub struct NatsPeers {
    tenant: Tenant,
    replica: Replica,
    /// Keeps the connection's events read.
    connection: Connection,
    client: Client,
    heard: Mutex<HashMap<Replica, Instant>>,
    waiting: Mutex<HashMap<Token, mpsc::Sender<Message>>>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl NatsPeers {
    /// Connects a service to its other replicas, and answers them from now on. Those of one tenant
    /// belong together: the one that the service has of itself, not those of its tokens.
    ///
    /// # Errors
    /// When the server can't be reached or refuses.
    pub async fn join(
        options: &ServerOptions,
        tenant: Tenant,
        app: &App,
    ) -> Result<Arc<Self>, LinkError> {
        let replica = app.runs().replica();
        let connection = Connection::open(options, format!("callboard-serve {replica}")).await?;
        let client = connection.client().clone();
        let number = replica.bits();
        let questions = subscribe(&client, subject::replica_ask(&tenant, number)).await;
        let answers = subscribe(&client, subject::replica_answer_all(&tenant, number)).await;
        let beats = subscribe(&client, subject::replica_beat_all(&tenant)).await;
        let peers = Arc::new(Self {
            tenant,
            replica,
            connection,
            client,
            heard: Mutex::default(),
            waiting: Mutex::default(),
            stop: watch::Sender::new(false),
            tasks: Mutex::default(),
        });
        let tasks = vec![
            tokio::spawn(answer_all(Arc::clone(&peers), app.clone(), questions)),
            tokio::spawn(hand_out(Arc::downgrade(&peers), answers)),
            tokio::spawn(listen(Arc::downgrade(&peers), beats)),
            tokio::spawn(beat(Arc::clone(&peers))),
        ];
        *lock(&peers.tasks) = tasks;
        tokio::time::sleep(HELLO).await;
        app.join(Arc::clone(&peers) as Arc<dyn Peers>);
        Ok(peers)
    }

    /// Says farewell, so that nobody waits for this replica, and disconnects.
    pub async fn leave(&self) {
        self.stop.send_replace(true);
        self.say(Bytes::from_static(GOING)).await;
        for task in std::mem::take(&mut *lock(&self.tasks)) {
            task.abort();
        }
        // A client that is closed already has said all it could, and one whose server is away says nothing: its
        // flush waits for the server, however long that is gone.
        if self.client.connection_state() == State::Connected {
            let _ = tokio::time::timeout(FAREWELL, self.client.flush()).await;
        }
        let _ = self.client.drain().await;
    }

    async fn say(&self, word: Bytes) {
        let beat = subject::replica_beat(&self.tenant, self.replica.bits());
        if let Err(error) = self.client.publish(beat, word).await {
            tracing::debug!(%error, "a beat could not be sent");
        }
    }

    async fn question(&self, to: Replica, question: Question) -> Result<Answer, PeerError> {
        if self.client.connection_state() != State::Connected {
            // What is handed over now would be asked after the next connect, however late that is.
            return Err(PeerError::Unlinked);
        }
        let within = question.ask.wait() + PATIENCE;
        let token = Token::new(uuid::Uuid::new_v4());
        let (pieces, mut taken) = mpsc::channel(PIECES);
        lock(&self.waiting).insert(token, pieces);
        let _forget = Forget(&self.waiting, token);
        let body = serde_json::to_vec(&question).expect("questions are JSON");
        let ask = subject::replica_ask(&self.tenant, to.bits());
        let reply = subject::replica_answer(&self.tenant, self.replica.bits(), token);
        let sent = self
            .client
            .publish_with_reply(ask, reply, body.into())
            .await;
        sent.map_err(|_| PeerError::Silent)?;
        let answer = async {
            tokio::select! {
                answer = collect(&mut taken) => answer,
                away = self.away(to) => Err(away),
            }
        };
        let answer = tokio::time::timeout(within, answer).await;
        let answer = answer.map_err(|_elapsed| PeerError::Silent)??;
        serde_json::from_slice(&answer).map_err(|error| {
            tracing::warn!(%error, replica = %to, "an answer of a replica can't be read");
            PeerError::Silent
        })
    }
}

impl NatsPeers {
    /// Waits until a replica that lives now says farewell or falls silent: its answer won't come.
    async fn away(&self, replica: Replica) -> PeerError {
        let heard = || {
            let heard = lock(&self.heard);
            heard.get(&replica).map(Instant::elapsed)
        };
        if heard().is_none_or(|ago| ago >= LEASE) {
            // It isn't known, or was silent before: it may answer all the same.
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK).await;
            match heard() {
                Some(ago) if ago < LEASE => {}
                Some(_) => return PeerError::Silent,
                None => return PeerError::Gone,
            }
        }
    }
}

/// Takes an answer's pieces together.
async fn collect(pieces: &mut mpsc::Receiver<Message>) -> Result<Bytes, PeerError> {
    let mut answer = BytesMut::new();
    loop {
        let piece = pieces.recv().await.ok_or(PeerError::Silent)?;
        if piece.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(PeerError::Gone);
        }
        if answer.len() + piece.payload.len() > ANSWER_BYTES_MAX {
            return Err(PeerError::Silent);
        }
        answer.extend_from_slice(&piece.payload);
        let has_more = piece
            .headers
            .is_some_and(|headers| headers.get(MORE).is_some());
        if !has_more {
            return Ok(answer.freeze());
        }
    }
}

impl Peers for NatsPeers {
    fn ask(&self, to: Replica, question: Question) -> BoxFuture<'_, Result<Answer, PeerError>> {
        Box::pin(async move {
            let answer = self.question(to, question).await;
            if answer.as_ref().err() == Some(&PeerError::Gone) {
                lock(&self.heard).remove(&to);
            }
            answer
        })
    }

    fn others(&self) -> Vec<Replica> {
        let heard = lock(&self.heard);
        let living = heard.iter().filter(|(_, at)| at.elapsed() < LEASE);
        living.map(|(replica, _)| *replica).collect()
    }

    fn silent(&self) -> Vec<Replica> {
        let mut heard = lock(&self.heard);
        heard.retain(|_, at| at.elapsed() < SILENT_MAX);
        let silent = heard.iter().filter(|(_, at)| at.elapsed() >= LEASE);
        silent.map(|(replica, _)| *replica).collect()
    }
}

impl Drop for NatsPeers {
    fn drop(&mut self) {
        tracing::debug!(
            servers = self.connection.servers(),
            "the way to other replicas is closed"
        );
    }
}

struct Forget<'a>(&'a Mutex<HashMap<Token, mpsc::Sender<Message>>>, Token);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.0).remove(&self.1);
    }
}

/// What is behind these locks is whole whenever they are free.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the others, each question in a task of its own.
async fn answer_all(peers: Arc<NatsPeers>, app: App, mut questions: Subscriber) {
    let room = Arc::new(Semaphore::new(QUESTIONS_MAX));
    while let Some(message) = questions.next().await {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let (peers, app) = (Arc::clone(&peers), app.clone());
        tokio::spawn(async move {
            answer(&peers, &app, message).await;
            drop(permit);
        });
    }
}

async fn answer(peers: &NatsPeers, app: &App, message: Message) {
    // A replica publishes nowhere but to the answers of its own tenant's replicas.
    let reply = message
        .reply
        .filter(|reply| subject::replica_answer_parts(&peers.tenant, reply.as_str()).is_some());
    let (Some(reply), Ok(question)) = (reply, serde_json::from_slice(&message.payload)) else {
        tracing::warn!("a question of a replica can't be read");
        return;
    };
    let answer = app.answer(question).await;
    let answer = Bytes::from(serde_json::to_vec(&answer).expect("answers are JSON"));
    let room = peers
        .client
        .server_info()
        .max_payload
        .saturating_sub(HEAD_BYTES);
    let mut rest = answer;
    loop {
        let piece = rest.split_to(rest.len().min(room.max(1)));
        let mut headers = HeaderMap::new();
        if !rest.is_empty() {
            headers.insert(MORE, "1");
        }
        let to = reply.clone();
        let sent = peers.client.publish_with_headers(to, headers, piece).await;
        if sent.is_err() || rest.is_empty() {
            return;
        }
    }
}

/// Hands answers to who waits for them.
async fn hand_out(peers: Weak<NatsPeers>, mut answers: Subscriber) {
    while let Some(message) = answers.next().await {
        let Some(peers) = peers.upgrade() else { return };
        let parts = subject::replica_answer_parts(&peers.tenant, message.subject.as_str());
        let waiting = parts.and_then(|(_, token)| lock(&peers.waiting).get(&token).cloned());
        if let Some(waiting) = waiting {
            // Who has no room for more pieces gets no whole answer, and is told by its timeout.
            let _ = waiting.try_send(message);
        }
    }
}

/// Notes who lives; greets who is new.
async fn listen(peers: Weak<NatsPeers>, mut beats: Subscriber) {
    while let Some(message) = beats.next().await {
        let Some(peers) = peers.upgrade() else { return };
        let number = subject::replica_beat_parts(&peers.tenant, message.subject.as_str());
        let Some(replica) = number.map(Replica::new) else {
            continue;
        };
        if replica == peers.replica {
            continue;
        }
        if message.payload == GOING {
            lock(&peers.heard).remove(&replica);
        } else if lock(&peers.heard).insert(replica, Instant::now()).is_none() {
            peers.say(Bytes::new()).await;
        }
    }
}

async fn beat(peers: Arc<NatsPeers>) {
    let mut stop = peers.stop.subscribe();
    let mut ticks = tokio::time::interval(BEAT);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => peers.say(Bytes::new()).await,
            _ = stop.changed() => return,
        }
    }
}
