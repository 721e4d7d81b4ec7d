//! What OpenAI's two formats share: how messages are read, what a result looks like, what a tool is declared as.

mod outcome;
mod read;
#[cfg(test)]
pub(super) mod testing;
mod tools;

pub(super) use outcome::{Piece, data_url, joined, pieces};
pub(super) use read::{arguments, custom_arguments, not_a_message, not_json, text, usage};
pub(super) use tools::{description, parameters};
