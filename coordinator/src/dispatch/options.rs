//! What a dispatch actor is given.

use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::Limits;
use callboard_nats::busy_poll;
use callboard_proto::CoordinatorId;

use super::observe::ObserveCalls;

/// How a dispatch actor is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// This life of the coordinator's process; the link has the same.
    pub coordinator: CoordinatorId,
    /// Its limits.
    pub limits: Limits,
    /// Whether [`DispatchHandle::events`](super::DispatchHandle::events) tells anything.
    pub events: bool,
    /// Who is told of the calls of watched turns.
    pub observer: Option<Arc<dyn ObserveCalls>>,
    /// Longest time for which the actor stays awake for an answer over a link that isn't local, where the last
    /// ones came that soon; 500 µs. A fifth of one core is spent on it at most, on average. Zero: it sleeps at once.
    pub busy_poll: Duration,
}

impl Options {
    /// The defaults, with events, under a new identity.
    #[must_use]
    pub fn new(coordinator: CoordinatorId) -> Self {
        Self {
            coordinator,
            limits: Limits::default(),
            events: true,
            observer: None,
            busy_poll: busy_poll::DEFAULT,
        }
    }
}
