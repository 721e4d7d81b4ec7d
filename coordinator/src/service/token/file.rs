//! Reads a file of tokens.
//!
//! ```toml
//! [[token]]
//! name = "support-agent"
//! sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//! tenant = "support"          # optional: the service's own
//! tools = ["shop.*", "echo"]  # optional: all
//! starts_per_minute = 60      # optional: as many as it likes
//! runs_max = 20               # optional: as many as the service takes
//! sees = "tenant"             # optional: "own" runs only
//! metrics = "all"             # optional: those of its "tenant" only
//! ```

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;

use callboard_proto::Tenant;
use serde::Deserialize;
use toml::Spanned;

use super::{Caller, MetricsOf, Sees, Tokens, ToolPattern};

/// Why a file of tokens can't be used. The text never holds a hash.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It isn't TOML, or holds something that is unknown here.
    #[error("the file of tokens can't be used, line {line}: {what}")]
    Form {
        /// Where, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// It holds no token.
    #[error("the file of tokens holds none; add a [[token]]: `callboard token new` prints one")]
    Empty,
    /// A token can't be used.
    #[error("the token {name:?} can't be used, line {line}: {what}")]
    Token {
        /// Where it begins, from 1.
        line: usize,
        /// Its name.
        name: String,
        /// What is wrong with it.
        what: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    token: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    tenant: Option<String>,
    tools: Option<Vec<ToolPattern>>,
    starts_per_minute: Option<NonZeroU32>,
    runs_max: Option<NonZeroUsize>,
    #[serde(default)]
    sees: Sees,
    #[serde(default)]
    metrics: MetricsOf,
}

impl Tokens {
    /// Reads a file; tokens without a tenant have this one.
    ///
    /// # Errors
    /// When it can't be used as a whole; the text names the place and the cure.
    pub fn from_toml(text: &str, tenant: &Tenant) -> Result<Self, TokenFileError> {
        // The library's message would show the line, and in it perhaps a token.
        let form = |error: toml::de::Error| TokenFileError::Form {
            line: line(text, error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        };
        let file: File = toml::from_str(text).map_err(form)?;
        if file.token.is_empty() {
            return Err(TokenFileError::Empty);
        }
        let mut names = BTreeSet::new();
        let mut hashes = BTreeSet::new();
        let mut tokens = Vec::new();
        for entry in file.token {
            let line = line(text, entry.span().start);
            let entry = entry.into_inner();
            let wrong = |what: String| TokenFileError::Token {
                line,
                name: entry.name.clone(),
                what,
            };
            let is_name = !entry.name.is_empty()
                && entry.name.len() <= 64
                && entry.name.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_name {
                return Err(wrong(
                    "a name has 1 to 64 printable ASCII characters".into(),
                ));
            }
            if !names.insert(entry.name.clone()) {
                return Err(wrong("another one has the same name".into()));
            }
            let hash = data_encoding::HEXLOWER_PERMISSIVE
                .decode(entry.sha256.as_bytes())
                .ok()
                .and_then(|hash| <[u8; 32]>::try_from(hash).ok())
                .ok_or_else(|| {
                    wrong("sha256 must be the token's hash, 64 hexadecimal digits".into())
                })?;
            if !hashes.insert(hash) {
                return Err(wrong("another one has the same hash".into()));
            }
            let tenant = match &entry.tenant {
                Some(name) => {
                    Tenant::new(name.as_str()).map_err(|error| wrong(error.to_string()))?
                }
                None => tenant.clone(),
            };
            let caller = Caller {
                name: entry.name,
                tenant,
                tools: entry.tools,
                starts_per_minute: entry.starts_per_minute.map(NonZeroU32::get),
                runs_max: entry.runs_max.map(NonZeroUsize::get),
                sees: entry.sees,
                metrics: entry.metrics,
            };
            tokens.push((hash, Arc::new(caller)));
        }
        Ok(Self(tokens))
    }
}

/// The line of a place in a text, from 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::mint;
    use super::*;

    fn read(text: &str) -> Result<Tokens, TokenFileError> {
        Tokens::from_toml(text, &Tenant::new("home").unwrap())
    }

    #[test]
    fn a_minted_token_is_found_by_its_hash_alone() {
        let (token, hash) = mint();
        let (other, _) = mint();
        let tokens = read(&format!("[[token]]\nname = \"a\"\nsha256 = \"{hash}\"")).unwrap();
        let caller = tokens.find(&token).unwrap();
        assert_eq!(
            (caller.name.as_str(), caller.tenant.as_str()),
            ("a", "home")
        );
        assert_eq!(caller.sees, Sees::Own);
        for wrong in [other.as_str(), &hash, "", &token[1..]] {
            assert!(tokens.find(wrong).is_none());
        }
        assert!(token.starts_with("cbt_") && token.len() == 47);
    }

    #[test]
    fn what_can_not_be_used_is_named_without_what_it_holds() {
        let hash = "ab".repeat(32);
        let entry = |name: &str, hash: &str, more: &str| {
            format!("[[token]]\nname = \"{name}\"\nsha256 = \"{hash}\"\n{more}\n")
        };
        let texts = [
            String::new(),
            entry("a", "cbt_secret", ""),
            entry("", &hash, ""),
            entry("a", &hash, "tenant = \"x.y\""),
            entry("a", &hash, "tools = [\"a*b\"]"),
            entry("a", &hash, "runs_max = 0"),
            entry("a", &hash, "sees = \"all\""),
            entry("a", &hash, "token = \"cbt_secret\""),
            entry("a", &hash, "") + &entry("a", &"cd".repeat(32), ""),
            entry("a", &hash, "") + &entry("b", &hash, ""),
        ];
        let told: Vec<String> = texts
            .iter()
            .map(|text| read(text).unwrap_err().to_string())
            .collect();
        let told = told.join("\n");
        assert!(
            !told.contains("cbt_secret") && !told.contains(&hash),
            "{told}"
        );
        insta::assert_snapshot!(told);
    }
}
