//! Keys: read from the environment or a file, shown nowhere.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::provider::foreign;

/// Bytes below which a key is too short to be looked for in what a provider says.
const SCRUBBED_BYTES_MIN: usize = 8;
/// What stands in a text where the key stood.
const SCRUBBED: &str = "[key]";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The variable isn't set.
    #[error("the variable {variable} isn't set; it must hold the provider's key")]
    Unset {
        /// Its name.
        variable: String,
    },
    /// The file can't be read.
    #[error("the file {path} can't be read; it must hold the provider's key")]
    File {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it can't be read.
        #[source]
        source: std::io::Error,
    },
    /// What is there can't be a key.
    #[error("{origin} holds no key: {what}")]
    Unusable {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl KeyError {
    /// A stable code for programs and for `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unset { .. } => "model_key_missing",
            Self::File { .. } => "model_key_file",
            Self::Unusable { .. } => "model_key_unusable",
        }
    }
}

/// A provider's key. It is never shown: its `Debug` names where it came from.
#[derive(Clone)]
pub struct ApiKey {
    secret: String,
    origin: String,
}

impl ApiKey {
    /// Reads a key from an environment variable.
    ///
    /// # Errors
    /// When it isn't set, or holds no key.
    pub fn from_variable(variable: &str) -> Result<Self, KeyError> {
        match std::env::var(variable) {
            Ok(secret) => Self::new(&secret, format!("the variable {variable}")),
            Err(std::env::VarError::NotPresent) => Err(KeyError::Unset {
                variable: variable.to_owned(),
            }),
            Err(std::env::VarError::NotUnicode(_)) => Err(KeyError::Unusable {
                origin: format!("the variable {variable}"),
                what: "it isn't UTF-8",
            }),
        }
    }

    /// Reads a key from a file, which may end with a line feed.
    ///
    /// # Errors
    /// When it can't be read, or holds no key.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let secret = std::fs::read_to_string(path).map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::new(&secret, format!("the file {}", path.display()))
    }

    /// Takes a key; `origin` says where it came from.
    ///
    /// # Errors
    /// When it is empty, or holds what no header can carry.
    pub fn new(secret: &str, origin: impl Into<String>) -> Result<Self, KeyError> {
        let secret = secret.trim();
        let origin = origin.into();
        let what = if secret.is_empty() {
            Some("it is empty")
        } else if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            Some("it has spaces, line breaks or other characters that no key has")
        } else {
            None
        };
        match what {
            Some(what) => Err(KeyError::Unusable { origin, what }),
            None => Ok(Self {
                secret: secret.to_owned(),
                origin,
            }),
        }
    }

    /// Where it came from, as a sentence says it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }
}

/// What nobody must see: the key, and the values of configured headers. A provider may repeat what it refuses.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Takes secrets; those that are too short aren't looked for.
    pub(super) fn new<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut forms: Vec<String> = values
            .flat_map(|value| {
                let login = value.split_once(' ').map(|(_, login)| login);
                [Some(value), login]
            })
            .flatten()
            .filter(|value| value.len() >= SCRUBBED_BYTES_MIN)
            .flat_map(forms)
            .collect();
        // One may be a part of another.
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self(forms)
    }

    /// Takes them out of a text, also where it was cut off in the middle of one.
    pub(super) fn scrub(&self, text: &mut String) {
        for secret in &self.0 {
            if text.contains(secret) {
                *text = text.replace(secret, SCRUBBED);
            }
        }
        let Some(end) = text.rfind(foreign::CUT) else {
            return;
        };
        let begun = self.0.iter().find_map(|secret| {
            let lengths = (SCRUBBED_BYTES_MIN..secret.len()).rev();
            let mut begins = lengths.filter_map(|length| secret.get(..length));
            begins.find(|begin| text[..end].ends_with(begin))
        });
        if let Some(begun) = begun {
            text.replace_range(end - begun.len()..end, SCRUBBED);
        }
    }

    /// A body without them.
    pub(super) fn without(&self, body: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(body).into_owned();
        self.scrub(&mut text);
        text
    }
}

/// A secret as it is, and as JSON may write it.
fn forms(secret: &str) -> [String; 3] {
    let literal = serde_json::Value::from(secret).to_string();
    let inside = literal.trim_matches('"').to_owned();
    let slashed = inside.replace('/', "\\/");
    [secret.to_owned(), inside, slashed]
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey(from {})", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_nowhere() {
        let key = ApiKey::new(" sk-secret-1\n", "the test").expect("it is one");
        assert_eq!(key.secret(), "sk-secret-1");
        assert_eq!(format!("{key:?}"), "ApiKey(from the test)");
    }

    #[test]
    fn a_secret_is_found_however_it_is_written_or_cut() {
        let values = ["sk-se/cret-\"1", "Bearer token-1234", "short"];
        let secrets = Secrets::new(values.into_iter());
        for (text, expected) in [
            ("wrong key sk-se/cret-\"1!", "wrong key [key]!"),
            (r#"{"a":"sk-se\/cret-\"1"}"#, r#"{"a":"[key]"}"#),
            (r#"{"a":"sk-se/cret-\"1"}"#, r#"{"a":"[key]"}"#),
            ("sent Bearer token-1234.", "sent [key]."),
            ("sent token-1234.", "sent [key]."),
            ("it is short", "it is short"),
            ("the key sk-se/cr…", "the key [key]…"),
            (
                r#"begins "the key sk-se\/cret-…""#,
                r#"begins "the key [key]…""#,
            ),
            ("the key sk-se…", "the key sk-se…"),
        ] {
            let mut scrubbed = text.to_owned();
            secrets.scrub(&mut scrubbed);
            assert_eq!(scrubbed, expected);
            assert_eq!(secrets.without(text.as_bytes()), expected);
        }
        assert_eq!(format!("{secrets:?}"), "Secrets");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("key");
        std::fs::write(&path, "two words").expect("it can be written");
        let errors = [
            ApiKey::new("", "the test"),
            ApiKey::new("\u{fc}", "the test"),
            ApiKey::from_file(&path),
            ApiKey::from_file(Path::new("/nowhere/key")),
            ApiKey::from_variable("CALLBOARD_TEST_NO_SUCH_VARIABLE"),
        ];
        let texts = errors.map(|key| {
            let error = key.expect_err("it is none");
            format!("{}: {error}", error.code())
        });
        let texts = texts.join("\n");
        let texts = texts.replace(&path.display().to_string(), "KEY");
        insta::assert_snapshot!(texts);
    }
}
