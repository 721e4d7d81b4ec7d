//! A TCP proxy between a client and a server, in this process, that breaks the way in every way a network does.
//!
//! What it can do: hold bytes back in one direction or both while connections stay open, deliver them late, cut every
//! connection, refuse new ones, and heal. Held and late bytes are never lost and never overtake each other.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep_until;

use crate::server::ports;

/// How many chunks a late direction may hold before it stops reading, as a long line does. Chosen, not measured.
const CHUNKS: usize = 1024;

/// How much is read at once, in bytes. Chosen, not measured.
const CHUNK_BYTES: usize = 64 * 1024;

/// A direction of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// What the way is like at the moment.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    to_server: Flow,
    to_client: Flow,
    refusing: bool,
    /// Raised by each cut; a connection ends when it isn't the one under which it began.
    generation: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flow {
    held: bool,
    delay: Duration,
}

impl State {
    fn flow(&self, direction: Direction) -> Flow {
        match direction {
            Direction::ToServer => self.to_server,
            Direction::ToClient => self.to_client,
        }
    }

    fn flow_mut(&mut self, direction: Direction) -> &mut Flow {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}

/// What has become of the proxy's own port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Open,
    Closed,
    Lost(std::io::ErrorKind),
}

/// A running proxy; dropping it cuts every connection and closes its port.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    port: watch::Receiver<Port>,
    connections: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy to `upstream` on a loopback port of its own.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()?));
        let listener = TcpListener::bind(address)
            .await
            .context("failed to open the proxy's port")?;
        let (state, state_seen) = watch::channel(State::default());
        let (port_told, port) = watch::channel(Port::Open);
        let (connections_told, connections) = watch::channel(0);
        let accepting = Accepting {
            address,
            upstream,
            state: state_seen,
            port: port_told,
            connections: connections_told,
        };
        let task = tokio::spawn(accepting.run(listener));
        Ok(Self {
            address,
            state,
            port,
            connections,
            task,
        })
    }

    /// Returns the address that clients are given in place of the server's.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL that NATS clients are given, for example `nats://127.0.0.1:20417`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Delivers every chunk that comes from now on `delay` later, in both directions.
    pub fn delay(&self, delay: Duration) {
        self.state.send_modify(|state| {
            state.to_server.delay = delay;
            state.to_client.delay = delay;
        });
    }

    /// Holds all bytes back in both directions; connections stay open and new ones are taken.
    pub fn stall(&self) {
        self.stall_only(Direction::ToServer);
        self.stall_only(Direction::ToClient);
    }

    /// Holds the bytes of one direction back: the other end hears but isn't heard.
    pub fn stall_only(&self, direction: Direction) {
        self.state
            .send_modify(|state| state.flow_mut(direction).held = true);
    }

    /// Ends every connection at once; what it held is lost, and new ones are taken.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }

    /// Ends every connection and closes the port, and returns when the next attempt would be refused.
    pub async fn refuse(&mut self) {
        self.state.send_modify(|state| {
            state.generation += 1;
            state.refusing = true;
        });
        // It fails only when the task has ended, and then the port is closed as well.
        let _ = self.port.wait_for(|port| *port == Port::Closed).await;
    }

    /// Takes all faults away: held bytes flow, the port is open again when it returns.
    ///
    /// # Errors
    /// The port was closed, and somebody else has taken it meanwhile.
    pub async fn heal(&mut self) -> anyhow::Result<()> {
        self.state.send_modify(|state| {
            *state = State {
                generation: state.generation,
                ..State::default()
            };
        });
        let port = self.port.wait_for(|port| *port != Port::Closed).await;
        match *port.context("the proxy's task has ended")? {
            Port::Open | Port::Closed => Ok(()),
            Port::Lost(reason) => bail!(
                "failed to open port {} again: {reason}",
                self.address.port()
            ),
        }
    }

    /// Returns when `count` or more connections have been taken since the start: a client has come back.
    pub async fn connected(&mut self, count: usize) {
        let _ = self.connections.wait_for(|seen| *seen >= count).await;
    }

    /// Returns how many connections have been taken since the start.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.connections.borrow()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The task owns the listener and, through its `JoinSet`, every connection.
        self.task.abort();
    }
}

/// The task that owns the listener and all connections.
struct Accepting {
    address: SocketAddr,
    upstream: SocketAddr,
    state: watch::Receiver<State>,
    port: watch::Sender<Port>,
    connections: watch::Sender<usize>,
}

impl Accepting {
    async fn run(mut self, listener: TcpListener) {
        let mut open = Some(listener);
        let mut pairs = JoinSet::new();
        loop {
            if self.state.borrow_and_update().refusing {
                open = None;
                self.port.send_replace(Port::Closed);
            } else if open.is_none() {
                let bound = TcpListener::bind(self.address).await;
                let told = bound
                    .as_ref()
                    .map_or_else(|error| Port::Lost(error.kind()), |_| Port::Open);
                open = bound.ok();
                self.port.send_replace(told);
            }
            tokio::select! {
                changed = self.state.changed() => if changed.is_err() { return },
                Some(client) = accept(open.as_ref()) => {
                    self.connections.send_modify(|count| *count += 1);
                    pairs.spawn(pair(client, self.upstream, self.state.clone()));
                }
                Some(_) = pairs.join_next() => {}
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| stream),
        None => None,
    }
}

/// Carries one client's bytes until either end closes or the connection is cut.
async fn pair(client: TcpStream, upstream: SocketAddr, mut state: watch::Receiver<State>) {
    let generation = state.borrow().generation;
    // Nothing to carry to: the client sees its connection close, as from a dead server.
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    // A small message waits for nobody, else the proxy would add a delay that no test asked for.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let to_server = carry(
        client_read,
        server_write,
        Direction::ToServer,
        state.clone(),
    );
    let to_client = carry(
        server_read,
        client_write,
        Direction::ToClient,
        state.clone(),
    );
    tokio::select! {
        () = to_server => {}
        () = to_client => {}
        _ = state.wait_for(|state| state.generation != generation) => {}
    }
}

/// Carries the bytes of one direction, each chunk held and delayed as the state says.
async fn carry(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    direction: Direction,
    state: watch::Receiver<State>,
) {
    let (queue, waiting) = mpsc::channel(CHUNKS);
    // Both run until the queue between them is closed and empty.
    tokio::join!(
        read(from, queue, direction, state.clone()),
        write(to, waiting, direction, state)
    );
}

async fn read(
    mut from: OwnedReadHalf,
    queue: mpsc::Sender<(Instant, Bytes)>,
    direction: Direction,
    state: watch::Receiver<State>,
) {
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        match from.read_buf(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let due = Instant::now() + state.borrow().flow(direction).delay;
        if queue.send((due, chunk.freeze())).await.is_err() {
            return;
        }
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut waiting: mpsc::Receiver<(Instant, Bytes)>,
    direction: Direction,
    mut state: watch::Receiver<State>,
) {
    while let Some((due, chunk)) = waiting.recv().await {
        sleep_until(due.into()).await;
        if state
            .wait_for(|state| !state.flow(direction).held)
            .await
            .is_err()
        {
            return;
        }
        if to.write_all(&chunk).await.is_err() {
            return;
        }
    }
    // The end of the stream is held back like every byte before it.
    let _ = state.wait_for(|state| !state.flow(direction).held).await;
}
