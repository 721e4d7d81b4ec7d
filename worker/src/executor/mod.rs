//! The executor: the one actor of a worker. It owns the core's
//! [`Worker`](callboard_worker_core::Worker) and the link, decodes what comes, performs the core's
//! effects, and enters tools.
//!
//! **Invariant:** tool code never runs on the thread that polls [`Executor::run`], which sends the
//! beats and answers status (P5, P16). A batch of calls crosses to the tools' threads in one hand-over
//! and what completes at once comes back in one: each wake-up of another thread costs about 21 µs
//! (measured 2026-11 on two cores), so there is at most one each way per batch.
//!
//! **Invariant:** everything here is bounded by the core's slots: running tools, their ends and their
//! progress. The mailbox is the only queue with a capacity of its own.

mod actor;
mod catalogue;
mod cut;
mod ending;
mod handle;
mod inbound;
mod login;
mod message;
mod options;
mod outbound;
mod outbox;
mod progress;
mod running;
mod scope;
mod snapshot;
mod tool_threads;

#[cfg(test)]
mod tests;

pub use actor::{Ended, Executor, Why};
pub use handle::{Gone, Handle};
pub use options::{Options, StartError, ToolRuntime};
pub use snapshot::{Counters, RunningCall, Snapshot};
