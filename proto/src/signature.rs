//! What a signature on a message covers, and how its header is written. Pure: keys and the arithmetic
//! are the link's.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::Kind;

/// Header with a message's [`Signature`].
pub const HEADER_SIGNATURE: &str = "Cb-Sig";
/// The one scheme there is: ed25519 over [`signed_bytes`].
pub const SCHEME: &str = "1";
/// Most bytes that the header takes of a message: name, scheme, key, signature and line end have 155.
pub const HEADER_SIGNATURE_BYTES_MAX: usize = 160;

/// Bytes of a signature (RFC 8032).
const SIGNATURE_BYTES: usize = 64;
/// Characters of a public nkey: 35 bytes in base32.
const KEY_CHARACTERS: usize = 56;

/// Whether messages of this kind bear a signature: those that decide whether and how often a tool runs, and
/// what becomes of its call.
///
/// A `refusal` does not: it answers what couldn't be read, so who asked for it isn't proven, and a signed one
/// could be had for any token. Who requires signatures takes none.
#[must_use]
pub const fn is_signed(kind: Kind) -> bool {
    match kind {
        Kind::Call | Kind::Grant | Kind::Cancel | Kind::Status | Kind::Ack | Kind::Result => true,
        Kind::Describe
        | Kind::Drain
        | Kind::Progress
        | Kind::Free
        | Kind::Refusal
        | Kind::Tools
        | Kind::Beat
        | Kind::Announce => false,
    }
}

/// The bytes that are signed: a first line that no other use of the key begins with, kind, subject and reply
/// subject (empty where there is none), one a line, and the body as it is.
#[must_use]
pub fn signed_bytes(kind: Kind, subject: &str, reply: Option<&str>, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "callboard message {SCHEME}\n{kind}\n{subject}\n{}\n",
        reply.unwrap_or_default()
    );
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A user's public nkey (`U…`), as far as its letters tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(String);

impl PublicKey {
    /// Takes a public key.
    ///
    /// # Errors
    /// When it isn't written as a user's public nkey.
    pub fn new(text: impl Into<String>) -> Result<Self, SignatureError> {
        let text = text.into();
        let is_base32 = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
        if text.len() == KEY_CHARACTERS && text.starts_with('U') && text.bytes().all(is_base32) {
            Ok(Self(text))
        } else {
            Err(SignatureError::Key)
        }
    }

    /// The key as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PublicKey {
    type Error = SignatureError;

    fn try_from(text: String) -> Result<Self, SignatureError> {
        Self::new(text)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the header holds: who says that it signed, and the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The signer's public key; worth something only where it is listed.
    pub key: PublicKey,
    /// The ed25519 signature.
    pub bytes: [u8; SIGNATURE_BYTES],
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = BASE64URL_NOPAD.encode(&self.bytes);
        write!(f, "{SCHEME}.{}.{bytes}", self.key)
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let (scheme, rest) = text.split_once('.').ok_or(SignatureError::Form)?;
        if scheme != SCHEME {
            return Err(SignatureError::Scheme);
        }
        let (key, signature) = rest.split_once('.').ok_or(SignatureError::Form)?;
        let bytes = BASE64URL_NOPAD
            .decode(signature.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(SignatureError::Form)?;
        Ok(Self {
            key: PublicKey::new(key)?,
            bytes,
        })
    }
}

/// Why a message isn't taken as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("it isn't signed; set signing.sign = true where it was sent")]
    Missing,
    /// Another scheme.
    #[error("its signature has another scheme than {SCHEME}; use versions that know the same one")]
    Scheme,
    /// The header can't be read.
    #[error("its header {HEADER_SIGNATURE} isn't written {SCHEME}.U….signature")]
    Form,
    /// What should be a key is none.
    #[error(
        "no public nkey of a user: one has {KEY_CHARACTERS} letters and digits, and begins with U"
    )]
    Key,
    /// The signer isn't trusted.
    #[error(
        "its signer isn't listed; add the sender's public key (`callboard keys` prints it) under [signing]"
    )]
    Unlisted,
    /// It was signed with another key, or is not what was signed.
    #[error("its signature is wrong: it was changed on the way, or forged")]
    Wrong,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

    #[test]
    fn what_is_signed_is_pinned() {
        assert_eq!(
            signed_bytes(
                Kind::Grant,
                "cb.v1.worker.a",
                Some("cb.v1.reply.b"),
                b"\0body"
            ),
            b"callboard message 1\ngrant\ncb.v1.worker.a\ncb.v1.reply.b\n\0body"
        );
        assert_eq!(
            signed_bytes(Kind::Result, "cb.v1.reply.b", None, b""),
            b"callboard message 1\nresult\ncb.v1.reply.b\n\n"
        );
    }

    #[test]
    fn the_header_is_written_and_read() {
        let signature = Signature {
            key: PublicKey::new(KEY).expect("a key"),
            bytes: [0xff; 64],
        };
        let text = signature.to_string();
        assert_eq!(text, format!("1.{KEY}.{}w", "_".repeat(85)));
        assert_eq!(text.parse(), Ok(signature));
        let line = HEADER_SIGNATURE.len() + ": \r\n".len() + text.len();
        assert!(line <= HEADER_SIGNATURE_BYTES_MAX, "{line}");
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        for (text, error) in [
            (String::new(), SignatureError::Form),
            (format!("2.{KEY}.AA"), SignatureError::Scheme),
            (format!("1.{KEY}"), SignatureError::Form),
            (format!("1.{KEY}.AA"), SignatureError::Form),
            (format!("1.{KEY}.{}", "A".repeat(87)), SignatureError::Form),
            (format!("1.U.{}", "A".repeat(86)), SignatureError::Key),
            (
                format!("1.{}.{}", KEY.replace('U', "S"), "A".repeat(86)),
                SignatureError::Key,
            ),
        ] {
            assert_eq!(text.parse::<Signature>(), Err(error), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_signature_comes_back(first: [u8; 32], second: [u8; 32]) {
            let mut bytes = [0; 64];
            bytes[..32].copy_from_slice(&first);
            bytes[32..].copy_from_slice(&second);
            let signature = Signature { key: PublicKey::new(KEY).expect("a key"), bytes };
            proptest::prop_assert_eq!(signature.to_string().parse(), Ok(signature));
        }

        #[test]
        fn no_two_messages_are_signed_alike(
            one in "[a-z.]{0,6}", two in "[a-z.]{0,6}", three in "[a-z.]{0,6}", four in "[a-z.]{0,6}",
            body: Vec<u8>, other: Vec<u8>,
        ) {
            let same = one == three && two == four && body == other;
            let left = signed_bytes(Kind::Call, &one, Some(&two), &body);
            let right = signed_bytes(Kind::Call, &three, Some(&four), &other);
            proptest::prop_assert_eq!(left == right, same);
        }
    }
}
