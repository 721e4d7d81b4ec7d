//! Tools that are programs: an argv template, a clean environment, limits, and nothing left behind.
//!
//! Each call runs below a [`supervise`] process of its own, which is this very binary started again; see
//! there for what it guarantees. A program that stays, such as an MCP server, runs below one as well.
//! Linux only.

mod limits;
mod mark;
mod order;
mod output;
mod program;
mod sandbox;
mod service;
mod supervised;
mod supervisor;
mod template;
#[cfg(test)]
mod tests;
mod tool;
mod tree;

pub use crate::secret::{EnvValue, SecretError};
pub use limits::{Limits, MEMORY_BYTES_MIN};
pub use output::Captured;
pub use program::ProgramError;
pub(crate) use program::find as find_program;
pub use sandbox::{Sandbox, SandboxError, SandboxSupport};
pub(crate) use service::{Service, ServiceSpec, Watch};
pub use supervisor::supervise;
pub use template::{Dashes, Entry, FillError, Template, TemplateError};
pub use tool::{Host, Output, ProcessError, ProcessSpec, ProcessTool, Stdin};
