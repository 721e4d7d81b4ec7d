#![expect(clippy::unwrap_used, reason = "tests")]

mod messages;
mod requests;
mod streams;
