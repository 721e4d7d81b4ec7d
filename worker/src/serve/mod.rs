//! A worker in a few lines: [`Worker::builder`] gathers who it is and what it offers, connects it to
//! NATS, and [`Worker::serve`] executes calls until SIGTERM or Ctrl-C has drained it.
//!
//! ```no_run
//! # use callboard_worker::{serve::Worker, tool::ToolBuilder, tool::Answer};
//! # #[derive(serde::Deserialize, schemars::JsonSchema)]
//! # struct Add { a: i64, b: i64 }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let add = ToolBuilder::read("add", "Adds two numbers.")
//!     .run(|Add { a, b }, _call| async move { Ok(Answer::text((a + b).to_string())) })?;
//! Worker::builder("calculator-1")
//!     .tool(add)
//!     .slots(8)
//!     .connect("nats://127.0.0.1:4222")
//!     .await?
//!     .serve()
//!     .await?;
//! # Ok(())
//! # }
//! ```

mod builder;
mod error;
mod health;

pub use builder::WorkerBuilder;
pub use error::ServeError;
pub use health::{Health, HealthError, Readiness};

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::executor::{Ended, Executor, Handle, Why};
use crate::link::nats::NatsLink;

/// A worker that is connected and subscribed, and beats as soon as it runs.
#[derive(Debug)]
pub struct Worker {
    /// Boxed, as its run is: futures of whoever serves it stay small.
    executor: Box<Executor<NatsLink>>,
    handle: Handle,
    grace: Duration,
    health: Option<Health>,
}

impl Worker {
    /// Begins to describe a worker; `name` is the one under which its lives succeed each other.
    #[must_use]
    pub fn builder(name: impl Into<String>) -> WorkerBuilder {
        WorkerBuilder::new(name.into())
    }

    /// Speaks to the worker while it runs: drains it, stops it, looks at it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Executes calls until SIGTERM or SIGINT has come and what ran has ended, or its grace is over. A
    /// second signal ends it at once, as if it were killed.
    ///
    /// # Errors
    /// When signals can't be listened for, the server refuses what a worker needs, or didn't confirm
    /// the last results.
    ///
    /// # Panics
    /// When polled outside a tokio runtime that has its timers and its I/O enabled.
    pub async fn serve(self) -> Result<(), ServeError> {
        let signals = |kind| signal(kind).map_err(ServeError::Signals);
        let mut terminate = signals(SignalKind::terminate())?;
        let mut interrupt = signals(SignalKind::interrupt())?;
        let (handle, grace) = (self.handle(), self.grace);
        let listener = tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            next().await;
            tracing::info!(?grace, "asked to end; what runs may finish");
            tokio::select! {
                () = handle.drain(grace) => {}
                () = next() => handle.stop().await,
            }
        });
        let ended = self.run().await;
        listener.abort();
        ended
    }

    /// Executes calls until the worker's [`Handle`] drained or stopped it, or an operator did.
    ///
    /// # Errors
    /// When the server refuses what a worker needs, or didn't confirm the last results.
    ///
    /// # Cancel safety
    /// Dropped, it ends like a killed process: what runs is dropped, nothing is answered.
    pub async fn run(self) -> Result<(), ServeError> {
        if let Some(health) = &self.health {
            health.watch(self.handle.clone());
        }
        let Ended { why, link } = Box::pin(self.executor.run()).await;
        let closed = link.close().await;
        match why {
            Why::Refused(reason) => Err(ServeError::Refused(reason)),
            Why::Drained | Why::Stopped => Ok(closed?),
        }
    }
}
