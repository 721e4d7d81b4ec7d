#![expect(clippy::unwrap_used, reason = "tests")]

mod errors;
mod fragments;
mod messages;
mod requests;
mod streams;
