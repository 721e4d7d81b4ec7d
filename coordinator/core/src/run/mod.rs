//! The run loop: model turn, calls, gather, feed back, and again, until the model stops or a budget ends it.
//!
//! Pure like the dispatcher: the shell asks the model, opens turns and keeps the conversation. The
//! loop decides what happens next, and keeps three promises:
//! - every call of every model response gets exactly one outcome, whatever ends the run;
//! - the model's stop reason, not the presence of calls, decides whether calls run; what [`Eager`]
//!   starts before that reason is known only reads, and counts only if the reason allows it;
//! - budgets are checked before: turns, tokens and time before the model is asked, calls before any
//!   call of a batch is posted.

mod answer;
mod budget;
mod early;
mod effect;
mod gathering;
mod input;
mod run_loop;
mod spent;
mod terms;
#[cfg(test)]
mod tests;

pub use budget::{Budgets, PAUSES_MAX, REPORT_GRACE, RETRIES_MAX, TURN_CALLS_MAX, Usage};
pub use effect::{Effect, RunEnd, TurnStep};
pub use gathering::Gathered;
pub use input::{Answer, Input, Stop};
pub use run_loop::RunLoop;
pub use terms::{Eager, Terms};
