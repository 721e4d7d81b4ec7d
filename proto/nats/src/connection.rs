//! One connection to a NATS server, and what it says of itself.

use std::collections::VecDeque;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_nats::connection::State;
use async_nats::{Client, ClientError, ConnectErrorKind, ConnectOptions, Event, ServerError};
use callboard_proto::limit;
use callboard_proto::server::{self, Denied, LinkError, Login, ServerOptions};
use futures_util::task::AtomicWaker;
use tokio::time::Instant;

/// Messages that wait in one subscription before the newest are dropped: the client library's own
/// number, which takes the answers to 65,536 messages in one burst. Chosen, not measured.
const SUBSCRIPTION_MESSAGES_MAX: usize = 65_536;
/// Refusals that wait to be told; more of them say nothing new. Chosen, not measured.
const REFUSALS_MAX: usize = 16;
/// Tries at the start wait as those to reconnect do from here on: a quarter of a second at most, then longer.
/// Chosen, not measured.
const START_ATTEMPT: usize = 8;

/// Something that the connection says of itself.
#[derive(Debug)]
pub enum Notice {
    /// It is lost.
    Down,
    /// It is back.
    Up,
    /// The server refuses a permission.
    Denied(Denied),
    /// The server refuses something else: its own word.
    Refused(String),
    /// This many messages came faster than they were taken, and are lost.
    Dropped(u64),
}

/// What the client library's own task leaves behind for the one that polls the link. Nothing is
/// lost but repetition: a flood of one event can't hide another.
#[derive(Debug, Default)]
struct Board {
    events: Mutex<Pending>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Pending {
    went_down: bool,
    came_up: bool,
    dropped: u64,
    refusals: VecDeque<Notice>,
}

impl Board {
    fn post(&self, event: Event) {
        {
            let mut pending = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Event::Connected => pending.came_up = true,
                Event::Disconnected | Event::Closed => {
                    pending.went_down = true;
                    pending.came_up = false;
                }
                Event::SlowConsumer(_) => pending.dropped += 1,
                Event::ServerError(error) => pending.refuse(&error.to_string()),
                Event::ClientError(ClientError::Other(error)) => {
                    // A refused login while reconnecting comes as a client's error. All others are
                    // failed tries, of which the next one may succeed.
                    if error == ConnectErrorKind::AuthorizationViolation.to_string() {
                        pending.refuse(&ServerError::AuthorizationViolation.to_string());
                    }
                }
                Event::ClientError(ClientError::MaxReconnects | ClientError::ServerNotInPool)
                | Event::LameDuckMode
                | Event::Draining => {}
            }
        }
        self.waker.wake();
    }
}

impl Pending {
    fn refuse(&mut self, error: &str) {
        if self.refusals.len() < REFUSALS_MAX {
            self.refusals.push_back(match Denied::parse(error) {
                Some(denied) => Notice::Denied(denied),
                None => Notice::Refused(error.to_owned()),
            });
        }
    }
}

/// A connection and whether it is up, as far as its owner was told.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    board: Arc<Board>,
    is_up: bool,
    servers: String,
}

impl Connection {
    /// Connects, and refuses a server that is too old. While no server can be reached, it tries again for
    /// as long as the options say.
    ///
    /// # Errors
    /// When no server answers, it is too old, takes only small messages, refuses the login, or its certificate isn't
    /// trusted.
    pub async fn open(options: &ServerOptions, name: String) -> Result<Self, LinkError> {
        let board = Arc::new(Board::default());
        let client = connect(options, &name, &board).await?;
        let info = client.server_info();
        let (version, bytes) = (info.version, info.max_payload);
        if bytes < limit::PAYLOAD_BYTES_MIN {
            return Err(LinkError::PayloadTooSmall {
                servers: options.urls.to_string(),
                bytes,
                min: limit::PAYLOAD_BYTES_MIN,
            });
        }
        if !server::version_is_supported(&version) {
            return Err(LinkError::TooOld {
                servers: options.urls.to_string(),
                version,
            });
        }
        Ok(Self {
            client,
            board,
            is_up: true,
            servers: options.urls.to_string(),
        })
    }

    /// The client library's own handle.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The servers, for errors.
    #[must_use]
    pub fn servers(&self) -> &str {
        &self.servers
    }

    /// Whether a message may be handed to the client: what it takes while disconnected it would send
    /// after the next connect, however late that is (P13).
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.is_up && self.client.connection_state() == State::Connected
    }

    /// The next thing that the connection says; a loss before a return, and each once. Wakes the caller
    /// for the next one.
    pub fn poll_notice(&mut self, cx: &Context<'_>) -> Poll<Notice> {
        self.board.waker.register(cx.waker());
        let mut pending = self
            .board
            .events
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(refusal) = pending.refusals.pop_front() {
            return Poll::Ready(refusal);
        }
        if pending.dropped > 0 {
            return Poll::Ready(Notice::Dropped(std::mem::take(&mut pending.dropped)));
        }
        let went_down = std::mem::take(&mut pending.went_down);
        if self.is_up && went_down {
            self.is_up = false;
            return Poll::Ready(Notice::Down);
        }
        let came_up = std::mem::take(&mut pending.came_up);
        if !self.is_up && came_up {
            self.is_up = true;
            return Poll::Ready(Notice::Up);
        }
        Poll::Pending
    }
}

/// Connects. While no server can be reached, tries again until the time for it is over.
async fn connect(
    options: &ServerOptions,
    name: &str,
    board: &Arc<Board>,
) -> Result<Client, LinkError> {
    let until = Instant::now() + options.start_wait;
    let mut attempt = START_ATTEMPT;
    loop {
        let connected = connect_options(options, name.to_owned(), Arc::clone(board))
            .await?
            .connect(options.urls.addresses())
            .await;
        let error = match connected {
            Ok(client) => return Ok(client),
            Err(error) => connect_error(options.urls.to_string(), error),
        };
        let delay = server::reconnect_delay(attempt, fastrand::f64());
        let is_away = matches!(error, LinkError::Unreachable { .. });
        if !is_away || Instant::now() + delay >= until {
            return Err(error);
        }
        if attempt == START_ATTEMPT {
            let wait = options.start_wait;
            tracing::warn!("{error}; it is tried again for {wait:?}");
        }
        attempt += 1;
        tokio::time::sleep(delay).await;
    }
}

async fn connect_options(
    options: &ServerOptions,
    name: String,
    board: Arc<Board>,
) -> Result<ConnectOptions, LinkError> {
    let mut connect = ConnectOptions::new()
        .name(name)
        .ping_interval(server::PING_INTERVAL)
        .connection_timeout(options.connection_timeout)
        .subscription_capacity(SUBSCRIPTION_MESSAGES_MAX)
        .reconnect_delay_callback(|attempt| server::reconnect_delay(attempt, fastrand::f64()))
        .event_callback(move |event| {
            board.post(event);
            std::future::ready(())
        });
    connect = match options.urls.login() {
        Some(Login::User { user, password }) => {
            connect.user_and_password(user.clone(), password.clone())
        }
        Some(Login::Token(token)) => connect.token(token.clone()),
        None => connect,
    };
    if let Some(path) = &options.credentials_file {
        connect =
            connect
                .credentials_file(path)
                .await
                .map_err(|source| LinkError::Credentials {
                    path: path.clone(),
                    source,
                })?;
    }
    if let Some(path) = &options.nkey_file {
        connect = connect.nkey(nkey_seed(path)?);
    }
    if let Some(path) = &options.root_certificates_file {
        connect = connect.add_root_certificates(path.clone());
    }
    if let Some((certificate, key)) = &options.client_certificate_files {
        connect = connect.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(connect)
}

/// Reads a user's seed. What is wrong with it is said without a part of it.
pub(crate) fn nkey_seed(path: &Path) -> Result<String, LinkError> {
    let unusable = |reason: String| LinkError::Nkey {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let seed = text.trim();
    match nkeys::KeyPair::from_seed(seed) {
        Ok(pair) if pair.key_pair_type() == nkeys::KeyPairType::User => Ok(seed.to_owned()),
        Ok(_) => Err(unusable(
            "it holds a seed, and not that of a user".to_owned(),
        )),
        Err(_) => Err(unusable("it holds no seed".to_owned())),
    }
}

fn connect_error(servers: String, error: async_nats::ConnectError) -> LinkError {
    let kind = error.kind();
    let is_handshake = is_handshake(&error);
    let source: Box<dyn Error + Send + Sync> = Box::new(error);
    match kind {
        ConnectErrorKind::Io if is_handshake => LinkError::Tls { servers, source },
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            LinkError::Login { servers, source }
        }
        ConnectErrorKind::Tls => LinkError::Tls { servers, source },
        ConnectErrorKind::ServerParse => LinkError::Url {
            url: servers,
            reason: source.to_string(),
        },
        ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => LinkError::Unreachable { servers, source },
    }
}

/// Whether a connection failed in its TLS handshake: the client library calls that a failure of input
/// and output, whose own kind then is `InvalidData`.
fn is_handshake(error: &async_nats::ConnectError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData) {
            return true;
        }
        cause = error.source();
    }
    false
}
