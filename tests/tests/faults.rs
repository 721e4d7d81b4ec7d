//! The binary under faults: real processes on a real nats-server, killed, frozen, cut off and interrupted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults {
    mod common;
    mod interrupt;
    mod search;
    mod server;
    mod share;
    mod way;
    mod worker;
}
