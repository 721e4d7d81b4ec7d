//! The mock, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod client;
mod faults;
mod talk;
mod turns;
