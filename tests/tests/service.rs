//! `callboard serve`: the real binary, real HTTP, with embedded workers and over a real server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod service {
    mod absent;
    mod access;
    mod common;
    mod ending;
    mod events;
    mod execute;
    mod limits;
    mod load;
    mod logs;
    mod page;
    mod problems;
    mod replicas;
    mod runs;
    mod telemetry;
}
