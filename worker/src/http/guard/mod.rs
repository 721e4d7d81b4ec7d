//! Where requests may go. Pure: a URL or an address in, a verdict out; the resolver and the redirects ask
//! it, so that what was checked is what is connected to.
//!
//! Without leave a request goes to public addresses alone, to the usual ports, by http or https. What a
//! configuration names is open besides: see [`GuardRules`].

mod address;
mod entry;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

pub use address::{Kind, kind};
pub use entry::EntryError;

use entry::{Entry, trimmed};

/// Ports that need no leave: those of http and https.
const PORTS: [u16; 2] = [80, 443];

/// Names of cloud metadata services; what they resolve to is blocked besides.
const METADATA: [&str; 7] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
];

/// What a configuration says of where requests may go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardRules {
    /// Hosts that may be reached though they aren't public: a name (`internal.example`), names below one
    /// (`*.internal.example`), an address, or a network (`10.1.0.0/16`); a host with a port (`localhost:8080`)
    /// is open at that port alone. A name may then resolve to loopback and private addresses, never to
    /// link-local or metadata ones: those must be named as addresses.
    pub allow: Vec<String>,
    /// The only hosts that may be reached, besides those of `allow`; all public ones where it is empty.
    pub hosts: Vec<String>,
    /// Ports that are open besides 80 and 443.
    pub ports: Vec<u16>,
}

/// Decides where requests may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    allow: Vec<Entry>,
    hosts: Vec<Entry>,
    ports: BTreeSet<u16>,
}

/// Why a request may not go where it was meant to. A model reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// The scheme isn't http or https.
    #[error("{0:?} is no scheme that may be used; only http and https are")]
    Scheme(String),
    /// The URL names no host.
    #[error("the URL names no host")]
    NoHost,
    /// The URL carries a login.
    #[error("the URL carries a user name or password, which is not allowed")]
    Login,
    /// The host isn't among those that may be reached.
    #[error("the host {0} is not among those that may be reached")]
    Host(String),
    /// The port isn't open.
    #[error("port {port} of {host} may not be reached; give a URL with a usual port")]
    Port {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The name is one of this machine or of a metadata service.
    #[error("the host {0} is a name for this machine or its cloud, which may not be reached")]
    Name(String),
    /// The address isn't public.
    #[error("{host} is {kind}, which may not be reached")]
    Address {
        /// The host, as the URL names it.
        host: String,
        /// What its address is.
        kind: Kind,
    },
}

impl Guard {
    /// Reads the rules.
    ///
    /// # Errors
    /// When an entry names no host.
    pub fn new(rules: &GuardRules) -> Result<Self, EntryError> {
        let read = |entries: &[String]| -> Result<Vec<Entry>, EntryError> {
            entries.iter().map(|entry| entry.parse()).collect()
        };
        Ok(Self {
            allow: read(&rules.allow)?,
            hosts: read(&rules.hosts)?,
            ports: PORTS.iter().chain(&rules.ports).copied().collect(),
        })
    }

    /// Opens one more port, for whoever configured a URL with it.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.ports.insert(port);
        self
    }

    /// Checks where a URL leads, as far as the URL itself says: a name's addresses are checked by
    /// [`Guard::check_address`] when they are known.
    ///
    /// # Errors
    /// When a request may not go there.
    pub fn check_url(&self, url: &Url) -> Result<(), Blocked> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Blocked::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Blocked::Login);
        }
        let (host, port) = match (url.host(), url.port_or_known_default()) {
            (Some(host), Some(port)) => (host, port),
            (None, _) | (_, None) => return Err(Blocked::NoHost),
        };
        match host {
            // Resolvers differ in what they make of a name with a hole in it.
            Host::Domain(name) if trimmed(name).split('.').any(str::is_empty) => {
                Err(Blocked::NoHost)
            }
            Host::Domain(name) => self.check_name(trimmed(name), port),
            Host::Ipv4(address) => self.check_literal(address.into(), port),
            Host::Ipv6(address) => self.check_literal(address.into(), port),
        }
    }

    /// Whether `allow` names the host of a URL.
    #[must_use]
    pub fn is_allowed(&self, url: &Url) -> bool {
        let is_meant = |entry: &Entry| match url.host() {
            Some(Host::Domain(name)) => entry.is_for_name(trimmed(name)),
            Some(Host::Ipv4(address)) => entry.is_for_address(address.into()),
            Some(Host::Ipv6(address)) => entry.is_for_address(address.into()),
            None => false,
        };
        self.allow.iter().any(is_meant)
    }

    /// Checks an address that a name resolved to.
    ///
    /// # Errors
    /// When no connection may be made to it.
    pub fn check_address(&self, name: &str, address: IpAddr) -> Result<(), Blocked> {
        let Some(kind) = kind(address) else {
            return Ok(());
        };
        let name = trimmed(name).to_ascii_lowercase();
        // An entry with a port is for URLs that name the address: which port is meant isn't known here.
        let is_open = |entry: &Entry| {
            (entry.port.is_none() && entry.is_for_address(address))
                || (kind.may_be_named() && entry.is_for_name(&name))
        };
        if self.allow.iter().any(is_open) {
            return Ok(());
        }
        Err(Blocked::Address { host: name, kind })
    }

    fn check_name(&self, name: &str, port: u16) -> Result<(), Blocked> {
        if name.is_empty() {
            return Err(Blocked::NoHost);
        }
        self.check_place(name, port, |entry| entry.is_for_name(name))?;
        let is_local = name == "localhost" || name.ends_with(".localhost");
        let is_named = |entry: &Entry| entry.is_name(name) || (is_local && entry.is_for_name(name));
        if (is_local || METADATA.contains(&name)) && !self.allow.iter().any(is_named) {
            return Err(Blocked::Name(name.to_owned()));
        }
        Ok(())
    }

    fn check_literal(&self, address: IpAddr, port: u16) -> Result<(), Blocked> {
        let host = address.to_string();
        let is_allowed = self.check_place(&host, port, |entry| entry.is_for_address(address))?;
        match kind(address) {
            Some(kind) if !is_allowed => Err(Blocked::Address { host, kind }),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks a host and a port by the lists; says whether the host is allowed though it isn't public.
    fn check_place(
        &self,
        host: &str,
        port: u16,
        is_meant: impl Fn(&Entry) -> bool,
    ) -> Result<bool, Blocked> {
        let is_open = |entry: &&Entry| {
            entry
                .port
                .map_or_else(|| self.ports.contains(&port), |only| only == port)
        };
        let closed = || Blocked::Port {
            host: host.to_owned(),
            port,
        };
        let mut allowed = self.allow.iter().filter(|entry| is_meant(entry)).peekable();
        if allowed.peek().is_some() {
            return allowed.find(is_open).map(|_| true).ok_or_else(closed);
        }
        if self.hosts.is_empty() {
            return if self.ports.contains(&port) {
                Ok(false)
            } else {
                Err(closed())
            };
        }
        let mut listed = self.hosts.iter().filter(|entry| is_meant(entry)).peekable();
        if listed.peek().is_none() {
            return Err(Blocked::Host(host.to_owned()));
        }
        listed.find(is_open).map(|_| false).ok_or_else(closed)
    }
}
