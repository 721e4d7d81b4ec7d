//! The run actor: drives one conversation to its end, with a model and whatever gathers its turns.

mod actor;
mod desk;
mod handle;
mod message;
mod ports;
mod record;
mod report;
#[cfg(test)]
mod tests;

pub use handle::{RunHandle, RunOptions};
pub use ports::{Gather, GatherLost, Gathering, Observe, RunEvent};
pub(crate) use report::in_ms;
pub use report::{CallSummary, EndSummary, RunReport, Tally, TurnSummary, UsageSummary};
