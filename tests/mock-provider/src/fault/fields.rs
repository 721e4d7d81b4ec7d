//! A fault as a script writes it: one flat table, of which each kind takes its own keys and no others.

use serde::Deserialize;

use super::{AfterEvents, Fault, FaultSpec, Retry};

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    RateLimit,
    SpendLimit,
    Billing,
    ServerError,
    Overloaded,
    Unavailable,
    Timeout,
    Status,
    Close,
    Silent,
    Html,
    NotJson,
    Oversized,
    InvalidUtf8,
    Cut,
    StreamError,
    Stall,
    Truncate,
}

/// Seconds, or whatever text the header is to hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum RetryAfter {
    Seconds(u64),
    Text(String),
}

impl RetryAfter {
    fn header(self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// Every key that some kind takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    kind: Kind,
    #[serde(default = "once")]
    times: u32,
    retry_after: Option<RetryAfter>,
    retry_after_ms: Option<u64>,
    should_retry: Option<bool>,
    in_array: Option<bool>,
    status: Option<u16>,
    message: Option<String>,
    bytes: Option<usize>,
    after_events: Option<usize>,
    mid_event: Option<bool>,
    clean: Option<bool>,
}

fn once() -> u32 {
    1
}

impl Fields {
    fn retry(&mut self) -> Retry {
        Retry {
            retry_after: self.retry_after.take().map(RetryAfter::header),
            retry_after_ms: self.retry_after_ms.take(),
            should_retry: self.should_retry.take(),
            in_array: self.in_array.take().unwrap_or_default(),
        }
    }

    fn after_events(&mut self) -> AfterEvents {
        AfterEvents {
            after_events: self.after_events.take().unwrap_or_default(),
        }
    }

    fn fault(&mut self) -> Result<Fault, String> {
        Ok(match self.kind {
            Kind::RateLimit => Fault::RateLimit(self.retry()),
            Kind::SpendLimit => Fault::SpendLimit,
            Kind::Billing => Fault::Billing,
            Kind::ServerError => Fault::ServerError(self.retry()),
            Kind::Overloaded => Fault::Overloaded(self.retry()),
            Kind::Unavailable => Fault::Unavailable(self.retry()),
            Kind::Timeout => Fault::Timeout,
            Kind::Status => Fault::Status {
                status: self
                    .status
                    .take()
                    .filter(|status| (400..600).contains(status))
                    .ok_or("kind = \"status\" needs a status of 400 to 599")?,
                message: self.message.take().unwrap_or_default(),
                retry: self.retry(),
            },
            Kind::Close => Fault::Close,
            Kind::Silent => Fault::Silent,
            Kind::Html => Fault::Html {
                status: self
                    .status
                    .take()
                    .map_or(Some(200), |status| {
                        (200..600).contains(&status).then_some(status)
                    })
                    .ok_or("kind = \"html\" takes a status of 200 to 599")?,
            },
            Kind::NotJson => Fault::NotJson,
            Kind::Oversized => Fault::Oversized {
                bytes: self
                    .bytes
                    .take()
                    .ok_or("kind = \"oversized\" needs the bytes that it is to exceed")?,
            },
            Kind::InvalidUtf8 => Fault::InvalidUtf8(self.after_events()),
            Kind::Cut => Fault::Cut {
                after_events: self.after_events.take().unwrap_or_default(),
                mid_event: self.mid_event.take().unwrap_or_default(),
                clean: self.clean.take().unwrap_or_default(),
            },
            Kind::StreamError => Fault::StreamError(self.after_events()),
            Kind::Stall => Fault::Stall {
                after_events: self.after_events.take(),
            },
            Kind::Truncate => Fault::Truncate,
        })
    }

    /// The first key that the kind has left untaken.
    fn left(&self) -> Option<&'static str> {
        [
            (self.retry_after.is_some(), "retry_after"),
            (self.retry_after_ms.is_some(), "retry_after_ms"),
            (self.should_retry.is_some(), "should_retry"),
            (self.in_array.is_some(), "in_array"),
            (self.status.is_some(), "status"),
            (self.message.is_some(), "message"),
            (self.bytes.is_some(), "bytes"),
            (self.after_events.is_some(), "after_events"),
            (self.mid_event.is_some(), "mid_event"),
            (self.clean.is_some(), "clean"),
        ]
        .into_iter()
        .find_map(|(is_left, key)| is_left.then_some(key))
    }
}

impl TryFrom<Fields> for FaultSpec {
    type Error = String;

    fn try_from(mut fields: Fields) -> Result<Self, String> {
        let fault = fields.fault()?;
        if let Some(key) = fields.left() {
            return Err(format!(
                "a fault of kind {:?} takes no {key}; take it out",
                fault.name()
            ));
        }
        if fields.times == 0 {
            return Err("times = 0 is no fault; take it out".to_owned());
        }
        Ok(Self {
            fault,
            times: fields.times,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn read(text: &str) -> Result<FaultSpec, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn each_kind_takes_its_own_keys() {
        for (text, expected) in [
            (
                "kind = \"rate_limit\"\nretry_after = 2\nshould_retry = true",
                Fault::RateLimit(Retry {
                    retry_after: Some("2".to_owned()),
                    should_retry: Some(true),
                    ..Retry::default()
                }),
            ),
            (
                "kind = \"cut\"\nafter_events = 3\nmid_event = true",
                Fault::Cut {
                    after_events: 3,
                    mid_event: true,
                    clean: false,
                },
            ),
            ("kind = \"html\"", Fault::Html { status: 200 }),
        ] {
            assert_eq!(
                read(text),
                Ok(FaultSpec {
                    fault: expected,
                    times: 1
                })
            );
        }
        for text in [
            "kind = \"close\"\nafter_events = 1",
            "kind = \"oversized\"",
            "kind = \"status\"\nstatus = 200",
            "kind = \"cut\"\nafter = 1",
            "kind = \"truncate\"\ntimes = 0",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_kind_is_called_by_its_name() {
        for name in [
            "rate_limit",
            "spend_limit",
            "billing",
            "server_error",
            "overloaded",
            "unavailable",
            "timeout",
            "close",
            "silent",
            "html",
            "not_json",
            "invalid_utf8",
            "cut",
            "stream_error",
            "stall",
            "truncate",
        ] {
            assert_eq!(
                read(&format!("kind = {name:?}")).unwrap().fault.name(),
                name
            );
        }
    }
}
