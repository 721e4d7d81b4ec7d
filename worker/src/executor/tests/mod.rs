#![expect(clippy::unwrap_used, reason = "tests")]

mod ends;
mod harness;
mod messages;
mod stops;
mod threads;
