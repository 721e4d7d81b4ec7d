//! Metrics for a collector that may take none of them: Jaeger takes traces alone, at the same address.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;

/// The word of a collector that has no service for them.
const TAKES_NONE: &str = "Unimplemented";

/// Stops exporting where the collector says that it takes no metrics, and says so once.
#[derive(Debug)]
pub(crate) struct Tolerant<E> {
    exporter: E,
    takes_none: AtomicBool,
}

impl<E> Tolerant<E> {
    pub(crate) const fn new(exporter: E) -> Self {
        Self {
            exporter,
            takes_none: AtomicBool::new(false),
        }
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Tolerant<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        if self.takes_none.load(Ordering::Relaxed) {
            return Ok(());
        }
        let exported = self.exporter.export(metrics).await;
        match &exported {
            Err(OTelSdkError::InternalFailure(why)) if why.contains(TAKES_NONE) => {
                self.takes_none.store(true, Ordering::Relaxed);
                tracing::info!(
                    "the collector takes traces and no metrics; OTEL_METRICS_EXPORTER=none says that none are meant for it"
                );
                Ok(())
            }
            Err(_) | Ok(()) => exported,
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// Answers each export with the same error.
    struct Refusing {
        why: &'static str,
        asked: AtomicU32,
    }

    impl PushMetricExporter for Refusing {
        async fn export(&self, _metrics: &ResourceMetrics) -> OTelSdkResult {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Err(OTelSdkError::InternalFailure(self.why.to_owned()))
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }

        fn temporality(&self) -> Temporality {
            Temporality::Cumulative
        }
    }

    async fn exported(why: &'static str) -> (Vec<bool>, u32) {
        let asked = AtomicU32::new(0);
        let tolerant = Tolerant::new(Refusing { why, asked });
        let mut went_well = Vec::new();
        for _ in 0..3 {
            let exported = tolerant.export(&ResourceMetrics::default()).await;
            went_well.push(exported.is_ok());
        }
        let asked = tolerant.exporter.asked.load(Ordering::Relaxed);
        (went_well, asked)
    }

    #[tokio::test]
    async fn who_takes_none_is_asked_once_and_all_else_is_told() {
        let none = "code: 'Operation is not implemented or not supported', Unimplemented";
        assert_eq!(exported(none).await, (vec![true; 3], 1));
        assert_eq!(exported("Unavailable").await, (vec![false; 3], 3));
    }
}
