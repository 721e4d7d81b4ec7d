//! Why a provider gave no answer, in words that name the cure.

use std::error::Error;
use std::fmt;
use std::time::Duration;

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
    /// A wait that the provider wishes for and that is too long.
    pub wished_wait: Option<Duration>,
    /// What went wrong the last time.
    pub failure: Failure,
    /// The wait after which it may be asked again, once the calls are settled that were taken early;
    /// `None` where that is no use, or was done often enough.
    pub retry_after: Option<Duration>,
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
            Self::Silent { .. } => Kind::Silent,
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

    /// Goes over what others wrote in it.
    pub(super) fn each_text(&mut self, mut change: impl FnMut(&mut String)) {
        match self {
            Self::Refused { error, .. } => change(&mut error.message),
            Self::Stream(StreamError::Provider(error)) => change(&mut error.message),
            Self::Foreign { body, .. } => change(body),
            Self::Redirected { to, .. } => change(to),
            Self::Unreachable(_)
            | Self::Tls(_)
            | Self::Silent { .. }
            | Self::Broken(_)
            | Self::TooLarge { .. }
            | Self::Stream(_)
            | Self::Answer(_) => {}
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

    fn cure(&self) -> String {
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
            Kind::RateLimit => match self.wished_wait {
                Some(wait) => format!("it wishes for a wait of {} s; ask again then", wait.as_secs()),
                None => "ask again later, or less at once".to_owned(),
            },
            Kind::Request => "its words say what it doesn't take; check the model's settings".to_owned(),
            Kind::Foreign => "check the base URL: something else answers there".to_owned(),
            Kind::ResponseTooLarge => "lower the model's max_tokens".to_owned(),
            Kind::Stream => "ask again without streaming, and report this".to_owned(),
            Kind::Answer => "ask again; if it stays, another model or server is needed".to_owned(),
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {} {}",
            self.format,
            self.base_url,
            self.failure.what()
        )?;
        let mut details = vec![self.code().to_owned()];
        if let Some(id) = &self.request_id {
            details.push(format!("request {id}"));
        }
        if self.attempts > 1 {
            details.push(format!("asked {} times", self.attempts));
        }
        write!(f, " ({}); {}", details.join(", "), self.cure())
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
            | Failure::Redirected { .. }
            | Failure::Refused { .. }
            | Failure::Foreign { .. }
            | Failure::TooLarge { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(failure: Failure, attempts: u32, request_id: Option<&str>) -> String {
        let error = ProviderError {
            format: Format::Anthropic,
            model: "claude-x".to_owned(),
            base_url: "https://api.anthropic.com".to_owned(),
            key_origin: Some("the variable ANTHROPIC_API_KEY".to_owned()),
            attempts,
            request_id: request_id.map(str::to_owned),
            wished_wait: (attempts == 2).then_some(Duration::from_secs(300)),
            failure,
            retry_after: None,
        };
        let cause = error
            .source()
            .map_or_else(String::new, |cause| format!(": {cause}"));
        format!("{error}{cause}")
    }

    fn refused(status: u16, code: &str, detail: Option<&str>, message: &str) -> Failure {
        Failure::Refused {
            status,
            error: ApiError {
                code: code.to_owned(),
                detail: detail.map(str::to_owned),
                message: message.to_owned(),
                is_final: detail == Some("enforced_spend_limit_reached"),
                ..ApiError::default()
            },
        }
    }

    #[test]
    fn each_failure_says_what_happened_and_what_to_do() {
        let id = Some("req_1");
        let overloaded = ApiError {
            code: "overloaded_error".to_owned(),
            message: "Overloaded".to_owned(),
            is_retryable: true,
            ..ApiError::default()
        };
        let texts = [
            told(
                refused(401, "authentication_error", None, "invalid x-api-key"),
                1,
                id,
            ),
            told(
                refused(
                    400,
                    "INVALID_ARGUMENT",
                    Some("API_KEY_INVALID"),
                    "API key not valid.",
                ),
                1,
                None,
            ),
            told(refused(403, "permission_error", None, ""), 1, id),
            told(refused(402, "billing_error", None, "Pay."), 1, id),
            told(
                refused(
                    429,
                    "rate_limit_error",
                    Some("enforced_spend_limit_reached"),
                    "Spent.",
                ),
                1,
                id,
            ),
            told(
                refused(404, "not_found_error", None, "model: claude-x"),
                1,
                id,
            ),
            told(
                refused(413, "request_too_large", None, "Too large."),
                1,
                None,
            ),
            told(refused(429, "rate_limit_error", None, "Slow down."), 3, id),
            told(refused(429, "rate_limit_error", None, "Slow down."), 2, id),
            told(refused(529, "overloaded_error", None, "Overloaded"), 3, id),
            told(refused(502, "", None, "the body is an HTML page"), 3, None),
            told(
                refused(400, "invalid_request_error", None, "max_tokens: too large"),
                1,
                id,
            ),
            told(
                Failure::Foreign {
                    status: 200,
                    body: "the body is an HTML page, and not the provider's JSON: \"Welcome\""
                        .to_owned(),
                },
                1,
                None,
            ),
            told(
                Failure::Redirected {
                    status: 308,
                    to: "https://elsewhere/v1".to_owned(),
                },
                1,
                None,
            ),
            told(
                Failure::Silent {
                    after: Duration::from_secs(120),
                    has_begun: false,
                },
                3,
                None,
            ),
            told(
                Failure::Silent {
                    after: Duration::from_secs(120),
                    has_begun: true,
                },
                1,
                id,
            ),
            told(Failure::TooLarge { bytes_max: 1_000 }, 1, id),
            told(Failure::Stream(StreamError::Cut), 3, id),
            told(
                Failure::Stream(StreamError::Provider(Box::new(overloaded))),
                3,
                id,
            ),
            told(
                Failure::Stream(StreamError::Contradiction(
                    "a second message_start".to_owned(),
                )),
                3,
                id,
            ),
            told(
                Failure::Answer(ParseError::EmptyId {
                    format: Format::Anthropic,
                    index: 0,
                }),
                1,
                id,
            ),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }
}
