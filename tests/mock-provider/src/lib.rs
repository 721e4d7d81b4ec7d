//! A strict mock of four model APIs: Anthropic's Messages, OpenAI's Chat Completions and Responses, Gemini's
//! `generateContent`, streamed and not.
//!
//! It answers from a [`Script`], keeps the rules between messages that no schema states (each call has its one result,
//! right behind it, in order; assistant turns come back as they were sent; nothing before them changes), says so
//! in the providers' own words, and breaks down on request. It shares no code with what it tests.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use callboard_mock_provider::{Format, Mock, Options, Script};
//!
//! let script = Script::from_toml("example", "[[turn]]\ntext = \"Hello.\"")?;
//! let mock = Mock::start(Options::default(), script).await?;
//! assert!(mock.base_url(Format::Chat).ends_with("/v1"));
//! mock.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod carry;
mod conversation;
mod delivery;
mod digest;
mod fault;
mod format;
mod improvise;
mod json;
mod judge;
mod mock;
mod position;
mod recorded;
mod refusal;
mod reply;
mod request;
mod script;
mod server;

pub use delivery::{Delivery, LineEnd, Quirk};
pub use fault::{AfterEvents, Fault, FaultSpec, Retry};
pub use format::Format;
pub use mock::{Mock, Observer, Options};
pub use recorded::Recorded;
pub use script::{Call, Key, Script, ScriptError, Stop, Strict, Turn, Usage};
