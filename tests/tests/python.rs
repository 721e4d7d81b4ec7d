//! The Python worker (`worker/python`) on a real nats-server, under the real binary: calls, grants, faults, and pools that it
//! shares with Rust workers. Left out, with a word on standard error, where no Python has the package.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod python {
    mod calls;
    mod ends;
    mod foreign;
    mod mixed;
    mod process;
}
