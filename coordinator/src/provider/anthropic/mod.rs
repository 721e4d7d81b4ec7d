//! Anthropic's Messages format: an assistant message in, exactly one user message with all
//! `tool_result` blocks out.

mod block;
mod error;
mod parse;
mod render;
mod request;
mod stream;
#[cfg(test)]
mod tests;
mod tokens;

pub use error::read_error;
pub use parse::parse;
pub use render::render;
pub use request::request;
pub use stream::Assembler;
