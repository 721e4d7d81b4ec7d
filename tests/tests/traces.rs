//! What the binary exports: traces and metrics, into a collector of the test's own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod traces {
    mod collector;
    mod common;
    mod doctor;
    mod fan_out;
    mod jaeger;
    mod logs;
    mod metrics;
    mod promtool;
    mod tail;
}
