//! OpenAI's Chat Completions, and the servers that speak it too: an assistant message in, one `tool`
//! message for each call out.
//!
//! Compatible servers leave ids out, give one twice, number all calls 0 and stop for no reason. Each quirk
//! that is handled has a test that names it.

mod call;
mod error;
mod naming;
mod parse;
mod pieces;
mod render;
mod request;
mod scan;
mod stream;
#[cfg(test)]
mod tests;

pub use error::read_error;
pub use parse::parse;
pub use render::render;
pub use request::request;
pub use stream::Assembler;
