//! What a metric is.

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Its name as Prometheus writes it, with unit and `_total`.
    pub name: &'static str,
    /// Its name in OpenTelemetry.
    pub otel: &'static str,
    /// Its unit in OpenTelemetry, such as `s` or `{call}`.
    pub unit: &'static str,
    /// What it says, in a sentence without its full stop.
    pub help: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
}

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations in seconds, by these bounds.
    Histogram(&'static [f64]),
}

impl Spec {
    /// The name without what the text format puts behind it by itself.
    pub(super) fn base(&self) -> &'static str {
        let name = match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram(_) => self.name,
        };
        match self.is_seconds() {
            true => name.strip_suffix("_seconds").unwrap_or(name),
            false => name,
        }
    }

    pub(super) fn is_seconds(&self) -> bool {
        self.unit == "s"
    }
}
