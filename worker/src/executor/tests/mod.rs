#![expect(clippy::unwrap_used, reason = "tests")]

mod ends;
mod harness;
mod messages;
mod offers;
mod stops;
mod threads;
mod traces;
