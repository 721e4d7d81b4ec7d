//! The transport by streamable HTTP.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, redirect};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use super::spec::UrlSpec;
use crate::http::tls;

/// How long a connection may take to be made. Chosen, not measured.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests that are under way at once where the operator sets no bound; the worker's slots are the
/// bound then. Chosen, not measured.
const REQUESTS_MAX: usize = 1024;

/// Makes the way to a server; nothing is sent yet.
///
/// # Errors
/// A sentence that says what is missing: a secret, certificates, a client.
pub(super) fn transport(
    spec: &UrlSpec,
    parallel: Option<usize>,
) -> Result<StreamableHttpClientTransport<Client>, String> {
    let tls = tls(spec.url.scheme() == "https").map_err(|error| error.to_string())?;
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirect would carry the headers elsewhere.
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .build()
        .map_err(|error| format!("the HTTP client can't be set up: {error}"))?;
    let config = StreamableHttpClientTransportConfig::with_uri(spec.url.as_str())
        .custom_headers(headers(spec)?)
        .max_concurrent_requests(parallel.unwrap_or(REQUESTS_MAX));
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

fn headers(spec: &UrlSpec) -> Result<HashMap<HeaderName, HeaderValue>, String> {
    let mut headers = HashMap::new();
    for (name, value) in &spec.headers {
        let text = value.resolve().map_err(|error| error.to_string())?;
        // Neither error shows the value.
        let named = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(&text);
        let (Ok(named), Ok(mut value)) = (named, value) else {
            return Err(format!(
                "the header {name:?} has characters that no header has"
            ));
        };
        value.set_sensitive(true);
        headers.insert(named, value);
    }
    Ok(headers)
}
