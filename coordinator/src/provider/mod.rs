//! What providers say and want to hear: one module for each format, all with the same shape:
//! `parse` takes an assistant message apart, `render` writes the one message with all results.

pub mod anthropic;
pub mod text;
