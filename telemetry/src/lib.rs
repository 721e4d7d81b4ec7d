//! What coordinators and workers share to tell traces and metrics.
//!
//! [`Telemetry`] is the pipeline of one service: set up by the standard `OTEL_*` variables ([`Settings`]),
//! on a thread of its own, bounded, and flushed when the process ends. [`Spans`] writes down spans that
//! are over, under the ids that the wire carried. [`semconv`] holds every name that leaves the process.
//!
//! **Invariant:** nothing here ever makes a call wait. What there is no room for is dropped and counted
//! ([`SpanCounts`]).

mod backlog;
mod ids;
pub mod metrics;
mod pipeline;
mod probe;
mod queue;
mod resource;
pub mod semconv;
mod settings;
mod spans;
#[cfg(test)]
mod tests;

pub use backlog::Backlog;
pub use opentelemetry::trace::{Event, SpanKind};
pub use opentelemetry::{Array, KeyValue, Value};
pub use pipeline::{StartError, Telemetry};
pub use probe::{ProbeError, probe};
pub use queue::SpanCounts;
pub use resource::Service;
pub use settings::{Settings, SettingsError};
pub use spans::{Clock, OpenSpan, SpanDraft, SpanLink, Spans, context_of};
