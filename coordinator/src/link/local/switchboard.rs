//! What stands in a process where a server stands between machines: it knows who is connected,
//! passes messages on while it is called, and says at once when nobody listens.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use callboard_coordinator_core::{Address, Undelivered};
use callboard_proto::message::Announce;
use callboard_proto::{CoordinatorId, InstanceId, Kind, Pool, Token, codec};
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;

use super::line::Line;
use super::{INBOX_MESSAGES_MAX, LocalLink, PAYLOAD_BYTES_MAX, Request};
use crate::link::Incoming;

/// A worker's end: how the switchboard reaches it, in whatever crate its own link lives.
pub trait Instance: Send + Sync + 'static {
    /// Takes a request without waiting; says whether there was room for it.
    fn deliver(&self, request: Request) -> bool;

    /// Hears that its line went down or came up.
    fn line_changed(&self, is_up: bool);
}

/// Several coordinators and several workers in one process; a clone is another handle of the same.
#[derive(Clone, Default)]
pub struct Switchboard(Arc<RwLock<Parties>>);

#[derive(Default)]
struct Parties {
    coordinators: FxHashMap<CoordinatorId, Coordinator>,
    workers: FxHashMap<InstanceId, Worker>,
}

struct Coordinator {
    inbox: mpsc::Sender<Incoming>,
    line: Arc<Line>,
}

struct Worker {
    instance: Box<dyn Instance>,
    pool: Pool,
    announce: Bytes,
    is_up: bool,
}

impl Switchboard {
    /// Connects a coordinator; its id must be one that isn't connected yet.
    #[must_use]
    pub fn connect(&self, coordinator: CoordinatorId) -> LocalLink {
        let (sender, inbox) = mpsc::channel(INBOX_MESSAGES_MAX);
        let line = Arc::new(Line::default());
        let party = Coordinator {
            inbox: sender,
            line: Arc::clone(&line),
        };
        self.write().coordinators.insert(coordinator, party);
        LocalLink {
            coordinator,
            board: self.clone(),
            line,
            inbox,
            changes_told: 0,
            ready: std::collections::VecDeque::new(),
        }
    }

    /// Connects the instance that the announcement names, until the port is dropped.
    #[must_use]
    pub fn join(&self, announce: &Announce, instance: impl Instance) -> Port {
        let worker = Worker {
            instance: Box::new(instance),
            pool: announce.pool.clone(),
            announce: encode(announce),
            is_up: true,
        };
        self.write().workers.insert(announce.instance, worker);
        Port {
            instance: announce.instance,
            board: self.clone(),
        }
    }

    /// Cuts an instance's line without farewell: what is sent to it meets nobody, what it sends is
    /// lost. Says whether the line was up.
    pub fn cut(&self, instance: InstanceId) -> bool {
        self.set_worker(instance, false)
    }

    /// Mends an instance's line. Says whether it was cut.
    pub fn heal(&self, instance: InstanceId) -> bool {
        self.set_worker(instance, true)
    }

    /// Cuts a coordinator's line: it hears nothing, and what it sends is refused.
    pub fn cut_coordinator(&self, coordinator: CoordinatorId) {
        self.set_coordinator(coordinator, false);
    }

    /// Mends a coordinator's line.
    pub fn heal_coordinator(&self, coordinator: CoordinatorId) {
        self.set_coordinator(coordinator, true);
    }

    pub(super) fn post(&self, to: &Address, request: Request) -> Result<(), Undelivered> {
        let parties = self.read();
        let worker = parties
            .workers
            .get(&to.instance)
            .filter(|worker| worker.is_up && worker.pool == to.pool)
            .ok_or(Undelivered::NoResponders)?;
        // An inbox without room is as good as nobody: nothing was received, and the sender knows.
        if worker.instance.deliver(request) {
            Ok(())
        } else {
            Err(Undelivered::NoResponders)
        }
    }

    pub(super) fn deliver(&self, coordinator: CoordinatorId, incoming: Incoming) {
        if let Some(party) = self.read().coordinators.get(&coordinator) {
            party.deliver(incoming);
        }
    }

    pub(super) fn discover(&self, coordinator: CoordinatorId) {
        let parties = self.read();
        if let Some(party) = parties.coordinators.get(&coordinator) {
            for worker in parties.workers.values().filter(|worker| worker.is_up) {
                party.deliver(Incoming::Announce(worker.announce.clone()));
            }
        }
    }

    pub(super) fn leave(&self, coordinator: CoordinatorId) {
        self.write().coordinators.remove(&coordinator);
    }

    fn set_worker(&self, instance: InstanceId, is_up: bool) -> bool {
        let mut parties = self.write();
        let Some(worker) = parties.workers.get_mut(&instance) else {
            return false;
        };
        let is_changed = worker.is_up != is_up;
        if is_changed {
            worker.is_up = is_up;
            worker.instance.line_changed(is_up);
        }
        is_changed
    }

    fn set_coordinator(&self, coordinator: CoordinatorId, is_up: bool) {
        if let Some(party) = self.write().coordinators.get(&coordinator) {
            party.line.set(is_up);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Parties> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Parties> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parties = self.read();
        f.debug_struct("Switchboard")
            .field("coordinators", &parties.coordinators.keys())
            .field("instances", &parties.workers.keys())
            .finish()
    }
}

impl Coordinator {
    fn deliver(&self, incoming: Incoming) {
        if self.line.is_up() && self.inbox.try_send(incoming).is_err() {
            self.line.drop_one();
        }
    }
}

/// A connected instance's way to the coordinators; dropping it ends the connection.
#[derive(Debug)]
pub struct Port {
    instance: InstanceId,
    board: Switchboard,
}

impl Port {
    /// Answers a message. An answer to a coordinator that has gone is lost, as everywhere.
    pub fn answer(&self, coordinator: CoordinatorId, token: Token, kind: Kind, body: Bytes) {
        let parties = self.board.read();
        if let Some(party) = self.reached(&parties, coordinator) {
            party.deliver(Incoming::Reply { token, kind, body });
        }
    }

    /// Sends an encoded beat to all coordinators.
    pub fn beat(&self, body: &Bytes) {
        let parties = self.board.read();
        if self.is_up(&parties) {
            for party in parties.coordinators.values() {
                party.deliver(Incoming::Beat(body.clone()));
            }
        }
    }

    /// Replaces what the instance says of itself.
    pub fn announce(&self, announce: &Announce) {
        if let Some(worker) = self.board.write().workers.get_mut(&self.instance) {
            worker.announce = encode(announce);
        }
    }

    fn reached<'p>(&self, parties: &'p Parties, to: CoordinatorId) -> Option<&'p Coordinator> {
        parties
            .coordinators
            .get(&to)
            .filter(|_| self.is_up(parties))
    }

    fn is_up(&self, parties: &Parties) -> bool {
        parties
            .workers
            .get(&self.instance)
            .is_some_and(|worker| worker.is_up)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.board.write().workers.remove(&self.instance);
    }
}

fn encode(announce: &Announce) -> Bytes {
    let mut announce = announce.clone();
    announce.payload_bytes_max = PAYLOAD_BYTES_MAX as u64;
    codec::encode(&announce)
}
