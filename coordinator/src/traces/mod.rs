//! The spans of runs and calls, written down afterwards from what the run and the dispatcher tell
//! (`docs/adr/0013`).
//!
//! `writer` is told and keeps what it was told in a bounded list; the pipeline's own thread reads it and
//! tells it to the `story` of each run, which knows when a span is over. `call` holds what is known of one
//! call, `content` what its tool was given and answered, where that is captured at all.
//!
//! **Invariant:** who tells never waits, and a run that isn't recorded costs a look into a table.

mod call;
pub(crate) mod content;
mod recorder;
mod story;
#[cfg(test)]
mod tests;
mod told;
mod writer;

pub use recorder::{RunRecorder, TurnRecorder};
pub use writer::{Options, Origin, Traces};
