//! The probes of a worker, for Kubernetes and its like: `/healthz` says that the process lives and the
//! executor's loop turns, `/readyz` that calls can reach it; `/metrics` is for Prometheus. Off unless an
//! address is given.
//!
//! A request has two seconds and 8 KiB, and at most [`CONNECTIONS_MAX`] are open at once: the endpoint
//! can be slowed by a stranger, the worker can't.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::executor::{Handle, Snapshot};
use crate::metrics::WorkerMetrics;

/// Connections that are open at once. Chosen, not measured: a probe has one.
const CONNECTIONS_MAX: usize = 32;
/// Bytes that a request's head may have; hyper takes no less.
const REQUEST_BYTES_MAX: usize = 8 * 1024;
/// Time for a request and its answer. Chosen, not measured: probes wait one second by default.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the executor may take to say how it stands. A loop that turns needs far less than a
/// millisecond, under full load some.
const LOOP_TIMEOUT: Duration = Duration::from_millis(800);
/// How old the last beat may be: coordinators end a lease after three that are missing.
const BEAT_AGE_MAX: Duration = Duration::from_secs(3);

/// The address can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}; give another address for the probes")]
pub struct HealthError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// Whether calls can reach a worker, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// They can.
    Ready,
    /// It isn't connected and subscribed yet.
    Starting,
    /// Its link is down.
    Disconnected,
    /// Its beats don't leave.
    NotBeating,
    /// It takes no more calls.
    Draining,
    /// Its loop doesn't turn.
    Stuck,
    /// It has ended.
    Ended,
}

impl Readiness {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Disconnected => "disconnected",
            Self::NotBeating => "not_beating",
            Self::Draining => "draining",
            Self::Stuck => "stuck",
            Self::Ended => "ended",
        }
    }

    /// Whether the process is well, whether or not calls can reach it: a restart wouldn't help.
    #[must_use]
    pub const fn is_alive(self) -> bool {
        match self {
            Self::Ready
            | Self::Starting
            | Self::Disconnected
            | Self::NotBeating
            | Self::Draining => true,
            Self::Stuck | Self::Ended => false,
        }
    }

    fn of(snapshot: &Snapshot) -> Self {
        if snapshot.is_draining {
            Self::Draining
        } else if !snapshot.is_up {
            Self::Disconnected
        } else if snapshot.beat_age.is_none_or(|age| age > BEAT_AGE_MAX) {
            Self::NotBeating
        } else {
            Self::Ready
        }
    }
}

/// The worker that is told of.
#[derive(Clone, Debug)]
struct Watched {
    handle: Handle,
    metrics: Option<Arc<WorkerMetrics>>,
}

/// The endpoint; it closes when this is dropped.
#[derive(Debug)]
pub struct Health {
    address: SocketAddr,
    watched: watch::Sender<Option<Watched>>,
    server: JoinHandle<()>,
}

impl Health {
    /// Opens the endpoint. The worker counts as starting until [`Self::watch`].
    ///
    /// # Errors
    /// When the address can't be listened on.
    ///
    /// # Panics
    /// When called outside a tokio runtime that has its I/O enabled.
    pub async fn open(address: SocketAddr) -> Result<Self, HealthError> {
        let failed = |source| HealthError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (watched, handle) = watch::channel(None);
        Ok(Self {
            address,
            watched,
            server: tokio::spawn(accept(listener, handle)),
        })
    }

    /// Tells of this worker from now on.
    pub fn watch(&self, handle: Handle) {
        let metrics = None;
        self.watched.send_replace(Some(Watched { handle, metrics }));
    }

    /// Tells of this worker from now on, its metrics included.
    pub fn watch_with_metrics(&self, handle: Handle, metrics: Arc<WorkerMetrics>) {
        let metrics = Some(metrics);
        self.watched.send_replace(Some(Watched { handle, metrics }));
    }

    /// Where it listens; the port is the one that was got where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Health {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, watched: watch::Receiver<Option<Watched>>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a probe's connection failed");
                // Descriptors may be short for a while.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let watched = watched.clone();
        tokio::spawn(async move {
            // What takes longer is cut off; whoever it is, it isn't a probe.
            let _cut = timeout(REQUEST_TIMEOUT, talk(stream, watched)).await;
            drop(permit);
        });
    }
}

async fn talk(stream: TcpStream, watched: watch::Receiver<Option<Watched>>) {
    let service = service_fn(|request: Request<Incoming>| {
        let watched = watched.clone();
        async move { Ok::<_, Infallible>(answer(&request, &watched).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .max_buf_size(REQUEST_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a probe was not answered");
    }
}

/// What a probe reads.
#[derive(Serialize)]
struct Word<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<usize>,
}

async fn answer(
    request: &Request<Incoming>,
    watched: &watch::Receiver<Option<Watched>>,
) -> Response<Full<Bytes>> {
    let is_ready = match request.uri().path() {
        "/healthz" => false,
        "/readyz" => true,
        "/metrics" => return metrics(request, watched).await,
        _ => return say(StatusCode::NOT_FOUND, "not_found", None, None),
    };
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut answer = say(StatusCode::METHOD_NOT_ALLOWED, "refused", None, None);
        let allowed = hyper::header::HeaderValue::from_static("GET, HEAD");
        answer.headers_mut().insert(ALLOW, allowed);
        return answer;
    }
    let handle = watched
        .borrow()
        .as_ref()
        .map(|watched| watched.handle.clone());
    let (readiness, running) = look(handle).await;
    let is_good = if is_ready {
        readiness == Readiness::Ready
    } else {
        readiness.is_alive()
    };
    let (code, status) = match (is_good, is_ready) {
        (true, true) => (StatusCode::OK, "ready"),
        (true, false) => (StatusCode::OK, "alive"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "not_alive"),
    };
    let reason = (readiness != Readiness::Ready).then(|| readiness.as_str());
    say(code, status, reason, running)
}

/// The metrics, as Prometheus reads them. A worker that is stuck still tells what it counted.
async fn metrics(
    request: &Request<Incoming>,
    watched: &watch::Receiver<Option<Watched>>,
) -> Response<Full<Bytes>> {
    let found = watched.borrow().clone();
    let Some(Watched {
        handle,
        metrics: Some(metrics),
    }) = found
    else {
        return say(StatusCode::NOT_FOUND, "not_found", None, None);
    };
    if let Ok(Ok(snapshot)) = timeout(LOOP_TIMEOUT, handle.snapshot()).await {
        metrics.refresh(snapshot);
    }
    let accept = request.headers().get(ACCEPT);
    let (kind, text) = metrics.told(accept.and_then(|accept| accept.to_str().ok()));
    let mut answer = Response::new(Full::new(text.into()));
    let headers = answer.headers_mut();
    let kind = hyper::header::HeaderValue::from_static(kind);
    headers.insert(CONTENT_TYPE, kind);
    answer
}

async fn look(handle: Option<Handle>) -> (Readiness, Option<usize>) {
    let Some(handle) = handle else {
        return (Readiness::Starting, None);
    };
    match timeout(LOOP_TIMEOUT, handle.snapshot()).await {
        Ok(Ok(snapshot)) => (Readiness::of(&snapshot), Some(snapshot.running.len())),
        Ok(Err(_gone)) => (Readiness::Ended, None),
        Err(_elapsed) => (Readiness::Stuck, None),
    }
}

fn say(
    code: StatusCode,
    status: &str,
    reason: Option<&str>,
    running: Option<usize>,
) -> Response<Full<Bytes>> {
    let word = Word {
        status,
        reason,
        running,
    };
    let mut body = serde_json::to_vec(&word).expect("plain words are written");
    body.push(b'\n');
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    let value = hyper::header::HeaderValue::from_static;
    headers.insert(CONTENT_TYPE, value("application/json"));
    headers.insert(CACHE_CONTROL, value("no-store"));
    answer
}
