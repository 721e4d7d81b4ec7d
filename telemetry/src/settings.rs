//! What the standard `OTEL_*` variables say.
//!
//! Headers, timeouts, compression and `…_INSECURE` are read by the exporter, the sampler and the limits of
//! spans by the SDK; here is read whether anything is exported at all, and where to.

/// Whether and where traces and metrics are exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The collector that takes traces; none without one.
    pub traces: Option<String>,
    /// The collector that takes metrics; none without one.
    pub metrics: Option<String>,
    /// A PEM file with the certificate authority of the collector, besides the system's.
    pub certificate_file: Option<String>,
}

/// A variable asks for what this program can't do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Another protocol than gRPC.
    #[error(
        "{variable} = {value:?}: traces and metrics are exported by gRPC; set it to grpc, and the endpoint to the collector's gRPC port (4317)"
    )]
    Protocol {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
    },
    /// No sampler has this name.
    #[error(
        "OTEL_TRACES_SAMPLER = {value:?}: write one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio"
    )]
    Sampler {
        /// What it says.
        value: String,
    },
    /// A ratio that is none.
    #[error(
        "OTEL_TRACES_SAMPLER_ARG = {value:?}: write the share of traces that is sampled, from 0 to 1"
    )]
    Ratio {
        /// What it says.
        value: String,
    },
    /// Another exporter than OTLP.
    #[error("{variable} = {value:?}: write otlp or none")]
    Exporter {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
    },
}

/// Those that the SDK knows; it takes `parentbased_always_on` for all others.
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

const PROTOCOLS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
];

impl Settings {
    /// Reads the variables. Without an endpoint nothing is exported.
    ///
    /// # Errors
    /// When one asks for a protocol, an exporter or a sampler that isn't built in.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let read = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        if read("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Self::default());
        }
        let common = read("OTEL_EXPORTER_OTLP_ENDPOINT");
        let endpoint = |exporter: &'static str, own: &str| {
            let is_wanted = match read(exporter).as_deref() {
                None | Some("otlp") => true,
                Some("none") => false,
                Some(other) => {
                    return Err(SettingsError::Exporter {
                        variable: exporter,
                        value: other.to_owned(),
                    });
                }
            };
            Ok(read(own).or_else(|| common.clone()).filter(|_| is_wanted))
        };
        let settings = Self {
            traces: endpoint("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")?,
            metrics: endpoint(
                "OTEL_METRICS_EXPORTER",
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            )?,
            certificate_file: read("OTEL_EXPORTER_OTLP_CERTIFICATE"),
        };
        for variable in PROTOCOLS {
            if let Some(value) = read(variable).filter(|value| value != "grpc")
                && !settings.is_off()
            {
                return Err(SettingsError::Protocol { variable, value });
            }
        }
        if settings.traces.is_some() {
            check_sampler(&read)?;
        }
        Ok(settings)
    }

    /// Whether nothing is exported.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.traces.is_none() && self.metrics.is_none()
    }
}

/// The SDK would sample everything where it can't read these, and say so in its own log alone.
fn check_sampler(read: &impl Fn(&str) -> Option<String>) -> Result<(), SettingsError> {
    let Some(value) = read("OTEL_TRACES_SAMPLER") else {
        return Ok(());
    };
    if !SAMPLERS.contains(&&*value) {
        return Err(SettingsError::Sampler { value });
    }
    let ratio = read("OTEL_TRACES_SAMPLER_ARG").filter(|_| value.ends_with("traceidratio"));
    match ratio {
        Some(value)
            if !value
                .parse()
                .is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio)) =>
        {
            Err(SettingsError::Ratio { value })
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_env(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_an_endpoint_nothing_is_exported() {
        assert_eq!(settings(&[]), Ok(Settings::default()));
        assert_eq!(
            settings(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]),
            Ok(Settings::default())
        );
        let off = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317"),
            ("OTEL_SDK_DISABLED", "TRUE"),
        ];
        assert_eq!(settings(&off), Ok(Settings::default()));
    }

    #[test]
    fn each_signal_has_its_own_word() {
        let read = settings(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4317"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4317"),
        ]);
        let expected = Settings {
            traces: Some("http://traces:4317".to_owned()),
            metrics: Some("http://all:4317".to_owned()),
            certificate_file: None,
        };
        assert_eq!(read, Ok(expected));
        let read = settings(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4317"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ]);
        assert_eq!(read.map(|read| read.metrics), Ok(None));
    }

    #[test]
    fn what_is_not_built_in_is_refused() {
        let http = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ];
        assert!(matches!(
            settings(&http),
            Err(SettingsError::Protocol { .. })
        ));
        assert_eq!(settings(&http[1..]), Ok(Settings::default()));
        let sampled = |sampler, ratio| {
            settings(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317"),
                ("OTEL_TRACES_SAMPLER", sampler),
                ("OTEL_TRACES_SAMPLER_ARG", ratio),
            ])
        };
        assert!(sampled("traceidratio", "0.01").is_ok());
        assert!(sampled("always_on", "").is_ok());
        assert!(matches!(
            sampled("sometimes", ""),
            Err(SettingsError::Sampler { .. })
        ));
        for ratio in ["1 %", "1.5", "-0.1", "NaN"] {
            let refused = sampled("parentbased_traceidratio", ratio);
            assert!(
                matches!(refused, Err(SettingsError::Ratio { .. })),
                "{ratio}"
            );
        }
        let zipkin = [("OTEL_TRACES_EXPORTER", "zipkin")];
        assert!(matches!(
            settings(&zipkin),
            Err(SettingsError::Exporter { .. })
        ));
    }
}
