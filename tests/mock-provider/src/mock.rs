//! The handle of a running mock.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::conversation::memory::Memory;
use crate::format::Format;
use crate::recorded::Recorded;
use crate::script::Script;
use crate::server;

/// Told of each request when its answer is decided, before anything is sent.
pub type Observer = Arc<dyn Fn(&Recorded) + Send + Sync>;

/// How a mock runs.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Requests that it keeps, at most; the newest stay.
    pub recorded_max: usize,
    /// Who is told of each request.
    pub observer: Option<Observer>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            // Chosen: more than any test sends, and bounded.
            recorded_max: 4096,
            observer: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("recorded_max", &self.recorded_max)
            .finish_non_exhaustive()
    }
}

/// What all connections share.
pub(crate) struct State {
    pub(crate) script: Script,
    pub(crate) memory: Mutex<Memory>,
    recorded: Mutex<VecDeque<Recorded>>,
    count: watch::Sender<usize>,
    number: AtomicUsize,
    options: Options,
}

impl State {
    /// The number of the next request.
    pub(crate) fn next_number(&self) -> usize {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn record(&self, request: Recorded) {
        if let Some(observer) = &self.options.observer {
            observer(&request);
        }
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.push_back(request);
        if recorded.len() > self.options.recorded_max {
            recorded.pop_front();
        }
        drop(recorded);
        self.count.send_modify(|count| *count += 1);
    }
}

/// A running mock. It ends when it is dropped, or in order by [`Mock::stop`].
pub struct Mock {
    address: SocketAddr,
    state: Arc<State>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Mock {
    /// Starts a mock in the runtime of the caller.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub async fn start(options: Options, script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            script,
            memory: Mutex::default(),
            recorded: Mutex::default(),
            count: watch::Sender::new(0),
            number: AtomicUsize::new(0),
            options,
        });
        let stop = watch::Sender::new(false);
        let server = tokio::spawn(server::serve(
            listener,
            Arc::clone(&state),
            stop.subscribe(),
        ));
        Ok(Self {
            address,
            state,
            stop,
            server,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL that a client of this format is given, as the official SDKs take it.
    #[must_use]
    pub fn base_url(&self, format: Format) -> String {
        format!("http://{}{}", self.address, format.base_path())
    }

    /// The requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        let recorded = self.state.recorded.lock();
        let recorded = recorded.unwrap_or_else(PoisonError::into_inner);
        recorded.iter().cloned().collect()
    }

    /// Waits until so many requests have come, in all.
    ///
    /// # Cancel safety
    /// Cancelling loses nothing.
    ///
    /// # Panics
    /// Never: the count lives as long as the mock.
    pub async fn requests_reach(&self, count: usize) {
        let mut counted = self.state.count.subscribe();
        counted
            .wait_for(|so_far| *so_far >= count)
            .await
            .expect("the mock holds the sender");
    }

    /// Ends the mock: answers on their way are finished (for a second at most), those that stall are cut.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // Whether it ended or panicked: it is over.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
