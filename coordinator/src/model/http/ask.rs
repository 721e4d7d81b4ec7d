//! One attempt: a request out, an answer or a failure in.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use callboard_coordinator_core::run::Stop;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Client, Response, StatusCode, Url};
use serde::de::IgnoredAny;
use tokio::time::{Instant, timeout};

use super::error::Failure;
use super::key::Secrets;
use super::reading::{RESPONSE_BYTES_MAX, Reading, too_large};
use super::retry::{Fault, Hints};
use crate::model::{ModelAnswer, Question};
use crate::provider::repeated::TakenIds;
use crate::provider::sse::{self, SseError};
use crate::provider::{Format, ParseError, StreamError, foreign};

/// Bytes of a stream that are read, at most. Most of a stream is envelope: 128,000 tokens at the 340 bytes
/// that a Chat chunk with all its fields has are 43 MB; what is kept of them is bounded by
/// [`RESPONSE_BYTES_MAX`]. Chosen, not measured.
const STREAM_BYTES_MAX: usize = 16 * RESPONSE_BYTES_MAX;
/// Bytes of an error's body that are read, at most. Chosen, not measured: providers send less than 2 KiB.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// How long the end of a stream is waited for once its answer is there, so that the next question finds
/// the connection open. Chosen, not measured: it follows at once.
const END_WAIT: Duration = Duration::from_secs(1);
/// How long a count of tokens or the end is waited for behind a reason to stop. Chosen, not measured: they
/// follow at once, but a server that gives a reason with every chunk may be slow between its first two.
const REST_WAIT: Duration = Duration::from_secs(5);
/// How many times its idle timeout a stream may last on pings alone, while a model thinks: as long as a
/// whole response may at the usual timeouts. Chosen, not measured.
const PINGED_TIMEOUTS: u32 = 5;
/// Headers that carry the request's id: Anthropic's, OpenAI's.
const REQUEST_ID: [&str; 2] = ["request-id", "x-request-id"];

/// Asks a provider.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) format: Format,
    pub(super) client: Client,
    pub(super) headers: HeaderMap,
    pub(super) idle_timeout: Duration,
    /// Whom it asks, for people.
    pub(super) place: String,
    pub(super) secrets: Secrets,
}

/// Why an attempt failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    pub(super) request_id: Option<String>,
    hints: Hints,
}

impl Trouble {
    /// What it means for asking again, after so many calls were taken early.
    pub(super) fn fault(&self, taken: usize) -> Fault<'_> {
        let hints = self.hints;
        match &self.failure {
            Failure::Refused { status, error } => Fault::Refused {
                status: *status,
                hints,
                error,
            },
            Failure::Unreachable(_)
            | Failure::Silent { .. }
            | Failure::OnlyPings { .. }
            | Failure::Broken(_)
            | Failure::Stream(StreamError::Cut | StreamError::Contradiction(_)) => {
                Fault::Passing { wish: None }
            }
            // Something on the way spoilt it, and nothing hangs on it yet.
            Failure::Stream(error) if taken == 0 && is_spoilt(error) => {
                Fault::Passing { wish: None }
            }
            Failure::Stream(StreamError::Provider(error))
                if error.is_retryable && !error.is_final =>
            {
                Fault::Passing {
                    wish: error.retry_after,
                }
            }
            Failure::Stream(
                StreamError::Provider(_)
                | StreamError::Sse(_)
                | StreamError::Event { .. }
                | StreamError::Unknown { .. }
                | StreamError::Answer(_),
            )
            | Failure::Tls(_)
            | Failure::Redirected { .. }
            | Failure::Foreign { .. }
            | Failure::TooLarge { .. }
            | Failure::Answer(_) => Fault::Lasting,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            request_id: None,
            hints: Hints::default(),
        }
    }
}

impl Asker {
    /// Asks once. Beside the answer, the id of the request.
    pub(super) async fn ask(
        &self,
        url: Url,
        body: Bytes,
        taken: &TakenIds,
        question: &mut Question,
    ) -> Result<(ModelAnswer, Option<String>), Trouble> {
        let request = self
            .client
            .post(url)
            .headers(self.headers.clone())
            .body(body);
        question.stands(format!("{} had not answered yet", self.place));
        let response = timeout(self.idle_timeout, request.send())
            .await
            .map_err(|_| self.silent(false))?
            .map_err(not_sent)?;
        let headers = response.headers();
        let request_id = self.request_id(headers);
        question.stands(self.standing(request_id.as_deref()));
        let hints = Hints::read(headers, SystemTime::now());
        let read = self.read(response, taken, question).await;
        match read.and_then(|answer| whole(answer, taken)) {
            Ok(answer) => Ok((answer, request_id)),
            Err(failure) => Err(Trouble {
                request_id: request_id.or_else(|| id_in_body(&failure)),
                failure,
                hints,
            }),
        }
    }

    async fn read(
        &self,
        mut response: Response,
        taken: &TakenIds,
        question: &mut Question,
    ) -> Result<ModelAnswer, Failure> {
        let status = response.status();
        if !status.is_success() {
            return Err(self.refusal(status, response).await);
        }
        let is_stream = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.trim_start().starts_with("text/event-stream"));
        if is_stream {
            return self.stream(response, taken, question).await;
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk(&mut response, self.idle_timeout).await? {
            if body.len() + chunk.len() > RESPONSE_BYTES_MAX {
                return Err(too_large(RESPONSE_BYTES_MAX));
            }
            body.extend_from_slice(&chunk);
        }
        self.whole(status, &body, taken, question)
    }

    /// Reads a stream to the event that makes the answer whole.
    async fn stream(
        &self,
        mut response: Response,
        taken: &TakenIds,
        question: &mut Question,
    ) -> Result<ModelAnswer, Failure> {
        let mut reading = Reading::new(self.format);
        let mut bytes = 0;
        let mut last_said = Instant::now();
        loop {
            let is_at_rest = reading.assembler.is_at_rest();
            let quiet = last_said.elapsed();
            let wait = if is_at_rest {
                self.idle_timeout.min(REST_WAIT.saturating_sub(quiet))
            } else {
                let longest = self.idle_timeout.saturating_mul(PINGED_TIMEOUTS);
                self.idle_timeout.min(longest.saturating_sub(quiet))
            };
            let chunk = match self.chunk(&mut response, wait).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => {
                    reading.end(taken, question)?;
                    break;
                }
                // All was said.
                Err(Failure::Broken(_) | Failure::Silent { .. }) if is_at_rest => break,
                Err(Failure::Silent { .. }) if wait < self.idle_timeout => {
                    let after = last_said.elapsed();
                    let after = Duration::from_secs(after.as_secs());
                    return Err(Failure::OnlyPings { after });
                }
                Err(failure) => return Err(failure),
            };
            bytes += chunk.len();
            if bytes > STREAM_BYTES_MAX {
                return Err(too_large(STREAM_BYTES_MAX));
            }
            if reading.take(&chunk, taken, question)? {
                last_said = Instant::now();
            }
            if reading.assembler.is_whole() {
                tokio::spawn(async move {
                    let end = async { while let Ok(Some(_)) = response.chunk().await {} };
                    // A server that doesn't end its stream loses the connection.
                    let _ = timeout(END_WAIT, end).await;
                });
                break;
            }
        }
        reading.assembler.finish().map_err(Failure::Stream)
    }

    /// Reads a body that didn't call itself a stream, which it may be all the same.
    fn whole(
        &self,
        status: StatusCode,
        body: &[u8],
        taken: &TakenIds,
        question: &mut Question,
    ) -> Result<ModelAnswer, Failure> {
        if sse::is_stream(body) {
            let mut reading = Reading::new(self.format);
            reading.take(body, taken, question)?;
            reading.end(taken, question)?;
            return reading.assembler.finish().map_err(Failure::Stream);
        }
        let source = match self.format.parse(body) {
            Ok(answer) if answer.stop_reason.is_empty() && self.format.gives_reason() => {
                question.uses(answer.usage.unwrap_or_default());
                return Err(Failure::Stream(StreamError::Cut));
            }
            Ok(answer) => return Ok(answer),
            Err(source) => source,
        };
        let body = self.secrets.without(body);
        let body = body.as_bytes();
        // Its words were cut where they may be secret.
        let source = self.format.parse(body).err().unwrap_or(source);
        let status = status.as_u16();
        let is_object = body.trim_ascii_start().starts_with(b"{");
        Err(match serde_json::from_slice::<IgnoredAny>(body) {
            Err(error) if is_object && error.is_eof() => Failure::Stream(StreamError::Cut),
            Err(_) if !is_object => Failure::Foreign {
                status,
                body: foreign::describe(body),
            },
            // What it says may be the model's words, which aren't for errors.
            Err(_) => Failure::Answer(source),
            Ok(IgnoredAny) => hidden_error(status, source),
        })
    }

    async fn refusal(&self, status: StatusCode, mut response: Response) -> Failure {
        if status.is_redirection() {
            return Failure::Redirected {
                status: status.as_u16(),
                to: self.redirected(response.headers()),
            };
        }
        let mut body = BytesMut::new();
        // What came of it says more than that no more came.
        while let Ok(Some(chunk)) = self.chunk(&mut response, self.idle_timeout).await {
            body.extend_from_slice(&chunk);
            if body.len() > ERROR_BYTES_MAX {
                body.truncate(ERROR_BYTES_MAX);
                break;
            }
        }
        Failure::Refused {
            status: status.as_u16(),
            error: self
                .format
                .read_error(self.secrets.without(&body).as_bytes()),
        }
    }

    async fn chunk(
        &self,
        response: &mut Response,
        wait: Duration,
    ) -> Result<Option<Bytes>, Failure> {
        match timeout(wait, response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(Failure::Broken(error.without_url())),
            Err(_) => Err(self.silent(true)),
        }
    }

    fn silent(&self, has_begun: bool) -> Failure {
        Failure::Silent {
            after: self.idle_timeout,
            has_begun,
        }
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        let found = REQUEST_ID.iter().find_map(|name| headers.get(*name));
        let mut id = found?.to_str().ok()?.to_owned();
        self.secrets.scrub(&mut id);
        // Whoever sent it may have written anything.
        let id: String = id.chars().take(100).collect();
        (!id.is_empty()).then_some(id)
    }

    /// Where a redirect leads, without what may be secret in it.
    fn redirected(&self, headers: &HeaderMap) -> String {
        let location = headers
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("nowhere");
        let end = location.find(['?', '#']).unwrap_or(location.len());
        let mut place = location[..end].to_owned();
        self.secrets.scrub(&mut place);
        place.chars().take(200).collect()
    }

    /// What is to be said of a response that has begun, if nobody waits for its end.
    fn standing(&self, request_id: Option<&str>) -> String {
        let request = request_id.map_or_else(String::new, |id| format!(" (request {id})"));
        format!("{} was still answering{request}", self.place)
    }
}

/// The answer, if its calls can be answered.
fn whole(answer: ModelAnswer, taken: &TakenIds) -> Result<ModelAnswer, Failure> {
    let asks = match answer.stop {
        Stop::Calls | Stop::Paused => true,
        Stop::Done | Stop::Truncated | Stop::Declined | Stop::Unknown(_) => false,
    };
    for call in answer.calls.iter().filter(|_| asks) {
        taken.check(call).map_err(Failure::Answer)?;
    }
    if answer.stop == Stop::Calls && answer.calls.is_empty() {
        return Err(Failure::Answer(ParseError::NoCalls));
    }
    Ok(answer)
}

/// Some gateways report errors as a success.
fn hidden_error(status: u16, source: ParseError) -> Failure {
    let ParseError::Refused { error } = source else {
        return Failure::Answer(source);
    };
    if error.is_retryable {
        Failure::Stream(StreamError::Provider(error))
    } else {
        Failure::Refused {
            status,
            error: *error,
        }
    }
}

/// Whether a stream was spoilt on its way: a byte that no text has, an event that ends too early.
fn is_spoilt(error: &StreamError) -> bool {
    match error {
        StreamError::Sse(SseError::NotUtf8) => true,
        StreamError::Event { source, .. } => source.is_eof(),
        StreamError::Sse(SseError::TooLarge)
        | StreamError::Contradiction(_)
        | StreamError::Provider(_)
        | StreamError::Unknown { .. }
        | StreamError::Cut
        | StreamError::Answer(_) => false,
    }
}

/// Why a request got no answer at all.
fn not_sent(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if is_tls(&error) {
        Failure::Tls(error)
    } else if error.is_connect() {
        Failure::Unreachable(error)
    } else {
        Failure::Broken(error)
    }
}

/// Whether TLS is at fault. An I/O error shows what it holds, but not as its source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let held = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || held.is_some_and(|held| is_tls(held))
        || error.source().is_some_and(is_tls)
}

fn id_in_body(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Refused { error, .. } => error.request_id.clone(),
        Failure::Stream(StreamError::Provider(error)) => error.request_id.clone(),
        Failure::Stream(_)
        | Failure::Unreachable(_)
        | Failure::Tls(_)
        | Failure::Silent { .. }
        | Failure::OnlyPings { .. }
        | Failure::Broken(_)
        | Failure::Redirected { .. }
        | Failure::Foreign { .. }
        | Failure::TooLarge { .. }
        | Failure::Answer(_) => None,
    }
}
