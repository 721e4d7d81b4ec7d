//! What Callboard's tests and benchmarks share.

pub mod container;
pub mod proxy;
pub mod server;
pub mod signal;
