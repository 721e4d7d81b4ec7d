//! What Callboard's tests and benchmarks share.

pub mod bench;
pub mod container;
pub mod corpus;
pub mod harness;
pub mod link;
pub mod proxy;
pub mod server;
pub mod signal;
pub mod trace;
