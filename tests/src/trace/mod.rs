//! Traces, as a collector gets them: a sink that collects them, and a judge that says what is wrong with
//! them.

mod judge;
mod sink;
mod span;
mod waterfall;

pub use self::judge::{FanOut, broken};
pub use self::sink::Sink;
pub use self::span::Span;
pub use self::waterfall::waterfall;
