//! A tool that is a request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callboard_proto::{Effect, Executed, FailureKind};
use futures_util::future::{BoxFuture, FutureExt as _};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Host;

use super::answer;
use super::ask::ask;
use super::client::{HttpClient, HttpClients};
use super::exchange::Order;
use super::guard::{Guard, GuardRules};
use super::redact::Redactor;
use super::secrets::{Place, Secrets};
use super::spec::{BODY_BYTES_MAX, BodySpec, HttpError, HttpSpec, MethodWord, ValueSpec};
use super::template::{
    BodyTemplate, HeaderTemplate, QueryTemplate, Slots, TemplateError, UrlTemplate, encoded,
    header_name,
};
use super::values::{FillError, Values};
use crate::tool::{Tool, ToolCall, ToolError, ToolResult, ToolSpec};

/// Bytes of an answer that isn't a success that are read, at most. Chosen, not measured: such answers are
/// short, and a model needs their beginning.
const ERROR_BYTES_MAX: usize = 16 * 1024;

/// A tool that is a request. Its spec says what the model sees, its [`HttpSpec`] what is asked.
#[derive(Clone, Debug)]
pub struct HttpTool {
    spec: ToolSpec,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    method: reqwest::Method,
    url: UrlTemplate,
    query: QueryTemplate,
    headers: Vec<HeaderTemplate>,
    body: Option<BodyTemplate>,
    secrets: Secrets,
    /// The header with the call's idempotency key, if it gets one.
    key_header: Option<HeaderName>,
    client: HttpClient,
    redirects_max: usize,
    timeout: Duration,
    request_bytes_max: usize,
    response_bytes_max: usize,
}

impl HttpTool {
    /// Checks and makes a tool. Tools with the same rules share a client of `clients`.
    ///
    /// # Errors
    /// When a template doesn't fit the schema, a secret isn't there, or the URL leads to where nothing may
    /// go.
    pub fn new(spec: ToolSpec, http: &HttpSpec, clients: &HttpClients) -> Result<Self, HttpError> {
        check_limits(http)?;
        let schema: Map<String, Value> = serde_json::from_str(&spec.input_schema)
            .map_err(|error| HttpError::Schema(error.to_string()))?;
        let mut slots = Slots::of(&schema);
        let url = UrlTemplate::with_slots(&http.url, &mut slots)?;
        let query = QueryTemplate::with_slots(texts(&http.query), &mut slots)?;
        let headers = texts(&http.headers)
            .map(|(name, text)| HeaderTemplate::with_slots(name, text, &mut slots))
            .collect::<Result<_, _>>()?;
        let body = body(http, &mut slots)?;
        if !matches!(body, Some(BodyTemplate::Arguments)) {
            slots.check_used()?;
        }
        let secrets = Secrets::new(http)?;
        let client = client(http, &url, clients)?;
        secrets.check(url.base(), &client.guard)?;
        let has_key = spec.manifest.effect != Effect::Read && !http.idempotency_header.is_empty();
        Ok(Self {
            inner: Arc::new(Inner {
                method: method(http.method),
                url,
                query,
                headers,
                body,
                secrets,
                key_header: has_key
                    .then(|| header_name(&http.idempotency_header))
                    .transpose()?,
                client,
                redirects_max: http.redirects_max,
                timeout: http.timeout,
                request_bytes_max: http.request_bytes_max,
                response_bytes_max: http.response_bytes_max,
            }),
            spec,
        })
    }
}

/// The values that are texts with slots.
fn texts(values: &BTreeMap<String, ValueSpec>) -> impl Iterator<Item = (&str, &str)> {
    values
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.secret().err()?)))
}

fn method(word: MethodWord) -> reqwest::Method {
    match word {
        MethodWord::Get => reqwest::Method::GET,
        MethodWord::Head => reqwest::Method::HEAD,
        MethodWord::Post => reqwest::Method::POST,
        MethodWord::Put => reqwest::Method::PUT,
        MethodWord::Patch => reqwest::Method::PATCH,
        MethodWord::Delete => reqwest::Method::DELETE,
    }
}

fn body(http: &HttpSpec, slots: &mut Slots) -> Result<Option<BodyTemplate>, HttpError> {
    let body = match (&http.body, http.form.is_empty()) {
        (None, true) => return Ok(None),
        (Some(_), false) => {
            return Err(HttpError::Contradiction(
                "a request has a `body` or a `form`, not both",
            ));
        }
        (Some(BodySpec::Word(word)), true) if word == "arguments" => BodyTemplate::Arguments,
        (Some(BodySpec::Word(_)), true) => {
            return Err(TemplateError::Body(
                "write \"arguments\" for the arguments as they are, or a table for JSON with slots",
            )
            .into());
        }
        (Some(BodySpec::Json(json)), true) => BodyTemplate::json(json, slots)?,
        (None, false) => {
            let pairs = http
                .form
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()));
            BodyTemplate::Form(QueryTemplate::with_slots(pairs, slots)?)
        }
    };
    if matches!(http.method, MethodWord::Get | MethodWord::Head) {
        return Err(HttpError::Contradiction(
            "GET and HEAD have no body; use the query, or another method",
        ));
    }
    Ok(Some(body))
}

fn check_limits(http: &HttpSpec) -> Result<(), HttpError> {
    for (what, time) in [
        ("timeout", http.timeout),
        ("connect_timeout", http.connect_timeout),
    ] {
        if time.is_zero() {
            return Err(HttpError::Limit {
                what,
                value: "0".to_owned(),
                wanted: "a time, such as \"30s\"".to_owned(),
            });
        }
    }
    let sizes = [
        ("request_bytes_max", http.request_bytes_max),
        ("response_bytes_max", http.response_bytes_max),
    ];
    for (what, bytes) in sizes {
        if !(1..=BODY_BYTES_MAX).contains(&bytes) {
            return Err(HttpError::Limit {
                what,
                value: bytes.to_string(),
                wanted: format!("1 to {BODY_BYTES_MAX}"),
            });
        }
    }
    Ok(())
}

/// The client for where the URL leads, which is checked as far as the URL itself says.
fn client(
    http: &HttpSpec,
    url: &UrlTemplate,
    clients: &HttpClients,
) -> Result<HttpClient, HttpError> {
    let rules = GuardRules {
        allow: http.allow.clone(),
        ..GuardRules::default()
    };
    let base = url.base();
    let port = base.port_or_known_default().unwrap_or_default();
    // The operator wrote the port, and no value changes it.
    let guard = Guard::new(&rules)?.with_port(port);
    guard
        .check_url(base)
        .map_err(|blocked| HttpError::Blocked {
            entry: entry(base),
            blocked,
        })?;
    let is_encrypted = base.scheme() == "https" || http.redirects_max > 0;
    Ok(clients.client(guard, http.connect_timeout, is_encrypted)?)
}

/// The entry of `allow` that would open a blocked URL.
fn entry(base: &reqwest::Url) -> String {
    let host = match base.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => format!("[{address}]"),
        None => String::new(),
    };
    base.port()
        .map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

impl Tool for HttpTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, call: ToolCall) -> BoxFuture<'static, ToolResult> {
        let inner = Arc::clone(&self.inner);
        async move { inner.call(call).await }.boxed()
    }
}

impl Inner {
    async fn call(&self, call: ToolCall) -> ToolResult {
        let mut redactor = Redactor::default();
        let order = self.order(&call, &mut redactor)?;
        let reply = ask(&self.client, order, &redactor, self.timeout, &call).await?;
        answer::of_reply(reply)
    }

    fn order(&self, call: &ToolCall, redactor: &mut Redactor) -> Result<Order, ToolError> {
        crate::tool::check_object(call.arguments())?;
        let refuse = |error: FillError| ToolError::invalid_arguments(error.to_string());
        let values = Values::parse(call.arguments()).map_err(refuse)?;
        let mut url = self.url.fill(&values, &self.query).map_err(refuse)?;
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/json, text/*;q=0.9, */*;q=0.5"),
        );
        let mut bytes = None;
        if let Some(body) = &self.body {
            let filled = body.fill(call.arguments(), &values).map_err(refuse)?;
            if filled.len() > self.request_bytes_max {
                return Err(refuse(FillError::TooLong {
                    what: "the request's body",
                    bytes: filled.len(),
                    max: self.request_bytes_max,
                }));
            }
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type()));
            bytes = Some(Bytes::from(filled));
        }
        for header in &self.headers {
            if let Some(value) = header.fill(&values).map_err(refuse)? {
                headers.insert(header.name().clone(), value);
            }
        }
        if let Some(name) = &self.key_header {
            headers.insert(name.clone(), key(&call.idempotency_key()));
        }
        if let Some(trace) = call.traceparent().and_then(|trace| trace.parse().ok()) {
            headers.insert(HeaderName::from_static("traceparent"), trace);
        }
        let secrets = self.secrets.resolve(redactor).map_err(|error| {
            // Names a variable or a file, never what is in it.
            ToolError::new(
                FailureKind::Internal,
                format!("the request can't be prepared: {error}"),
                Executed::No,
            )
        })?;
        for (place, value) in secrets {
            match place {
                Place::Header(name) => {
                    headers.insert(name, value);
                }
                Place::Query(key) => {
                    let pair = format!(
                        "{}={}",
                        encoded(&key),
                        encoded(value.to_str().unwrap_or_default())
                    );
                    let query = url
                        .query()
                        .map_or_else(|| pair.clone(), |query| format!("{query}&{pair}"));
                    url.set_query(Some(&query));
                }
            }
        }
        Ok(Order {
            method: self.method.clone(),
            url,
            headers,
            body: bytes,
            redirects_max: self.redirects_max,
            response_bytes_max: self.response_bytes_max,
            error_bytes_max: ERROR_BYTES_MAX.min(self.response_bytes_max),
        })
    }
}

/// A key as a header can have it; a caller's own may have any characters.
fn key(key: &str) -> HeaderValue {
    let is_plain = key.bytes().all(|byte| byte.is_ascii_graphic());
    let text = if is_plain {
        key.to_owned()
    } else {
        encoded(key)
    };
    HeaderValue::from_str(&text).expect("printable ASCII is a header's value")
}
