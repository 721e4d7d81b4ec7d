//! The mock, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod broken;
mod client;
mod deliveries;
mod echo;
mod faults;
mod requests;
mod rules;
mod talk;
mod turns;
