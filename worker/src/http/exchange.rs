//! One request with its redirects: out, and its answer in.

use std::convert::Infallible;
use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use callboard_proto::Executed;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};

use super::client::HttpClient;
use super::guard::Blocked;
use super::redact::Redactor;

/// What is asked.
pub(crate) struct Order {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// Redirects that are followed, at most.
    pub(crate) redirects_max: usize,
    /// Bytes of an answer that are read, at most.
    pub(crate) response_bytes_max: usize,
    /// The same for an answer that isn't a success.
    pub(crate) error_bytes_max: usize,
}

/// What came back, without secrets.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where it came from in the end.
    pub(crate) url: Url,
    pub(crate) body: Vec<u8>,
    /// The bytes after which the body was cut off, if it went on.
    pub(crate) cut_at: Option<usize>,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The guard said no.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// A redirect can't be followed.
    #[error("the server answered {status} and points to {to}, {why}")]
    Redirect {
        status: u16,
        to: String,
        why: &'static str,
    },
    /// No connection came about.
    #[error("the server {host} can't be reached: {cause}")]
    Unreachable { host: String, cause: String },
    /// The connection broke.
    #[error("the connection to {host} broke off: {cause}")]
    Broken { host: String, cause: String },
}

/// How far a request is: whoever stops waiting for it says the truth about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journey(Arc<AtomicU8>);

const AT_HOME: u8 = 0;
const ON_ITS_WAY: u8 = 1;
const ANSWERED: u8 = 2;

impl Journey {
    /// Whether the request was executed, as far as is known here.
    pub(crate) fn executed(&self) -> Executed {
        match self.0.load(Ordering::Acquire) {
            AT_HOME => Executed::No,
            ON_ITS_WAY => Executed::Unknown,
            _ => Executed::Yes,
        }
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Release);
    }

    /// A request without a body may be on its way as soon as it is given to the client; one with a body is,
    /// as soon as its body is taken.
    fn leaves(&self) {
        // What was answered once stays answered through its redirects.
        let _ = self
            .0
            .compare_exchange(AT_HOME, ON_ITS_WAY, Ordering::AcqRel, Ordering::Acquire);
    }

    fn comes_home(&self) {
        let _ = self
            .0
            .compare_exchange(ON_ITS_WAY, AT_HOME, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// Asks, follows redirects as far as the order allows, and reads the answer.
///
/// # Cancel safety
/// Dropped, it closes the connection that it used.
pub(crate) async fn exchange(
    client: &HttpClient,
    mut order: Order,
    redactor: &Redactor,
    journey: &Journey,
) -> Result<Reply, Trouble> {
    let mut hops = 0;
    loop {
        client.guard.check_url(&order.url)?;
        let response = match send(client, &order, journey).await {
            Ok(response) => response,
            Err(error) => return Err(trouble(&error, &order.url, redactor, journey)),
        };
        journey.set(ANSWERED);
        let Some(location) = location(&response) else {
            return read(response, &order, redactor).await;
        };
        let redirect = |why| Trouble::Redirect {
            status: response.status().as_u16(),
            to: shortened(&redactor.text(&location)),
            why,
        };
        if hops == order.redirects_max {
            return Err(redirect(if hops == 0 {
                "and redirects are not followed"
            } else {
                "and no more redirects are followed"
            }));
        }
        hops += 1;
        let next = order
            .url
            .join(&location)
            .map_err(|_| redirect("which is no URL"))?;
        if order.url.scheme() == "https" && next.scheme() != "https" {
            return Err(redirect("which is not encrypted"));
        }
        redirect_order(&mut order, response.status(), next).map_err(redirect)?;
    }
}

async fn send(
    client: &HttpClient,
    order: &Order,
    journey: &Journey,
) -> Result<Response, reqwest::Error> {
    let request = client
        .client
        .request(order.method.clone(), order.url.clone())
        .headers(order.headers.clone());
    let request = match &order.body {
        Some(bytes) => request.body(reqwest::Body::wrap(Departing {
            bytes: Some(bytes.clone()),
            journey: journey.clone(),
        })),
        None => {
            journey.leaves();
            request
        }
    };
    request.send().await
}

/// A body that notes when it is taken, which is when the head of its request has been.
struct Departing {
    bytes: Option<Bytes>,
    journey: Journey,
}

impl Body for Departing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.journey.leaves();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}

fn location(response: &Response) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// Makes the order that a redirect asks for, as browsers do: 303 asks with GET, 301 and 302 too where it was a
/// POST. To another origin go neither the headers of the configuration, which are meant for the first, nor
/// a body.
fn redirect_order(order: &mut Order, status: StatusCode, next: Url) -> Result<(), &'static str> {
    let is_other = next.origin() != order.url.origin();
    let becomes_get = match status.as_u16() {
        303 => order.method != Method::HEAD,
        301 | 302 => order.method == Method::POST,
        _ => false,
    };
    if becomes_get {
        order.method = Method::GET;
        order.body = None;
        order.headers.remove(CONTENT_TYPE);
    }
    if is_other {
        if !matches!(order.method, Method::GET | Method::HEAD) {
            return Err("which is another server, and this request is not sent there");
        }
        let accept = order.headers.remove(ACCEPT);
        order.headers.clear();
        if let Some(accept) = accept {
            order.headers.insert(ACCEPT, accept);
        }
    }
    order.url = next;
    Ok(())
}

async fn read(
    mut response: Response,
    order: &Order,
    redactor: &Redactor,
) -> Result<Reply, Trouble> {
    let status = response.status();
    let bytes_max = if status.is_success() {
        order.response_bytes_max
    } else {
        order.error_bytes_max
    };
    let mut body = Vec::new();
    let mut cut_at = None;
    while let Some(chunk) = match response.chunk().await {
        Ok(chunk) => chunk,
        // What came of an error says more than that no more came.
        Err(_) if !status.is_success() => None,
        Err(error) => return Err(broken(&error, response.url(), redactor)),
    } {
        let room = bytes_max - body.len();
        body.extend_from_slice(&chunk[..room.min(chunk.len())]);
        if chunk.len() > room {
            cut_at = Some(bytes_max);
            break;
        }
    }
    let url = response.url().clone();
    let mut headers = std::mem::take(response.headers_mut());
    for value in headers.values_mut() {
        let clean = redactor.bytes(value.as_bytes().to_vec(), false);
        if let Ok(clean) = clean.try_into() {
            *value = clean;
        }
    }
    Ok(Reply {
        status,
        headers,
        url,
        body: redactor.bytes(body, cut_at.is_some()),
        cut_at,
    })
}

fn trouble(error: &reqwest::Error, url: &Url, redactor: &Redactor, journey: &Journey) -> Trouble {
    if error.is_connect() {
        journey.comes_home();
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(blocked) = error.downcast_ref::<Blocked>() {
                return blocked.clone().into();
            }
            cause = error.source();
        }
        return Trouble::Unreachable {
            host: place(url),
            cause: redactor.text(&root(error)),
        };
    }
    broken(error, url, redactor)
}

fn broken(error: &reqwest::Error, url: &Url, redactor: &Redactor) -> Trouble {
    Trouble::Broken {
        host: place(url),
        cause: redactor.text(&root(error)),
    }
}

/// The innermost cause: what the layers above it say is in the text already.
fn root(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// Host and port: a path or a query may hold what nobody should read.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A place that others wrote, of a length that fits into a sentence.
fn shortened(text: &str) -> String {
    const SHOWN_BYTES_MAX: usize = 300;
    let plain = crate::plain::plain(text);
    match plain.get(..plain.floor_char_boundary(SHOWN_BYTES_MAX)) {
        Some(start) if start.len() < plain.len() => format!("{start}…"),
        Some(_) | None => plain,
    }
}
