//! Anthropic's Messages format: an assistant message in, exactly one user message with all
//! `tool_result` blocks out.

mod parse;
mod render;
#[cfg(test)]
mod tests;

pub use parse::{AssistantMessage, ParseError, parse};
pub use render::render;
