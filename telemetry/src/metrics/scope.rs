//! A part of the metrics of a process.

use std::sync::Arc;

use super::registry::Metrics;
use super::source::{Reading, Source};
use super::spec::Spec;
use super::{Histogram, Labels};

/// A part of the metrics of a process, whose series are told from those of other parts by labels of
/// their own. Clones are the same part.
#[derive(Clone, Debug)]
pub struct Scope {
    metrics: Arc<Metrics>,
    labels: Labels,
}

impl Scope {
    /// All of them: there is one part alone.
    #[must_use]
    pub fn whole(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            labels: Labels::new(),
        }
    }

    /// The part of a tenant, where a process serves several.
    #[must_use]
    pub fn of_tenant(metrics: Arc<Metrics>, tenant: &str) -> Self {
        Self {
            metrics,
            labels: vec![("tenant", tenant.to_owned())],
        }
    }

    /// All metrics of the process, other parts included.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Has something read whenever metrics are asked for.
    pub fn add(&self, source: Arc<dyn Source>) {
        if self.labels.is_empty() {
            self.metrics.add(source);
        } else {
            let labels = self.labels.clone();
            self.metrics.add(Arc::new(Labelled { source, labels }));
        }
    }

    /// The series of these labels; the same for the same.
    #[must_use]
    pub fn histogram(&self, spec: &Spec, mut labels: Labels) -> Histogram {
        labels.extend(self.labels.iter().cloned());
        self.metrics.histogram(spec, labels)
    }
}

/// A source whose series get more labels.
#[derive(Debug)]
struct Labelled {
    source: Arc<dyn Source>,
    labels: Labels,
}

impl Source for Labelled {
    fn read(&self) -> Vec<Reading> {
        let mut readings = self.source.read();
        for sample in readings.iter_mut().flat_map(|reading| &mut reading.samples) {
            sample.labels.extend(self.labels.iter().cloned());
        }
        readings
    }
}
