//! Who tells.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};

use crate::semconv;

/// The service that a process is, where `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` don't say
/// otherwise.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name, such as `callboard-worker`.
    pub name: &'static str,
    /// The version of its software.
    pub version: String,
    /// This life of the process.
    pub instance: String,
}

/// The attributes of a service. What the environment says wins.
pub(crate) fn resource(service: &Service, env: impl Fn(&str) -> Option<String>) -> Resource {
    let own = [
        KeyValue::new(semconv::SERVICE_NAME, service.name),
        KeyValue::new(semconv::SERVICE_VERSION, service.version.clone()),
        KeyValue::new(semconv::SERVICE_INSTANCE_ID, service.instance.clone()),
    ];
    let resource = Resource::builder_empty()
        .with_schema_url(own, semconv::SCHEMA_URL)
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()));
    match env("OTEL_SERVICE_NAME").filter(|name| !name.is_empty()) {
        Some(name) => resource.with_service_name(name).build(),
        None => resource.build(),
    }
}
