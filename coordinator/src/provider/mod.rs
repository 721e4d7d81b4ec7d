//! What providers say and want to hear: one module for each format, all with the same shape and all pure.
//!
//! `parse` takes a message or response apart, `Assembler` does the same with a stream, `render` writes
//! the results, `request` writes the question, `read_error` reads a refusal. [`Format`] chooses among
//! them. Who sends and receives is [`crate::model`].

mod address;
pub mod anthropic;
mod body;
pub mod chat;
mod edit;
mod error;
mod fields;
pub(crate) mod foreign;
mod format;
pub mod gemini;
mod guess;
mod ids;
mod openai;
mod recording;
pub(crate) mod repeated;
mod request;
pub mod responses;
pub mod sse;
mod stream;
pub mod text;
mod texts;

pub use error::{ApiError, ParseError, StreamError};
pub use format::Format;
pub use recording::ReadError;
pub use request::{ChatDialect, Parallel, Settings, ToolChoice, WireRequest};
pub use stream::Assembler;
