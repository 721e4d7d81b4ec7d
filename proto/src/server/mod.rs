//! What both sides know of the NATS server between them: its address and how to log in, which
//! versions will do, how its refusals read, and how long to wait before the next try. Pure: the
//! links of both sides do the connecting.

mod denied;
mod error;
mod signing;
mod urls;

use std::path::PathBuf;
use std::time::Duration;

pub use denied::{Denied, Operation};
pub use error::LinkError;
pub use signing::Signing;
pub use urls::{Login, ServerUrls};

/// Oldest server that will do, as major and minor version: the client library needs 2.10 for
/// key-value stores (measured against 2.9.10, 2.10.27 and 2.15.1 on 2026-11-22).
pub const VERSION_MIN: (u64, u64) = (2, 10);
/// Time between two pings of the server. A dead connection is known after three at most; the client
/// library's own 60 s would take three minutes. Chosen, not measured.
pub const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Time that a handshake with a server may take, unless the options say otherwise. Chosen, not measured.
pub const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait before the next try to reconnect. Chosen, not measured.
pub const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(4);

/// Which servers to connect to, and how.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The servers of one cluster.
    pub urls: ServerUrls,
    /// A `.creds` file with a JWT and its key.
    pub credentials_file: Option<PathBuf>,
    /// A file with the seed of an nkey, alone on a line.
    pub nkey_file: Option<PathBuf>,
    /// A PEM file with the certificate authorities to trust besides the system's.
    pub root_certificates_file: Option<PathBuf>,
    /// PEM files with this client's certificate and its key.
    pub client_certificate_files: Option<(PathBuf, PathBuf)>,
    /// Time that a handshake with one server may take.
    pub connection_timeout: Duration,
    /// How long to try again at the start while no server can be reached; zero: not at all.
    pub start_wait: Duration,
    /// Whether messages are signed with the nkey, and whose signatures are asked for.
    pub signing: Signing,
}

impl ServerOptions {
    /// Options that name only the servers.
    #[must_use]
    pub fn new(urls: ServerUrls) -> Self {
        Self {
            urls,
            credentials_file: None,
            nkey_file: None,
            root_certificates_file: None,
            client_certificate_files: None,
            connection_timeout: CONNECTION_TIMEOUT,
            start_wait: Duration::ZERO,
            signing: Signing::default(),
        }
    }
}

/// Whether a server of this version will do: [`VERSION_MIN`] or newer. A version that can't be read
/// will not.
#[must_use]
pub fn version_is_supported(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split('.');
    let mut number = || parts.next()?.parse::<u64>().ok();
    match (number(), number()) {
        (Some(major), Some(minor)) => (major, minor) >= VERSION_MIN,
        (None, _) | (_, None) => false,
    }
}

/// How long to wait before reconnect number `attempt` (from 1): full jitter over 2^attempt ms, at
/// most [`RECONNECT_DELAY_MAX`], so that the clients of a restarted server don't come as one.
/// `random` is drawn from 0 to 1.
#[must_use]
pub fn reconnect_delay(attempt: usize, random: f64) -> Duration {
    // Beyond 2^12 ms the cap holds anyway.
    let exponent = u32::try_from(attempt.min(12)).unwrap_or(12);
    let longest = Duration::from_millis(1 << exponent).min(RECONNECT_DELAY_MAX);
    longest.mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_2_10_on_will_do() {
        for (version, is_supported) in [
            ("2.10.0", true),
            ("2.10.27", true),
            ("v2.15.2", true),
            ("2.12.0-RC.3", true),
            ("3.0.0", true),
            ("2.9.25", false),
            ("2.1.0", false),
            ("1.10.0", false),
            ("2", false),
            ("", false),
            ("dev", false),
        ] {
            assert_eq!(version_is_supported(version), is_supported, "{version}");
        }
    }

    #[test]
    fn reconnects_wait_longer_each_time_up_to_four_seconds() {
        assert_eq!(reconnect_delay(1, 1.0), Duration::from_millis(2));
        assert_eq!(reconnect_delay(5, 1.0), Duration::from_millis(32));
        assert_eq!(reconnect_delay(5, 0.5), Duration::from_millis(16));
        assert_eq!(reconnect_delay(12, 1.0), Duration::from_secs(4));
        assert_eq!(reconnect_delay(usize::MAX, 1.0), Duration::from_secs(4));
        assert_eq!(reconnect_delay(usize::MAX, 0.0), Duration::ZERO);
    }
}
