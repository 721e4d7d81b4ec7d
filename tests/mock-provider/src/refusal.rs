//! Why a request gets no answer, before any format gives it words and a body.

use std::time::Duration;

/// A request that is refused, or that a fault answers with an error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    /// In the provider's own words where they are known.
    pub(crate) message: String,
    /// The field at fault, where the provider names it apart.
    pub(crate) param: Option<String>,
    /// The provider's code, where it has one.
    pub(crate) code: Option<&'static str>,
    /// When the provider says to come back.
    pub(crate) retry_after: Option<Duration>,
    /// Headers that say more about retrying.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Whether Gemini wraps the error in a list of one.
    pub(crate) in_array: bool,
}

/// What sort of error it is; each format maps it to its status and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    Invalid,
    /// No key was given.
    NoKey,
    /// Another key than the one expected.
    WrongKey,
    NotFound,
    TooLarge,
    RateLimit,
    /// A limit that waiting doesn't cure.
    SpendLimit,
    Billing,
    Server,
    Overloaded,
    Unavailable,
    Timeout,
    /// Any other status.
    Status(u16),
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            param: None,
            code: None,
            retry_after: None,
            headers: Vec::new(),
            in_array: false,
        }
    }

    /// A request that the API doesn't take.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, message)
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }
}
