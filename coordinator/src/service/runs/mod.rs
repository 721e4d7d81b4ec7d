//! The runs and executions of this process: begun, kept, followed, cancelled.
//!
//! `book` keeps them and `admission` lets them in (both pure), `wish` is what is asked for and `view`
//! what is told, `act` is one of them, `desk` begins them and `find` finds them again, `content` is what its calls were given and answered,
//! `execute` is one turn for somebody else's loop, `drain` ends them all.

mod act;
mod admission;
mod book;
mod content;
mod desk;
mod drain;
mod execute;
mod find;
mod id;
mod view;
mod wish;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use act::Kind;
pub use desk::{Begun, Order, Runs};
pub use execute::{ExecuteOptions, ExecutionReport, body};
pub use id::{Replica, ReplicaError};
pub use view::{CallContent, Events, Excerpt, Page, RunCounts, RunList, RunView};
pub use wish::{BudgetsWish, EagerWish, NewRun, ParallelWish};

/// Whether something still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It runs.
    Running,
    /// It has ended, for whatever reason.
    Ended,
}
