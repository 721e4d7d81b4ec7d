//! Metrics: counted once, told to Prometheus when it asks and to a collector when one is configured.
//!
//! [`Spec`] says what a metric is, and [`names`] lists them all. What somebody counts anyway is read from a
//! [`Source`] when it is asked for; durations go into [`Histogram`]s as they come. [`Metrics`] holds both, and
//! a [`Scope`] is what one tenant has of them. [`OPEN_METRICS`] and [`PLAIN`] are the formats that they are told in.

mod format;
mod histogram;
pub mod names;
mod process;
mod registry;
mod scope;
mod source;
mod spec;
#[cfg(test)]
mod tests;
pub(crate) mod tolerant;

pub use format::{OPEN_METRICS, PLAIN};
pub use histogram::Histogram;
pub use registry::Metrics;
pub use scope::Scope;
pub use source::{Reading, Sample, Source};
pub use spec::{Kind, Spec};

/// The labels of one series: of few different values, never the id of a run or a call.
pub type Labels = Vec<(&'static str, String)>;
