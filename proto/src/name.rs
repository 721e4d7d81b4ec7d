//! Names that people choose. Tenants, pools and workers are NATS tokens as they stand; a tool's
//! name is anything printable and is escaped where it becomes a token (see [`crate::subject`]).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limit::{NAME_BYTES_MAX, TOOL_NAME_BYTES_MAX};

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name has no characters.
    #[error("the name is empty")]
    Empty,
    /// The name is longer than allowed.
    #[error("the name has {bytes} bytes, more than the {max} that are allowed")]
    TooLong {
        /// Bytes that it has.
        bytes: usize,
        /// Bytes that it may have.
        max: usize,
    },
    /// The name holds a character that its kind of name can't hold.
    #[error("{character:?} can't stand in {what}; allowed are {allowed}")]
    Character {
        /// The first character that is refused.
        character: char,
        /// What the name names.
        what: &'static str,
        /// What may be used instead.
        allowed: &'static str,
    },
}

fn check_length(name: &str, max: usize) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > max {
        return Err(NameError::TooLong {
            bytes: name.len(),
            max,
        });
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $max:expr, $what:literal, $allowed:literal, $is_allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// When the name is empty, too long, or holds a character that it can't hold.
            pub fn new(name: impl Into<Arc<str>>) -> Result<Self, NameError> {
                let name = name.into();
                check_length(&name, $max)?;
                let is_allowed: fn(char) -> bool = $is_allowed;
                if let Some(character) = name.chars().find(|character| !is_allowed(*character)) {
                    return Err(NameError::Character { character, what: $what, allowed: $allowed });
                }
                Ok(Self(name))
            }

            /// The name as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::codec::checked(deserializer, |text| Self::new(text))
            }
        }
    };
}

fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

name!(
    /// Who pays and who is trusted together (P4): a NATS token.
    Tenant,
    NAME_BYTES_MAX,
    "a tenant's name",
    "letters, digits, '-' and '_'",
    is_token_character
);
name!(
    /// The workers that offer the same tools: a NATS token.
    Pool,
    NAME_BYTES_MAX,
    "a pool's name",
    "letters, digits, '-' and '_'",
    is_token_character
);
name!(
    /// The name under which a worker's instances succeed each other (P2): a NATS token.
    WorkerName,
    NAME_BYTES_MAX,
    "a worker's name",
    "letters, digits, '-' and '_'",
    is_token_character
);
name!(
    /// A tool's name, as its worker gives it.
    ToolName,
    TOOL_NAME_BYTES_MAX,
    "a tool's name",
    "all characters but control characters",
    |character| !character.is_control()
);
name!(
    /// One `key=value` that a worker carries and a tool can require or prefer (P11).
    Label,
    TOOL_NAME_BYTES_MAX,
    "a label",
    "letters, digits and '-', '_', '.', '/', '='",
    |character| is_token_character(character) || matches!(character, '.' | '/' | '=')
);
