//! OpenAI's Responses: a list of output items in, one output item for each call out.
//!
//! Nothing is kept at the provider (`store: false`): the conversation is ours, so it survives a coordinator
//! and can be proven by its bytes. Reasoning travels in it, encrypted.

mod item;
mod parse;
mod render;
mod request;
mod stream;
#[cfg(test)]
mod tests;

pub use parse::parse;
pub use render::render;
pub use request::request;
pub use stream::Assembler;
