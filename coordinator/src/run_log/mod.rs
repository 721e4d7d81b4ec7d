//! What happened in a run, entry by entry, for everybody who follows it: each entry once, in order, and
//! again for who comes late or lost the connection.
//!
//! `entry` says what can happen, `log` keeps it and wakes who waits, `recorder` writes it down from what
//! the run and the dispatcher tell, `told` is how readers get it. Arguments and results aren't part of it.

mod entry;
mod log;
mod recorder;
#[cfg(test)]
mod tests;
mod told;

pub use entry::{CallName, Entry, Happening, OutcomeWord};
pub use log::{Missed, RunLog};
pub use recorder::{Recorder, RunLogs};
pub use told::Told;
