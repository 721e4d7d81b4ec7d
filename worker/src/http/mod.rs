//! Tools that are HTTP requests: templates with typed slots, secrets by reference, limits, and a guard that
//! decides where requests may go.
//!
//! What is pure can be called alone: [`UrlTemplate`], [`HeaderTemplate`] and [`BodyTemplate`] turn [`Values`]
//! into a request, and a [`guard::Guard`] judges URLs and addresses.
//!
//! **Invariants:** an address is connected to only after the guard saw that very address; no value of a
//! model's changes scheme, host, port or the steps of a path; no secret is in what comes back.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod client;
pub(crate) mod exchange;
pub mod guard;
pub(crate) mod redact;
mod resolver;
mod secrets;
mod spec;
mod status;
mod template;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tool;
mod values;

pub(crate) use client::tls;
pub use client::{ClientError, HttpClients};
pub use resolver::{Lookup, SystemLookup};
pub use spec::{Basic, BodySpec, HttpError, HttpSpec, MethodWord, ValueSpec};
pub use template::{BodyTemplate, HeaderTemplate, QueryTemplate, TemplateError, UrlTemplate};
pub use tool::HttpTool;
pub use values::{FillError, Values};
