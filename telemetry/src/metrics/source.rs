//! What somebody counts anyway.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::spec::Spec;
use super::{Labels, names};
use crate::queue::SpanCounts;

/// What one metric says now.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The metric: a counter or a gauge.
    pub spec: Spec,
    /// Its series.
    pub samples: Vec<Sample>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// Something that is read when metrics are asked for. It must be quick, and must not block.
pub trait Source: fmt::Debug + Send + Sync + 'static {
    /// All that it has.
    fn read(&self) -> Vec<Reading>;
}

impl Reading {
    /// A metric without labels.
    #[must_use]
    pub fn single(spec: Spec, value: f64) -> Self {
        Self::by(spec, [(Vec::new(), value)])
    }

    /// A metric of several series.
    #[must_use]
    pub fn by(spec: Spec, samples: impl IntoIterator<Item = (Labels, f64)>) -> Self {
        let samples = samples.into_iter();
        Self {
            spec,
            samples: samples
                .map(|(labels, value)| Sample { labels, value })
                .collect(),
        }
    }

    /// A metric of several series that differ in one label.
    #[must_use]
    pub fn by_label<const N: usize>(
        spec: Spec,
        label: &'static str,
        samples: [(&str, f64); N],
    ) -> Self {
        let samples = samples.into_iter();
        Self::by(
            spec,
            samples.map(|(value, count)| (vec![(label, value.to_owned())], count)),
        )
    }
}

/// What became of the spans.
#[derive(Debug)]
pub(super) struct SpanSource(pub(super) Arc<SpanCounts>);

impl Source for SpanSource {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a metric is a float; counts above 2^53 don't come"
    )]
    fn read(&self) -> Vec<Reading> {
        let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed) as f64;
        vec![
            Reading::single(names::SPANS_EXPORTED, count(&self.0.exported)),
            Reading::by_label(
                names::SPANS_DROPPED,
                "reason",
                [
                    ("queue_full", count(&self.0.dropped)),
                    ("unsent", count(&self.0.unsent)),
                ],
            ),
        ]
    }
}
