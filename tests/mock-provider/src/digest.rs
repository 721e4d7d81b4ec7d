//! Digests: what ties a signature, or an id, to the conversation that it was made for.

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256};

/// Digits of an id that the mock makes up. Chosen to look like the providers' own.
const ID_DIGITS: usize = 24;
/// Digits of a signature before base64: a multiple of 3, so that nothing is padded.
const SIGNATURE_DIGITS: usize = 48;

/// A digest of everything before one answer: what must not change, and each message in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// Digests texts; where one ends and the next begins is part of it.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Self(hash.finalize().into())
    }

    fn digits(&self, label: &str) -> String {
        let own = HEXLOWER.encode(&self.0);
        HEXLOWER.encode(&Self::of([own.as_str(), label]).0)
    }

    /// An id that belongs to this conversation and place.
    pub(crate) fn id(&self, prefix: &str, label: &str) -> String {
        format!("{prefix}{}", &self.digits(label)[..ID_DIGITS])
    }

    /// A signature that belongs to this conversation and place: base64 without `+`, `/` and `=`, so that
    /// both of its alphabets write it alike.
    pub(crate) fn signature(&self, label: &str) -> String {
        BASE64.encode(&self.digits(label).as_bytes()[..SIGNATURE_DIGITS])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_count_and_signatures_are_plain() {
        assert_ne!(Digest::of(["ab", "c"]), Digest::of(["a", "bc"]));
        let digest = Digest::of(["x"]);
        assert_ne!(digest.id("toolu_", "0"), digest.id("toolu_", "1"));
        for label in 0..200 {
            let signature = digest.signature(&label.to_string());
            assert!(
                signature.chars().all(|c| c.is_ascii_alphanumeric()),
                "{signature}"
            );
        }
    }
}
