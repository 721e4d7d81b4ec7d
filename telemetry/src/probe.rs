//! Whether the collector takes what it will be sent.

use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SpanExporter as _;

use crate::pipeline::{StartError, span_exporter};
use crate::settings::Settings;

/// Why spans wouldn't arrive.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The variables don't make an exporter.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The collector can't be reached, or refuses.
    #[error("{0}")]
    Refused(OTelSdkError),
    /// It says nothing.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Silent(Duration),
}

/// Sends the collector of traces an export without spans, by the way, with the headers and the encryption
/// that spans will go. Gives the endpoint that took it; none where none is set.
///
/// # Errors
/// When it can't be sent, isn't taken, or isn't answered within `within`.
pub async fn probe(settings: &Settings, within: Duration) -> Result<Option<String>, ProbeError> {
    let Some(endpoint) = &settings.traces else {
        return Ok(None);
    };
    let exporter = span_exporter(endpoint, settings)?;
    match tokio::time::timeout(within, exporter.export(Vec::new())).await {
        Ok(Ok(())) => Ok(Some(endpoint.clone())),
        Ok(Err(error)) => Err(ProbeError::Refused(error)),
        Err(_) => Err(ProbeError::Silent(within)),
    }
}
