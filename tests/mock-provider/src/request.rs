//! A request as it comes in, before a format reads it.

use hyper::HeaderMap;

use crate::refusal::{Refusal, RefusalKind};
use crate::script::Key;

/// A request with its body.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// What the path says, where it says more than the format.
    pub(crate) path: PathSays<'a>,
}

/// What Gemini's path says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PathSays<'a> {
    pub(crate) model: &'a str,
    pub(crate) stream: bool,
    pub(crate) sse: bool,
}

impl<'a> Incoming<'a> {
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn bearer(&self) -> Option<&'a str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The key, and the header that carries it, of those that the format knows.
    pub(crate) fn key(&self, headers: &[&'static str]) -> Option<(&'static str, &'a str)> {
        headers.iter().find_map(|name| {
            let key = match *name {
                "authorization" => self.bearer()?,
                name => self.header(name)?,
            };
            (!key.trim().is_empty()).then_some((*name, key))
        })
    }
}

/// Headers that are never recorded: they may hold a key.
pub(crate) const SECRET: [&str; 5] = [
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "cookie",
    "proxy-authorization",
];

/// Checks the key that a request carries.
pub(crate) fn check_key(
    given: Option<&str>,
    expected: Option<&Key>,
    missing: &str,
    wrong: &str,
) -> Result<(), Refusal> {
    match (given, expected) {
        (None, _) => Err(Refusal::new(RefusalKind::NoKey, missing)),
        (Some(given), Some(expected)) if !expected.is(given) => {
            Err(Refusal::new(RefusalKind::WrongKey, wrong))
        }
        (Some(_), Some(_) | None) => Ok(()),
    }
}
