//! The real binary, run as people run it: processes that end with their test, what they say, and what they did.
//!
//! [`Callboard`] starts a command of the binary, [`Message`] is what `execute` is fed and [`Results`] what it must
//! answer, [`workers`] is `callboard workers --json`, and [`Ledger`] counts from outside what a tool did.
//!
//! [`Callboard`]: crate::harness::Callboard
//! [`Message`]: crate::harness::Message
//! [`Results`]: crate::harness::Results
//! [`workers`]: crate::harness::workers
//! [`Ledger`]: crate::harness::Ledger

mod binary;
mod child;
mod command;
mod forest;
mod greeter;
mod judge;
mod ledger;
mod message;
pub mod python;
pub mod referee;
mod report;
mod until;
mod workers;

pub use self::binary::{callboard, example_worker};
pub use self::child::{Child, Ended};
pub use self::command::Callboard;
pub use self::forest::{FILES, Forest};
pub use self::greeter::Greeter;
pub use self::judge::contradictions;
pub use self::ledger::{Entry, Ledger};
pub use self::message::{Message, Results, ToolResult};
pub use self::report::{Call, Report};
pub use self::until::{PATIENCE, until};
pub use self::workers::{Worker, workers};
