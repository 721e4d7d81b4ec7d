//! The pure cores of a coordinator: the dispatcher (turn ledger, waiting room, placement, leases,
//! grants) and the run loop.
//!
//! Each is a struct with four verbs: `handle_input(input, now)`, `handle_timeout(now)`,
//! `poll_effect()`, `poll_timeout()`. They never read a clock, never await, and draw randomness only
//! from the seed that they were given.

mod config;
mod counters;
mod dispatcher;
mod effect;
mod health;
mod input;
mod late;
mod lease_clock;
mod ledger;
#[doc(hidden)]
pub mod mutation;
mod placement;
mod registry;
mod report;
mod retry;
pub mod run;
mod sent;
mod share;
mod text;
mod timers;
mod waiting;
mod worker;

pub use config::{Config, Limits};
pub use counters::Counters;
pub use dispatcher::{Dispatcher, WorkerView};
pub use effect::{Address, CallEvent, Effect, EventKind};
pub use input::{CancelReason, Input, NewCall, Posting, TurnOptions, Undelivered};
pub use report::{CallReport, Report, StopReason};
