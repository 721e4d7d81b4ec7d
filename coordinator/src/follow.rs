//! Follows a run of a coordinator's service over HTTP: each entry of its log once and in order, whatever
//! becomes of the connection.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::Instant;

use crate::model::http::{OptionsError, plain_client};
use crate::provider::sse::{Decoder, Event, SseError};
use crate::run_log::Entry;

/// Longest wait before the service is asked again.
const DELAY_MAX: Duration = Duration::from_secs(10);
/// First wait; each further one is twice as long.
const DELAY_MIN: Duration = Duration::from_millis(250);
/// How long a connection may be silent: the service gives a sign of life every 15 s.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Time to connect. Chosen, not measured.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Something that was told.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    /// An entry, with its JSON as it came; `None` where it is of a type that this version doesn't know.
    Entry(Option<Box<Entry>>, String),
    /// Entries before this number are kept no longer.
    Gap {
        /// The number of the first entry that is kept.
        first_kept: u64,
    },
    /// The connection was lost, and will be made anew.
    Lost {
        /// Why.
        why: String,
    },
}

/// Why a run can't be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The address is none.
    #[error("{url:?} is no address of a service; write it like http://127.0.0.1:8090")]
    Url {
        /// What was given.
        url: String,
    },
    /// The token can't be sent.
    #[error("the token holds what can't be in a header")]
    Token,
    /// The client can't be set up.
    #[error(transparent)]
    Client(#[from] OptionsError),
    /// Nobody is there.
    #[error("no service answers at {url}; start `callboard serve`, or give its address")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The service refuses.
    #[error("the service refuses with {status}: {message}")]
    Refused {
        /// Its status.
        status: u16,
        /// What it says.
        message: String,
    },
}

/// Follows one run.
#[derive(Debug)]
pub struct Follower {
    client: Client,
    url: Url,
    token: Option<HeaderValue>,
    /// The number of the last entry that was told.
    after: u64,
    stream: Option<(Response, Decoder)>,
    /// What was read and not told yet, the next one last.
    read: Vec<Event>,
    has_connected: bool,
    delay: Duration,
    is_over: bool,
}

impl Follower {
    /// Follows this run of the service at this address, from its beginning.
    ///
    /// # Errors
    /// When address or token can't be used.
    pub fn new(url: &str, run: &str, token: Option<&str>) -> Result<Self, FollowError> {
        let wrong = || FollowError::Url {
            url: url.to_owned(),
        };
        let mut address: Url = url.parse().map_err(|_| wrong())?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let mut path = address.path_segments_mut().map_err(|()| wrong())?;
        path.pop_if_empty().extend(["v1", "runs", run, "events"]);
        drop(path);
        let token = token.map(|token| {
            let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| FollowError::Token)?;
            header.set_sensitive(true);
            Ok::<_, FollowError>(header)
        });
        Ok(Self {
            client: plain_client(address.scheme() == "https", CONNECT_TIMEOUT)?,
            url: address,
            token: token.transpose()?,
            after: 0,
            stream: None,
            read: Vec::new(),
            has_connected: false,
            delay: DELAY_MIN,
            is_over: false,
        })
    }

    /// The next thing that was told; nothing once the run is over and all was told.
    ///
    /// # Errors
    /// When the service can't be reached at the first try, or refuses. A connection that is lost later is
    /// made anew, for as long as this is awaited.
    ///
    /// # Cancel safety
    /// Cancel safe: what was read is told the next time.
    pub async fn next(&mut self) -> Result<Option<Followed>, FollowError> {
        loop {
            while let Some(event) = self.read.pop() {
                if let Some(followed) = self.take(event) {
                    return Ok(Some(followed));
                }
            }
            if self.is_over {
                return Ok(None);
            }
            if self.stream.is_none() {
                match self.connect().await? {
                    Some(lost) => return Ok(Some(lost)),
                    None => continue,
                }
            }
            if let Err(why) = self.read_on().await {
                self.stream = None;
                return Ok(Some(Followed::Lost { why }));
            }
        }
    }

    /// Asks for the events after those that were told.
    async fn connect(&mut self) -> Result<Option<Followed>, FollowError> {
        if self.has_connected {
            tokio::time::sleep(self.delay).await;
            self.delay = (self.delay * 2).min(DELAY_MAX);
        }
        let mut request = self
            .client
            .get(self.url.clone())
            .header(ACCEPT, "text/event-stream")
            .header(USER_AGENT, concat!("callboard/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        if self.after > 0 {
            request = request.header("Last-Event-ID", self.after);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(source) if self.has_connected => {
                let why = told(source);
                return Ok(Some(Followed::Lost { why }));
            }
            Err(source) => {
                return Err(FollowError::Unreachable {
                    url: self.url.origin().ascii_serialization(),
                    source: source.without_url(),
                });
            }
        };
        let status = response.status();
        match status {
            StatusCode::OK => {
                self.has_connected = true;
                self.stream = Some((response, Decoder::default()));
                Ok(None)
            }
            // All was told.
            StatusCode::NO_CONTENT => {
                self.is_over = true;
                Ok(None)
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                self.has_connected = true;
                self.delay = retry_after(&response).unwrap_or(self.delay);
                let why = format!("the service answers {status}");
                Ok(Some(Followed::Lost { why }))
            }
            _ if status.is_server_error() && self.has_connected => {
                let why = format!("the service answers {status}");
                Ok(Some(Followed::Lost { why }))
            }
            _ => Err(FollowError::Refused {
                status: status.as_u16(),
                message: message(response).await,
            }),
        }
    }

    /// Reads what comes next.
    async fn read_on(&mut self) -> Result<(), String> {
        let Some((response, decoder)) = &mut self.stream else {
            return Ok(());
        };
        let chunk = tokio::time::timeout_at(Instant::now() + SILENCE_MAX, response.chunk()).await;
        let chunk = match chunk {
            Err(_) => return Err("the service fell silent".to_owned()),
            Ok(Err(error)) => return Err(told(error)),
            Ok(Ok(None)) => return Err("the service ended the stream".to_owned()),
            Ok(Ok(Some(chunk))) => chunk,
        };
        let mut events = Vec::new();
        let taken = decoder.take(&chunk, &mut events);
        if !events.is_empty() {
            self.delay = DELAY_MIN;
        }
        events.reverse();
        self.read = events;
        taken.map_err(|error: SseError| error.to_string())
    }

    /// Reads an event; nothing where it was told before.
    fn take(&mut self, event: Event) -> Option<Followed> {
        if event.name == "gap" {
            let gap: Gap = serde_json::from_str(&event.data).ok()?;
            self.after = self.after.max(gap.first_kept.saturating_sub(1));
            return Some(Followed::Gap {
                first_kept: gap.first_kept,
            });
        }
        let Numbered { seq } = serde_json::from_str(&event.data).ok()?;
        if seq <= self.after {
            return None;
        }
        self.after = seq;
        // Results that come late may follow; who wants them asks again.
        self.is_over |= event.name == "run_ended";
        let entry = serde_json::from_str(&event.data).ok().map(Box::new);
        Some(Followed::Entry(entry, event.data))
    }
}

#[derive(Deserialize)]
struct Gap {
    first_kept: u64,
}

#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

/// Why a connection came to nothing, with all causes: the last one says the most.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = "the connection is lost".to_owned();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn retry_after(response: &Response) -> Option<Duration> {
    let header = response.headers().get(RETRY_AFTER)?;
    let seconds = header.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(DELAY_MAX))
}

/// What a refusal says, and what helps.
async fn message(response: Response) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: Why,
    }
    #[derive(Deserialize)]
    struct Why {
        message: String,
        #[serde(default)]
        cure: String,
    }
    let text = response.text().await.unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(Refusal { error }) if error.cure.is_empty() => error.message,
        Ok(Refusal { error }) => format!("{}; {}", error.message, error.cure),
        // Somebody else's answer: a proxy's, perhaps.
        Err(_) => text.chars().take(200).collect(),
    }
}
