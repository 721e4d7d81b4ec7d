//! Where Callboard's tests and tasks find what they need outside of cargo.
//!
//! The tasks themselves are the binary beside this library. The library is what the test harness shares with
//! them, so that `cargo test` and `cargo xtask test` take the same nats-server by the same rules.

pub mod docker;
pub mod jaeger;
pub mod mcp_servers;
pub mod nats;
pub mod paths;
pub mod python_worker;
pub mod sdks;
pub mod venv;
