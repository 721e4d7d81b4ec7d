//! The benchmark: Callboard beside raw async-nats, measured in turns in the same run.
//!
//! The `bench` binary drives; what it measures runs in processes of its own: a nats-server, and for
//! each side a coordinator and its workers. Those are the same binary, started with the words of
//! [`process`], and take [`protocol::Command`]s on their standard input. [`raw`] is the baseline; it
//! uses no crate of ours. [`ours`] is Callboard.

pub mod campaign;
pub mod checks;
pub mod cli;
pub mod fleet;
pub mod ours;
pub mod payload;
pub mod plan;
pub mod proc;
pub mod process;
pub mod protocol;
pub mod raw;
pub mod report;
pub mod rounds;
pub mod serve;
pub mod signed;
pub mod sink;
pub mod stats;
pub mod traced;
