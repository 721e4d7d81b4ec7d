//! The HTTP client: its TLS and the headers of each request.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use reqwest::{Client, Proxy, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::address::{AddressError, BaseUrl};
use super::key::ApiKey;
use super::options::{ANTHROPIC_VERSION, Auth, HttpOptions};
use crate::provider::Format;

/// Why a provider can't be asked as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// Its base URL can't be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A header can't be sent.
    #[error("the header {name:?} can't be sent: {what}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The key would be readable on its way.
    #[error(
        "the key from {origin} is not sent over plain http to another machine; use https, or say in the \
         configuration that this server gets this key"
    )]
    OpenLine {
        /// Where the key came from.
        origin: String,
    },
    /// The certificates that this machine trusts can't be read.
    #[error(
        "the certificate authorities that this machine trusts can't be read; install its ca-certificates, \
         or name a file of them in SSL_CERT_FILE"
    )]
    Certificates(#[source] rustls::Error),
    /// The proxy can't be used, or the client can't be set up.
    #[error("the HTTP client can't be set up; check the proxy's URL")]
    Client(#[source] reqwest::Error),
}

impl OptionsError {
    /// A stable code for programs and for `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "model_base_url",
            Self::Header { .. } => "model_header",
            Self::OpenLine { .. } => "model_open_line",
            Self::Certificates(_) => "model_certificates",
            Self::Client(_) => "model_client",
        }
    }
}

/// Sets a client up: no redirects, for they would carry the key elsewhere, no proxies of the environment
/// and no retries but ours.
pub(super) fn client(options: &HttpOptions, base: &BaseUrl) -> Result<Client, OptionsError> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls(base.is_encrypted())?)
        .connect_timeout(options.connect_timeout)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy();
    if let Some(proxy) = &options.proxy {
        builder = builder.proxy(Proxy::all(proxy).map_err(client_error)?);
    }
    builder.build().map_err(client_error)
}

/// A client for a service of our own: the same TLS, and no proxies either.
pub(crate) fn plain_client(
    is_encrypted: bool,
    connect_timeout: Duration,
) -> Result<Client, OptionsError> {
    Client::builder()
        .tls_backend_preconfigured(tls(is_encrypted)?)
        .connect_timeout(connect_timeout)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .build()
        .map_err(client_error)
}

fn client_error(error: reqwest::Error) -> OptionsError {
    OptionsError::Client(error.without_url())
}

/// TLS with ring, and with what this machine trusts; without encryption nothing needs to be trusted.
fn tls(is_encrypted: bool) -> Result<ClientConfig, OptionsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(OptionsError::Certificates)?;
    let builder = if is_encrypted {
        builder
            .with_platform_verifier()
            .map_err(OptionsError::Certificates)?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

/// The headers of each request.
pub(super) fn headers(format: Format, options: &HttpOptions) -> Result<HeaderMap, OptionsError> {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, json.clone());
    headers.insert(ACCEPT, json);
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("callboard/", env!("CARGO_PKG_VERSION"))),
    );
    if let Some(key) = &options.key {
        let (name, value) = login(format, options.auth, key)?;
        headers.insert(name, value);
    }
    if format == Format::Anthropic {
        let version = options.version.as_deref().unwrap_or(ANTHROPIC_VERSION);
        let name = HeaderName::from_static("anthropic-version");
        headers.insert(name.clone(), value(&name, version)?);
        if !options.betas.is_empty() {
            let name = HeaderName::from_static("anthropic-beta");
            headers.insert(name.clone(), value(&name, &options.betas.join(","))?);
        }
    }
    for (name, text) in &options.headers {
        let parsed: HeaderName = name.parse().map_err(|_| OptionsError::Header {
            name: name.clone(),
            what: "that is no header's name",
        })?;
        let mut value = value(&parsed, text)?;
        // Whatever a gateway wants to know may be a secret.
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(headers)
}

fn login(
    format: Format,
    auth: Auth,
    key: &ApiKey,
) -> Result<(HeaderName, HeaderValue), OptionsError> {
    let (name, text) = match (format, auth) {
        (Format::Anthropic, Auth::Bearer) | (Format::Chat | Format::Responses, _) => {
            (AUTHORIZATION, format!("Bearer {}", key.secret()))
        }
        (Format::Anthropic, Auth::ApiKeyHeader) => (
            HeaderName::from_static("x-api-key"),
            key.secret().to_owned(),
        ),
        (Format::Gemini, _) => (
            HeaderName::from_static("x-goog-api-key"),
            key.secret().to_owned(),
        ),
    };
    let mut value = value(&name, &text)?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, OptionsError> {
    HeaderValue::from_str(text).map_err(|_| OptionsError::Header {
        name: name.to_string(),
        what: "its value has characters that no header can have",
    })
}
