//! Connections: accepted up to a bound, read within their time, ended in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::crowd::{self, Crowded};
use super::tls;
use crate::service::limits::Limits;

/// How long to wait after a connection could not be accepted, for want of file handles most of all.
/// Chosen, not measured.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often it is said that connections are turned away, at most.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// What a connection is told for which there isn't even room to read it.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-type: application/json\r\n\
    content-length: 177\r\nconnection: close\r\n\r\n\
    {\"error\":{\"code\":\"overloaded\",\"message\":\"the service has as many connections as it takes\",\
    \"cure\":\"ask again after Retry-After\",\"request_id\":\"00000000000000000000000000000000\"}}\n";

/// A service that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    limits: Limits,
}

impl Server {
    /// Listens at an address; nothing is accepted yet.
    ///
    /// # Errors
    /// The system's own.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        limits: Limits,
    ) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            tls,
            limits,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's own.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Serves until it is told to stop: then takes no more connections, finishes the requests that are
    /// being answered, and gives up on them after `grace`.
    pub async fn serve(self, router: Router, mut stop: watch::Receiver<bool>, grace: Duration) {
        let room = Arc::new(Semaphore::new(self.limits.connections_max));
        let crowd = Arc::new(Semaphore::new(crowd::ROOM));
        let probes_alone = router.clone().layer(Extension(Crowded));
        let mut connections = JoinSet::new();
        let mut turned_away = TurnedAway::default();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        let connection = |router: &Router, read_timeout, is_kept| Connection {
                            tls: self.tls.clone(),
                            router: router.clone(),
                            read_timeout,
                            head_bytes_max: self.limits.head_bytes_max,
                            is_kept,
                            stop: stop.clone(),
                        };
                        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
                            let connection = connection(&router, self.limits.read_timeout, true);
                            connections.spawn(async move {
                                connection.serve(socket).await;
                                drop(permit);
                            });
                            continue;
                        }
                        turned_away.another(self.limits.connections_max);
                        if let Ok(permit) = Arc::clone(&crowd).try_acquire_owned() {
                            let connection = connection(&probes_alone, crowd::TIME, false);
                            connections.spawn(async move {
                                // Who takes longer has been told, or isn't to hold the room.
                                let served = connection.serve(socket);
                                let _ = tokio::time::timeout(crowd::TIME * 2, served).await;
                                drop(permit);
                            });
                        } else {
                            turn_away(socket, self.tls.is_some());
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = stopped(&mut stop) => break,
            }
        }
        drop(self.listener);
        let finished = async { while connections.join_next().await.is_some() {} };
        // What isn't finished by then is dropped with the set.
        let _ = tokio::time::timeout(grace, finished).await;
    }
}

/// Waits for the word to stop; that nobody can give it any more is one too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Tells a connection that there is no room, without waiting for it.
fn turn_away(socket: TcpStream, is_encrypted: bool) {
    if !is_encrypted {
        // What fits into an empty socket's buffer is taken at once, or nobody reads it.
        let _ = socket.try_write(FULL);
    }
}

/// Connections for which there was no room, since that was said last.
#[derive(Default)]
struct TurnedAway {
    number: u64,
    told: Option<Instant>,
}

impl TurnedAway {
    fn another(&mut self, max: usize) {
        self.number += 1;
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            tracing::warn!(
                connections = self.number,
                max,
                "connections were answered with 503 or not at all, but for probes: there is no room for more (serve.connections_max)"
            );
            (self.number, self.told) = (0, Some(Instant::now()));
        }
    }
}

struct Connection {
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    /// Time for a handshake, and for each request's head.
    read_timeout: Duration,
    /// Bytes of a request's head, at most.
    head_bytes_max: usize,
    /// Whether it takes more than one request.
    is_kept: bool,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(self, socket: TcpStream) {
        // Events are small, and each is to be seen when it happens.
        let _ = socket.set_nodelay(true);
        let served = match &self.tls {
            None => self.http(socket).await,
            Some(tls) => {
                let tls = TlsAcceptor::from(Arc::clone(tls));
                let handshake = tokio::time::timeout(self.read_timeout, tls.accept(socket));
                match handshake.await.unwrap_or_else(|_| Err(tls::too_slow())) {
                    Ok(socket) => self.http(socket).await,
                    Err(error) => {
                        tracing::debug!(%error, "a TLS handshake failed");
                        return;
                    }
                }
            }
        };
        if let Err(error) = served {
            // Clients go away as they like.
            tracing::debug!(%error, "a connection broke off");
        }
    }

    async fn http<S>(&self, socket: S) -> hyper::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut stop = self.stop.clone();
        let service = TowerToHyperService::new(self.router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(self.is_kept)
            .header_read_timeout(self.read_timeout)
            .max_buf_size(self.head_bytes_max)
            .serve_connection(TokioIo::new(socket), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            served = connection.as_mut() => served,
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn who_is_turned_away_reads_a_whole_answer() {
        let text = std::str::from_utf8(super::FULL).expect("it is ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head ends");
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
        serde_json::from_str::<serde_json::Value>(body).expect("it is JSON");
    }
}
