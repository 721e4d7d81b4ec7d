//! What a configuration names: hosts, networks, ports.

use std::net::IpAddr;
use std::str::FromStr;

use url::Host;

use super::address::is_in;

/// One entry of a list of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    place: Place,
    /// The one port that is meant, where one is named.
    pub(super) port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A host's name, without a dot at its end.
    Name(String),
    /// All names below this one, which begins with a dot.
    Below(String),
    /// The addresses of a network.
    Network { net: IpAddr, prefix: u32 },
}

/// An entry that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no host; write it like \"internal.example\", \"*.internal.example\", \"localhost:8080\", \"10.1.0.0/16\" or \"[fd00::1]:8080\""
)]
pub struct EntryError(String);

impl Entry {
    pub(super) fn is_for_name(&self, name: &str) -> bool {
        match &self.place {
            Place::Name(this) => this == name,
            Place::Below(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
            Place::Network { .. } => false,
        }
    }

    /// Whether the name stands in it letter by letter.
    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(&self.place, Place::Name(this) if this == name)
    }

    pub(super) fn is_for_address(&self, address: IpAddr) -> bool {
        match &self.place {
            Place::Network { net, prefix } => is_in(address, *net, *prefix),
            Place::Name(_) | Place::Below(_) => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some((net, prefix)) = text.split_once('/') {
            let net: IpAddr = net.parse().ok()?;
            let prefix: u32 = prefix.parse().ok()?;
            let bits = if net.is_ipv4() { 32 } else { 128 };
            return (prefix <= bits).then_some(Self {
                place: Place::Network { net, prefix },
                port: None,
            });
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self {
                place: Place::of(address),
                port: None,
            });
        }
        let (host, port) = match text.rsplit_once(':') {
            // The last colon of `[::1]` belongs to the address.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            Some(_) | None => (text, None),
        };
        let (is_below, host) = match host.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, host),
        };
        let place = match Host::parse(host).ok()? {
            Host::Domain(name) => {
                let name = trimmed(&name);
                if name.is_empty() || name.contains('*') {
                    return None;
                }
                if is_below {
                    Place::Below(format!(".{name}"))
                } else {
                    Place::Name(name.to_owned())
                }
            }
            Host::Ipv4(_) | Host::Ipv6(_) if is_below => return None,
            Host::Ipv4(address) => Place::of(address.into()),
            Host::Ipv6(address) => Place::of(address.into()),
        };
        Some(Self { place, port })
    }
}

impl Place {
    fn of(net: IpAddr) -> Self {
        let prefix = if net.is_ipv4() { 32 } else { 128 };
        Self::Network { net, prefix }
    }
}

impl FromStr for Entry {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        Self::parse(text).ok_or_else(|| EntryError(text.to_owned()))
    }
}

/// A name without the dot that may end it.
pub(super) fn trimmed(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_names_no_host_is_refused() {
        for text in [
            "",
            ":",
            ":80",
            "*",
            "*.",
            "*.*.x",
            "a b",
            "10.0.0.0/33",
            "::/129",
            "x/8",
            "http://x",
            "x:port",
            "x:70000",
            "*.10.0.0.1",
            "[::1",
            "x@y",
        ] {
            assert!(text.parse::<Entry>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_entry_is_for_what_it_names() {
        let entry = |text: &str| text.parse::<Entry>().unwrap();
        assert!(entry("Internal.Example.").is_for_name("internal.example"));
        assert!(!entry("internal.example").is_for_name("a.internal.example"));
        let below = entry("*.example.com:8443");
        assert!(below.is_for_name("a.example.com") && below.is_for_name("a.b.example.com"));
        assert!(!below.is_for_name("example.com") && !below.is_for_name("anexample.com"));
        assert_eq!(below.port, Some(8443));
        let address = |text: &str| -> IpAddr { text.parse().unwrap() };
        assert!(entry("10.1.0.0/16").is_for_address(address("10.1.255.1")));
        assert!(entry("0x7f.1:80").is_for_address(address("127.0.0.1")));
        assert!(entry("[fd00::1]:80").is_for_address(address("fd00::1")));
        assert!(entry("[fd00::1]").is_for_address(address("fd00::1")));
        assert!(entry("fd00::1").is_for_address(address("fd00::1")));
        assert!(!entry("127.0.0.1").is_for_name("localhost"));
    }
}
