//! MCP hosting: every tool of an MCP server becomes a tool of the worker.
//!
//! A server is started below a supervisor and spoken to by its standard input and output, or asked over
//! streamable HTTP. [`Hosting`] keeps each running, gathers what they offer, and tells the executor when
//! that changes. What it offers is decided by pure parts: `listing.rs` makes tools of what a server lists,
//! `content.rs` makes an answer of what it answers, `backoff.rs` says when it is started again, and
//! `sessions.rs` which of its instances a run must stay on.
//!
//! **Invariant:** nothing of this runs on the thread that sends beats: hosting has a runtime of its own,
//! and calls are polled on the tools' threads.
//!
//! **Invariant:** one server's troubles are its own. Whatever it does, or doesn't do, the others are
//! started, offered and called as if it weren't there.

mod backoff;
mod client;
mod connection;
mod content;
mod errors;
mod hosted;
mod hosting;
mod http;
mod keeper;
mod life;
mod listing;
mod paging;
mod pool;
mod progress;
mod sessions;
mod spec;
mod stderr;
mod stdio;
mod tool;

pub use hosting::Hosting;
pub(crate) use spec::{Declared, UrlSpec, Way};
pub use spec::{Server, SpecError};
