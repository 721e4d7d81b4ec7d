//! Gemini's `generateContent`: a response's content in, exactly one content with as many
//! `functionResponse` parts as calls out.

mod error;
mod history;
mod merge;
mod naming;
mod parse;
mod render;
mod request;
mod schema;
mod stream;
#[cfg(test)]
mod tests;
mod turn;

pub use error::read_error;
pub use parse::parse;
pub use render::render;
pub use request::request;
pub use stream::Assembler;
