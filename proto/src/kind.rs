//! What a message is, and in which version of the protocol it speaks.

use std::fmt;
use std::str::FromStr;

/// The protocol version that this crate speaks, as the header carries it.
pub const VERSION: &str = "1";
/// Header with the protocol version.
pub const HEADER_VERSION: &str = "Cb-V";
/// Header with the message's [`Kind`].
pub const HEADER_KIND: &str = "Cb-Kind";

/// Whether a peer's version header names a protocol that this crate understands: major version 1,
/// any minor (`1`, `1.4`).
#[must_use]
pub fn version_is_supported(version: &str) -> bool {
    version.split('.').next() == Some(VERSION)
}

/// The text names no message kind of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown message kind {0:?}; this side speaks protocol version {VERSION}")]
pub struct UnknownKind(pub String);

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What a message is: selects the one struct that its body decodes to (P21).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind, in the order of `docs/wire.md`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The kind as the header spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl FromStr for Kind {
            type Err = UnknownKind;

            fn from_str(text: &str) -> Result<Self, UnknownKind> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(UnknownKind(text.chars().take(64).collect())),
                }
            }
        }
    };
}

kinds! {
    /// Coordinator to worker: execute these calls.
    Call = "call",
    /// Coordinator to worker: these waiting writes may run, once.
    Grant = "grant",
    /// Coordinator to worker: end these attempts.
    Cancel = "cancel",
    /// Coordinator to worker: what do you hold of these attempts?
    Status = "status",
    /// Coordinator to worker: which tools do you offer?
    Describe = "describe",
    /// Operator to worker: take no more calls, finish, go.
    Drain = "drain",
    /// Worker to coordinator: the state of each attempt of a message.
    Ack = "ack",
    /// Worker to coordinator: how attempts ended.
    Result = "result",
    /// Worker to coordinator: how far attempts are.
    Progress = "progress",
    /// Worker to coordinator: slots that are now yours (P6).
    Free = "free",
    /// Worker to coordinator: this whole message can't be read.
    Refusal = "refusal",
    /// Worker to coordinator: one page of the tools on offer.
    Tools = "tools",
    /// Worker to everyone in its tenant: this instance lives.
    Beat = "beat",
    /// Worker to everyone in its tenant: this instance is here, with these digests.
    Announce = "announce",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
