//! Why a provider gave no answer, in words that name the cure.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::model::{Account, FailureDetails};
use crate::provider::{ApiError, Format, ParseError, StreamError};

/// What went wrong in the last attempt.
#[derive(Debug)]
pub enum Failure {
    /// No connection came about.
    Unreachable(reqwest::Error),
    /// There is a connection, and no TLS that can be trusted.
    Tls(reqwest::Error),
    /// Nothing came for so long.
    Silent {
        /// How long.
        after: Duration,
        /// Whether a part of the response had come.
        has_begun: bool,
    },
    /// Nothing came for so long but signs of life.
    OnlyPings {
        /// How long.
        after: Duration,
    },
    /// The connection broke before the response was whole.
    Broken(reqwest::Error),
    /// The provider sends us elsewhere; keys aren't carried there.
    Redirected {
        /// The status.
        status: u16,
        /// Where to, without a query.
        to: String,
    },
    /// The provider's error.
    Refused {
        /// The status.
        status: u16,
        /// What it says.
        error: ApiError,
    },
    /// A success that isn't the provider's answer.
    Foreign {
        /// The status.
        status: u16,
        /// What the body is, and how it begins.
        body: String,
    },
    /// The response is larger than anything that is read.
    TooLarge {
        /// Bytes that are read, at most.
        bytes_max: usize,
    },
    /// The stream gave no answer.
    Stream(StreamError),
    /// The whole response can't be worked with.
    Answer(ParseError),
}

/// Why a provider gave no answer. Neither key nor content is in it.
#[derive(Debug)]
pub struct ProviderError {
    /// The provider's format.
    pub format: Format,
    /// The model that was asked for.
    pub model: String,
    /// The base URL.
    pub base_url: String,
    /// Where the key came from, if one was sent.
    pub key_origin: Option<String>,
    /// How often it was asked.
    pub attempts: u32,
    /// The id of the last request, as the provider knows it.
    pub request_id: Option<String>,
    /// Whether it is asked again.
    pub again: Again,
    /// What went wrong the last time.
    pub failure: Failure,
}

/// Whether a provider that failed is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is no use, or was done often enough.
    Never,
    /// It may be asked again after this wait, once the calls are settled that were taken early.
    After(Duration),
    /// It wishes for so long a wait that nobody waits.
    TooLong(Duration),
    /// It might be asked again after a wait, but the run ends before.
    OutOfTime {
        /// The wait.
        wait: Duration,
        /// The time that the run has left.
        left: Duration,
    },
}

impl Again {
    /// The wait after which it is asked again, if it is.
    #[must_use]
    pub const fn after(self) -> Option<Duration> {
        match self {
            Self::After(wait) => Some(wait),
            Self::Never | Self::TooLong(_) | Self::OutOfTime { .. } => None,
        }
    }

    /// Whether it is asked again.
    #[must_use]
    pub const fn is_later(self) -> bool {
        self.after().is_some()
    }
}

/// A failure by its cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unreachable,
    Tls,
    Silent,
    Broken,
    Redirected,
    Key,
    Permission,
    Quota,
    NotFound,
    TooLarge,
    RateLimit,
    Unavailable,
    Request,
    Foreign,
    ResponseTooLarge,
    Stream,
    Answer,
}

impl Failure {
    fn kind(&self) -> Kind {
        match self {
            Self::Unreachable(_) => Kind::Unreachable,
            Self::Tls(_) => Kind::Tls,
            Self::Silent { .. } | Self::OnlyPings { .. } => Kind::Silent,
            Self::Broken(_) | Self::Stream(StreamError::Cut) => Kind::Broken,
            Self::Redirected { .. } => Kind::Redirected,
            Self::Refused { status, error } => kind_of(*status, error),
            Self::Foreign { .. } => Kind::Foreign,
            Self::TooLarge { .. } => Kind::ResponseTooLarge,
            // A stream has no status of its own: it began as a success.
            Self::Stream(StreamError::Provider(error)) if error.is_retryable => kind_of(503, error),
            Self::Stream(StreamError::Provider(error)) => kind_of(400, error),
            Self::Stream(StreamError::Answer(_)) | Self::Answer(_) => Kind::Answer,
            Self::Stream(
                StreamError::Sse(_)
                | StreamError::Event { .. }
                | StreamError::Contradiction(_)
                | StreamError::Unknown { .. },
            ) => Kind::Stream,
        }
    }

    /// The status of the response, where it is what failed.
    const fn status(&self) -> Option<u16> {
        match self {
            Self::Redirected { status, .. }
            | Self::Refused { status, .. }
            | Self::Foreign { status, .. } => Some(*status),
            Self::Unreachable(_)
            | Self::Tls(_)
            | Self::Silent { .. }
            | Self::OnlyPings { .. }
            | Self::Broken(_)
            | Self::TooLarge { .. }
            | Self::Stream(_)
            | Self::Answer(_) => None,
        }
    }

    /// Goes over what others wrote in it.
    pub(super) fn each_text(&mut self, mut change: impl FnMut(&mut String)) {
        match self {
            Self::Refused { error, .. } => error.each_text(&mut change),
            Self::Stream(error) => error.each_text(&mut change),
            Self::Foreign { body, .. } => change(body),
            Self::Redirected { to, .. } => change(to),
            Self::Answer(error) => error.each_text(&mut change),
            Self::Unreachable(_)
            | Self::Tls(_)
            | Self::Silent { .. }
            | Self::OnlyPings { .. }
            | Self::Broken(_)
            | Self::TooLarge { .. } => {}
        }
    }

    /// What happened, to follow the provider's name.
    fn what(&self) -> String {
        match self {
            Self::Unreachable(_) => "can't be reached".to_owned(),
            Self::Tls(_) => "can't be trusted: no TLS connection came about".to_owned(),
            Self::Silent {
                after,
                has_begun: false,
            } => format!("gave no answer for {after:?}"),
            Self::Silent {
                after,
                has_begun: true,
            } => format!("fell silent for {after:?} in the middle of its response"),
            Self::OnlyPings { after } => {
                format!(
                    "sent nothing but signs of life for {after:?} in the middle of its response"
                )
            }
            Self::Broken(_) | Self::Stream(StreamError::Cut) => "broke off its response".to_owned(),
            Self::Redirected { status, to } => format!("answered {status} and points to {to}"),
            Self::Refused { status, error } => format!("answered {status}{}", words(error)),
            Self::Foreign { status, body } => format!("answered {status}, but {body}"),
            Self::TooLarge { bytes_max } => format!("answered with more than {bytes_max} bytes"),
            Self::Stream(StreamError::Provider(error)) => {
                format!("broke off its response with the error{}", words(error))
            }
            Self::Stream(_) | Self::Answer(_) => {
                "gave a response that can't be worked with".to_owned()
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())
    }
}

/// The provider's own words, if there are any.
fn words(error: &ApiError) -> String {
    match (error.code.as_str(), error.message.as_str()) {
        ("", "") => String::new(),
        ("", _) => format!(": {error}"),
        _ => format!(" {error}"),
    }
}

/// A time in seconds, to a tenth.
fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// What is said of a response that stopped for a reason that isn't known.
pub(super) fn unknown_stop(
    format: Format,
    base_url: &str,
    reason: &str,
    request_id: Option<String>,
    attempts: u32,
    taken: usize,
) -> Account {
    let run = if taken == 0 {
        "nothing of it was run"
    } else {
        "no further call of it was run"
    };
    let request = request_id
        .as_ref()
        .map_or_else(String::new, |id| format!(", request {id}"));
    let message = format!(
        "{format} at {base_url} stopped its response for {reason:?}, after which this version can't go on \
         (model_stop{request}); {run}; ask again, and if it stays, another model is needed"
    );
    Account {
        message,
        details: FailureDetails {
            code: "model_stop",
            status: None,
            request_id,
            attempts,
        },
    }
}

fn kind_of(status: u16, error: &ApiError) -> Kind {
    // Gemini's word for a wrong key, which comes with a 400.
    let is_key = |word: &str| matches!(word, "API_KEY_INVALID" | "UNAUTHENTICATED");
    match status {
        401 => Kind::Key,
        _ if is_key(&error.code) || error.detail.as_deref().is_some_and(is_key) => Kind::Key,
        _ if error.is_final || status == 402 => Kind::Quota,
        403 => Kind::Permission,
        404 => Kind::NotFound,
        413 => Kind::TooLarge,
        429 => Kind::RateLimit,
        408 => Kind::Unavailable,
        status if status >= 500 => Kind::Unavailable,
        _ => Kind::Request,
    }
}

impl ProviderError {
    /// A stable code for programs and for `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.failure.kind() {
            Kind::Unreachable => "model_unreachable",
            Kind::Tls => "model_tls",
            Kind::Silent => "model_silent",
            Kind::Broken => "model_broken_off",
            Kind::Redirected => "model_redirected",
            Kind::Key => "model_key",
            Kind::Permission => "model_permission",
            Kind::Quota => "model_quota",
            Kind::NotFound => "model_not_found",
            Kind::TooLarge => "model_request_too_large",
            Kind::RateLimit => "model_rate_limit",
            Kind::Unavailable => "model_unavailable",
            Kind::Request => "model_request",
            Kind::Foreign => "model_not_a_provider",
            Kind::ResponseTooLarge => "model_response_too_large",
            Kind::Stream => "model_stream",
            Kind::Answer => "model_answer",
        }
    }

    /// What programs need to know of it.
    pub(in crate::model) fn details(&self) -> FailureDetails {
        FailureDetails {
            code: self.code(),
            status: self.failure.status(),
            request_id: self.request_id.clone(),
            attempts: self.attempts,
        }
    }

    /// What helps.
    pub(in crate::model) fn cure(&self) -> String {
        if let Again::OutOfTime { wait, left } = self.again {
            return format!(
                "it may be asked again in {}, and the run has {} left: give it more time, or run it later",
                seconds(wait),
                seconds(left)
            );
        }
        if let Again::TooLong(wait) = self.again {
            return format!(
                "it wishes for a wait of {} s; ask again then",
                wait.as_secs()
            );
        }
        match self.failure.kind() {
            Kind::Unreachable => "check the base URL and the network".to_owned(),
            Kind::Tls => "check the base URL; for an authority of your own, name its certificates in \
                          SSL_CERT_FILE"
                .to_owned(),
            Kind::Silent => "raise the timeout if the model needs longer".to_owned(),
            Kind::Broken | Kind::Unavailable => "ask again later".to_owned(),
            Kind::Redirected => "give the address that is meant as the base URL".to_owned(),
            Kind::Key => match &self.key_origin {
                Some(origin) => format!("the key came from {origin}; give one that this provider takes"),
                None => format!(
                    "no key was sent; set the provider's usual variable, or provider.{}.api_key_env or api_key_file",
                    self.format
                ),
            },
            Kind::Permission => "the key may not do this; ask whoever manages it".to_owned(),
            Kind::Quota => "asking again is no use before the limit is raised".to_owned(),
            Kind::NotFound => format!("check the model's name, {:?}, and the base URL", self.model),
            Kind::TooLarge => {
                "the conversation has outgrown the provider; start a new run, or let tools answer with less"
                    .to_owned()
            }
            Kind::RateLimit => "ask again later, or less at once".to_owned(),
            Kind::Request => "its words say what it doesn't take; check the model's settings".to_owned(),
            Kind::Foreign => "check the base URL: something else answers there".to_owned(),
            Kind::ResponseTooLarge => "lower the model's max_tokens".to_owned(),
            Kind::Stream => "ask again without streaming, and report this".to_owned(),
            Kind::Answer => "ask again; if it stays, another model or server is needed".to_owned(),
        }
    }
}

impl ProviderError {
    /// What happened, with its causes, and what helps behind them.
    pub(in crate::model) fn told(&self) -> String {
        let mut text = self.head();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        if !self.again.is_later() {
            text.push_str(&format!("; {}", self.cure()));
        }
        text
    }

    /// What happened.
    fn head(&self) -> String {
        let mut details = vec![self.code().to_owned()];
        if let Some(id) = &self.request_id {
            details.push(format!("request {id}"));
        }
        if self.attempts > 1 {
            details.push(format!("asked {} times", self.attempts));
        }
        format!(
            "{} at {} {} ({})",
            self.format,
            self.base_url,
            self.failure.what(),
            details.join(", ")
        )
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        // Whoever is asked again all the same needs no cure yet.
        match self.again {
            Again::After(_) => Ok(()),
            Again::Never | Again::TooLong(_) | Again::OutOfTime { .. } => {
                write!(f, "; {}", self.cure())
            }
        }
    }
}

impl Error for ProviderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failure {
            Failure::Unreachable(error) | Failure::Tls(error) | Failure::Broken(error) => {
                Some(error)
            }
            // What the provider says is in the text already.
            Failure::Stream(StreamError::Provider(_) | StreamError::Cut) => None,
            Failure::Stream(error) => Some(error),
            Failure::Answer(error) => Some(error),
            Failure::Silent { .. }
            | Failure::OnlyPings { .. }
            | Failure::Redirected { .. }
            | Failure::Refused { .. }
            | Failure::Foreign { .. }
            | Failure::TooLarge { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
