//! What several replicas are to each other: a run's id names the one that holds it, and any of them
//! answers for it by asking that one.
//!
//! `message` is what is asked and answered, `answer` does so for this replica's own runs, `cluster`
//! chooses whom to ask, `claims` keeps idempotency keys (pure), `nats` is the way between. A single
//! replica has no way and asks itself.

mod answer;
mod claims;
mod cluster;
mod message;
pub mod nats;

use std::fmt;

use futures_util::future::BoxFuture;

use super::runs::Replica;
pub(crate) use cluster::Cluster;
pub use message::{Answer, Ask, Claim, Question, Target};

/// Why another replica gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Nobody listens there: it has ended.
    #[error("the replica is gone")]
    Gone,
    /// It gave no answer in time.
    #[error("the replica gave no answer in time")]
    Silent,
    /// The way to it is cut on this side.
    #[error("the NATS server can't be reached")]
    Unlinked,
}

/// The way to other replicas.
pub trait Peers: fmt::Debug + Send + Sync + 'static {
    /// Asks another replica.
    ///
    /// # Errors
    /// When it gives no answer.
    fn ask(&self, to: Replica, question: Question) -> BoxFuture<'_, Result<Answer, PeerError>>;

    /// The others that live, as far as is known.
    fn others(&self) -> Vec<Replica>;

    /// Those that fell silent without a farewell, and may hold runs.
    fn silent(&self) -> Vec<Replica>;
}
