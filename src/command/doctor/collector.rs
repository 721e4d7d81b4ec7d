//! The collector of traces, where one is set.

use std::time::Duration;

use callboard_telemetry::{Settings, probe};

use super::check::Check;

/// How long it may take to answer. Chosen, not measured.
const WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn check() -> Check {
    let settings = match Settings::from_env(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => {
            let cure = "set the variable as it says; docs/observability.md has them all";
            return Check::failed("collector", error.to_string(), cure);
        }
    };
    match probe(&settings, WITHIN).await {
        Ok(None) => Check::ok(
            "collector",
            "none is set, so nothing is traced (OTEL_EXPORTER_OTLP_ENDPOINT names one)",
        ),
        Ok(Some(endpoint)) => Check::ok(
            "collector",
            format!("{} takes spans", without_login(&endpoint)),
        ),
        Err(error) => {
            let endpoint = without_login(settings.traces.as_deref().unwrap_or_default());
            Check::warning(
                "collector",
                format!("{endpoint}: {error}"),
                "start it, or mend OTEL_EXPORTER_OTLP_ENDPOINT: http:// and the port of OTLP over gRPC (4317), with \
                 OTEL_EXPORTER_OTLP_HEADERS where it wants a login; calls go on without it, and their traces are lost",
            )
        }
    }
}

/// The URL without a login that somebody wrote into it.
fn without_login(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{host}")
}
