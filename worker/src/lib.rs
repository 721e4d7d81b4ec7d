//! The shell of a worker: [`executor`] owns the core's [`callboard_worker_core::Worker`] and performs
//! its effects, [`link`] connects it with coordinators, [`tool`] is what it executes, and [`builtin`]
//! holds the tools that ship with it; [`process`] makes tools of programs, [`http`] of requests, [`mcp`] hosts
//! MCP servers, and [`mod@file`] reads what a configuration file declares. [`serve`] puts all of it together: a
//! worker of one's own in a few lines.

pub mod builtin;
pub mod executor;
#[cfg(target_os = "linux")]
pub mod file;
pub mod http;
pub mod link;
#[cfg(target_os = "linux")]
pub mod mcp;
pub mod metrics;
mod plain;
#[cfg(target_os = "linux")]
pub mod process;
pub mod secret;
pub mod serve;
mod slot;
pub mod tool;
pub mod traces;

pub use plain::plain;
