//! The instances of a server, and which of them gets a call.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard_proto::RunId;
use tokio::sync::Notify;

use super::life::Life;
use super::sessions::{LifeId, Sessions};

/// How an instance stands.
#[derive(Clone)]
pub(super) enum State {
    /// It is being started for the first time.
    New,
    /// It serves.
    Up(Arc<Life>),
    /// It ended, and serves again in a moment.
    Soon,
    /// It doesn't serve, and why.
    Down(String),
}

/// Why no instance gets a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// None serves.
    Down(String),
    /// The one that holds the run's session is gone.
    SessionGone,
}

#[derive(Clone)]
struct Seat {
    state: State,
    in_flight: usize,
}

struct Inner {
    seats: Vec<Seat>,
    sessions: Sessions,
}

/// The instances of a server.
pub(super) struct Pool {
    inner: Mutex<Inner>,
    parallel: usize,
    /// Told when a call ended or an instance changed.
    changed: Notify,
}

/// A call's place on an instance.
pub(super) struct Lease {
    pub(super) life: Arc<Life>,
    seat: usize,
    pool: Arc<Pool>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.lock().seats[self.seat].in_flight -= 1;
        self.pool.changed.notify_waiters();
    }
}

enum Found {
    Life(Arc<Life>),
    Later,
    Never(Refused),
}

impl Pool {
    pub(super) fn new(instances: NonZeroUsize, parallel: Option<NonZeroUsize>) -> Self {
        let seat = Seat {
            state: State::New,
            in_flight: 0,
        };
        Self {
            inner: Mutex::new(Inner {
                seats: vec![seat; instances.get()],
                sessions: Sessions::default(),
            }),
            parallel: parallel.map_or(usize::MAX, NonZeroUsize::get),
            changed: Notify::new(),
        }
    }

    /// Waits for an instance that has room; for that of the run, where calls of a run stay together.
    ///
    /// # Errors
    /// When none serves, or the run's session is gone.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn take(self: &Arc<Self>, run: Option<RunId>) -> Result<Lease, Refused> {
        loop {
            // Made before the look, so that a change between the two still wakes it.
            let changed = self.changed.notified();
            match self.find(run) {
                Found::Life(life) => {
                    return Ok(Lease {
                        seat: life.id.seat,
                        life,
                        pool: Arc::clone(self),
                    });
                }
                Found::Never(refused) => return Err(refused),
                Found::Later => changed.await,
            }
        }
    }

    /// Changes how an instance stands.
    pub(super) fn set(&self, seat: usize, state: State) {
        self.lock().seats[seat].state = state;
        self.changed.notify_waiters();
    }

    /// How all instances stand.
    pub(super) fn states(&self) -> Vec<State> {
        let inner = self.lock();
        inner.seats.iter().map(|seat| seat.state.clone()).collect()
    }

    fn find(&self, run: Option<RunId>) -> Found {
        let mut inner = self.lock();
        if let Some(at) = run.and_then(|run| inner.sessions.find(run)) {
            return self.of_session(&mut inner, at);
        }
        let free = |seat: &&mut Seat| seat.in_flight < self.parallel;
        let up = inner.seats.iter_mut().filter(free).filter_map(|seat| {
            let State::Up(life) = &seat.state else {
                return None;
            };
            Some((seat.in_flight, Arc::clone(life)))
        });
        if let Some((_, life)) = up.min_by_key(|(in_flight, _)| *in_flight) {
            inner.seats[life.id.seat].in_flight += 1;
            if let Some(run) = run {
                inner.sessions.begin(run, life.id);
            }
            return Found::Life(life);
        }
        let mut why = String::new();
        for seat in &inner.seats {
            match &seat.state {
                State::New | State::Up(_) | State::Soon => return Found::Later,
                State::Down(down) => why.clone_from(down),
            }
        }
        Found::Never(Refused::Down(why))
    }

    fn of_session(&self, inner: &mut Inner, at: LifeId) -> Found {
        let seat = &mut inner.seats[at.seat];
        match &seat.state {
            State::Up(life) if life.id == at && seat.in_flight < self.parallel => {
                seat.in_flight += 1;
                Found::Life(Arc::clone(life))
            }
            State::Up(life) if life.id == at => Found::Later,
            State::New | State::Up(_) | State::Soon | State::Down(_) => {
                Found::Never(Refused::SessionGone)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What is behind the lock is changed by one assignment at a time, so a panic leaves it sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
