//! The secrets of a request: where each goes, and where it comes from.

use data_encoding::BASE64;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use url::Url;

use super::guard::Guard;
use super::redact::Redactor;
use super::spec::{Basic, HttpError, HttpSpec, ValueSpec};
use super::template::{header_name, header_value};
use super::values::FillError;
use crate::secret::{EnvValue, SecretError};

/// Where a secret goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A header.
    Header(HeaderName),
    /// The query, under this key.
    Query(String),
}

impl Place {
    fn words(&self) -> String {
        match self {
            Self::Header(name) => format!("the value of the header {:?}", name.as_str()),
            Self::Query(key) => format!("the value of {key:?} in the query"),
        }
    }
}

/// Why a secret can't be used now.
#[derive(Debug, thiserror::Error)]
pub(super) enum UseError {
    #[error(transparent)]
    Secret(SecretError),
    #[error(transparent)]
    Value(FillError),
}

/// All secrets of a tool, by reference.
#[derive(Debug)]
pub(super) struct Secrets(Vec<(Place, Source)>);

#[derive(Debug)]
enum Source {
    /// A text before it, and the secret.
    One { prefix: String, value: EnvValue },
    /// A login.
    Basic(Basic),
}

impl Secrets {
    pub(super) fn new(http: &HttpSpec) -> Result<Self, HttpError> {
        let one = |value: &ValueSpec| {
            value.secret().ok().map(|(value, prefix)| Source::One {
                prefix: prefix.to_owned(),
                value,
            })
        };
        let mut all = Vec::new();
        for (name, value) in &http.headers {
            if let Some(source) = one(value) {
                all.push((Place::Header(header_name(name)?), source));
            }
        }
        for (key, value) in &http.query {
            if let Some(source) = one(value) {
                all.push((Place::Query(key.clone()), source));
            }
        }
        if let Some(basic) = &http.basic {
            let is_taken = http
                .headers
                .keys()
                .any(|name| name.eq_ignore_ascii_case("authorization"));
            if is_taken {
                return Err(HttpError::Contradiction(
                    "`basic` sets the header Authorization, which `headers` sets too; leave one of them out",
                ));
            }
            all.push((Place::Header(AUTHORIZATION), Source::Basic(basic.clone())));
        }
        Ok(Self(all))
    }

    /// Checks that each is there and can be sent, and that none is sent over the open internet where
    /// everybody can read it.
    pub(super) fn check(&self, base: &Url, guard: &Guard) -> Result<(), HttpError> {
        let is_open = base.scheme() == "http" && !guard.is_allowed(base);
        for (place, source) in &self.0 {
            let place_words = place.words();
            match source.resolve(place, &mut Redactor::default()) {
                Ok(_) => {}
                Err(UseError::Secret(source)) => {
                    return Err(HttpError::Secret {
                        place: place_words,
                        source,
                    });
                }
                Err(UseError::Value(source)) => {
                    return Err(HttpError::SecretValue {
                        place: place_words,
                        source,
                    });
                }
            }
            if is_open {
                return Err(HttpError::OpenLine { place: place_words });
            }
        }
        Ok(())
    }

    /// Reads them all, and tells the redactor what to look for.
    pub(super) fn resolve(
        &self,
        redactor: &mut Redactor,
    ) -> Result<Vec<(Place, HeaderValue)>, UseError> {
        let read = |(place, source): &(Place, Source)| {
            Ok((place.clone(), source.resolve(place, redactor)?))
        };
        self.0.iter().map(read).collect()
    }
}

impl Source {
    fn resolve(&self, place: &Place, redactor: &mut Redactor) -> Result<HeaderValue, UseError> {
        let text = match self {
            Self::One { prefix, value } => {
                let value = value.resolve().map_err(UseError::Secret)?;
                redactor.add(&value);
                format!("{prefix}{value}")
            }
            Self::Basic(Basic { user, password }) => {
                let user = user.resolve().map_err(UseError::Secret)?;
                let password = password.resolve().map_err(UseError::Secret)?;
                let login = BASE64.encode(format!("{user}:{password}").as_bytes());
                redactor.add(&password);
                redactor.add(&login);
                format!("Basic {login}")
            }
        };
        let mut value = header_value(&place.words(), &text).map_err(UseError::Value)?;
        value.set_sensitive(true);
        Ok(value)
    }
}
