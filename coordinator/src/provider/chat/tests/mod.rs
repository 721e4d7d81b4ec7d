#![expect(clippy::unwrap_used, reason = "tests")]

mod errors;
mod messages;
mod requests;
mod streams;
