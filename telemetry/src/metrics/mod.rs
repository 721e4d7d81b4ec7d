//! Metrics: counted once, told to Prometheus when it asks and to a collector when one is configured.
//!
//! [`Spec`] says what a metric is, and [`names`] lists them all. What somebody counts anyway is read from a
//! [`Source`] when it is asked for; durations go into [`Histogram`]s as they come. [`Metrics`] holds both.

mod histogram;
pub mod names;
mod registry;
mod source;
mod spec;
#[cfg(test)]
mod tests;

pub use histogram::Histogram;
pub use registry::{CONTENT_TYPE, Metrics};
pub use source::{Reading, Sample, Source, SpanSource};
pub use spec::{Kind, Spec};

/// The labels of one series: of few different values, never the id of a run or a call.
pub type Labels = Vec<(&'static str, String)>;
