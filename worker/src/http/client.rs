//! HTTP clients with their connections, one for each set of rules: connections that one guard let through are
//! never used under another.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::guard::Guard;
use super::resolver::{GuardedResolver, Lookup, SystemLookup};

/// Connections that are kept open for each host, at most. Chosen, not measured.
const IDLE_PER_HOST_MAX: usize = 16;
/// How long an unused connection is kept open: shorter than the 60 s and more of common servers and
/// balancers, so that they don't close it under a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The certificates that this machine trusts can't be read.
    #[error(
        "the certificate authorities that this machine trusts can't be read; install its ca-certificates, or name a file \
         of them in SSL_CERT_FILE"
    )]
    Certificates(#[source] rustls::Error),
    /// The client can't be set up.
    #[error("the HTTP client can't be set up")]
    Client(#[source] reqwest::Error),
}

/// Makes clients and keeps them: tools with the same rules share one and its connections.
#[derive(Clone)]
pub struct HttpClients {
    lookup: Arc<dyn Lookup>,
    made: Arc<Mutex<Vec<(Rules, Client)>>>,
}

/// What makes two clients differ.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rules {
    guard: Arc<Guard>,
    connect_timeout: Duration,
    is_encrypted: bool,
}

/// A client whose requests go where its guard lets them.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    pub(super) guard: Arc<Guard>,
    pub(super) client: Client,
}

impl HttpClients {
    /// Clients that look names up by `lookup`.
    #[must_use]
    pub fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self {
            lookup,
            made: Arc::default(),
        }
    }

    /// The client for these rules. Without encryption no certificate authorities are needed, and no https
    /// server is trusted.
    pub(crate) fn client(
        &self,
        guard: Guard,
        connect_timeout: Duration,
        is_encrypted: bool,
    ) -> Result<HttpClient, ClientError> {
        let rules = Rules {
            guard: Arc::new(guard),
            connect_timeout,
            is_encrypted,
        };
        // A list that is only ever added to is sound after a panic.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match made.iter().find(|(other, _)| *other == rules) {
            Some((_, client)) => client.clone(),
            None => {
                let client = self.make(&rules)?;
                made.push((rules.clone(), client.clone()));
                client
            }
        };
        Ok(HttpClient {
            guard: rules.guard,
            client,
        })
    }

    /// No redirects, for each hop is checked; no retries but the coordinator's; and no proxies of the
    /// environment, which would connect to what the guard never saw.
    fn make(&self, rules: &Rules) -> Result<Client, ClientError> {
        Client::builder()
            .tls_backend_preconfigured(tls(rules.is_encrypted)?)
            .dns_resolver(GuardedResolver {
                guard: Arc::clone(&rules.guard),
                lookup: Arc::clone(&self.lookup),
            })
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(rules.connect_timeout)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("callboard/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::Client(error.without_url()))
    }
}

impl Default for HttpClients {
    /// Clients that look names up as the system does.
    fn default() -> Self {
        Self::new(Arc::new(SystemLookup))
    }
}

impl fmt::Debug for HttpClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClients").finish_non_exhaustive()
    }
}

/// TLS with ring, and with what this machine trusts.
pub(crate) fn tls(is_encrypted: bool) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Certificates)?;
    let builder = if is_encrypted {
        builder
            .with_platform_verifier()
            .map_err(ClientError::Certificates)?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}
