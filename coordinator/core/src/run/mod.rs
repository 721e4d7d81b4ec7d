//! The run loop: model turn, calls, gather, feed back, and again, until the model stops or a budget ends it.
//!
//! Pure like the dispatcher: the shell asks the model, opens turns and keeps the conversation. The
//! loop decides what happens next, and keeps three promises:
//! - every call of every model response gets exactly one outcome, whatever ends the run;
//! - the model's stop reason, not the presence of calls, decides whether calls run;
//! - budgets are checked before: turns, tokens and time before the model is asked, calls before any
//!   call of a batch is posted.

mod budget;
mod effect;
mod input;
mod run_loop;
#[cfg(test)]
mod tests;

pub use budget::{Budgets, REPORT_GRACE, Usage};
pub use effect::{Effect, RunEnd};
pub use input::{Answer, Input, Stop};
pub use run_loop::RunLoop;
