//! The HTTP shell: reads requests, asks the desks, writes answers.
//!
//! `gate` says who asks, `problem` writes what is refused in one shape, `input` reads queries and bodies,
//! `runs`, `calls`, `events`, `execute`, `views`, `health` and `page` are the paths, `router` puts them together and
//! describes them, `listener` and `tls` are the connections, `crowd` what is served when there are too many, `counts` what is counted of all that.

mod calls;
mod counts;
mod crowd;
mod events;
mod execute;
mod gate;
mod health;
mod input;
mod listener;
mod page;
mod problem;
mod router;
mod runs;
mod sse;
mod tls;
mod views;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::limits::Limits;
use super::peers::{Answer, Cluster, Peers, Question};
use super::runs::Runs;

use self::counts::Counts;

pub use gate::Gate;
pub use listener::Server;
pub use router::{openapi, router};
pub use tls::{TlsError, tls_config};

/// What the paths work with. A clone is the same service.
#[derive(Clone, Debug)]
pub struct App {
    runs: Arc<Runs>,
    cluster: Arc<Cluster>,
    gate: Arc<Gate>,
    limits: Arc<Limits>,
    counts: Arc<Counts>,
    /// Event streams that each token may still open.
    streams: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl App {
    /// A service of these runs, behind this gate.
    #[must_use]
    pub fn new(runs: Arc<Runs>, gate: Gate, limits: Limits) -> Self {
        Self {
            cluster: Cluster::new(Arc::clone(&runs)),
            counts: Counts::of(&runs),
            runs,
            gate: Arc::new(gate),
            limits: Arc::new(limits),
            streams: Arc::default(),
        }
    }

    /// Gives it its way to other replicas; to be called before it serves.
    pub fn join(&self, peers: Arc<dyn Peers>) {
        self.cluster.join(peers);
    }

    /// Answers another replica.
    pub async fn answer(&self, question: Question) -> Answer {
        self.cluster.answer(question).await
    }

    /// Its runs.
    #[must_use]
    pub fn runs(&self) -> &Arc<Runs> {
        &self.runs
    }

    /// Who may ask.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}
