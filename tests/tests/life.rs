//! The life of workers: probes, ends, labels, one's own in Rust, and how they are found.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod life {
    mod common;
    mod discovery;
    mod doctor;
    mod ends;
    mod example;
    mod labels;
    mod micro;
    mod probes;
    mod start;
}
