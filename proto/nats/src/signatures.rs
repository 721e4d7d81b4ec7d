//! Signatures on messages: made with the key of the login, checked against a list of public keys.

use std::collections::HashMap;
use std::fmt;

use async_nats::message::OutboundMessage;
use async_nats::{HeaderName, Message};
use callboard_proto::Kind;
use callboard_proto::server::{LinkError, ServerOptions};
use callboard_proto::signature::{
    HEADER_SIGNATURE, HEADER_SIGNATURE_BYTES_MAX, PublicKey, Signature, SignatureError, is_signed,
    signed_bytes,
};
use nkeys::KeyPair;

use crate::connection::nkey_seed;

static SIGNATURE_NAME: HeaderName = HeaderName::from_static(HEADER_SIGNATURE);

/// A key that signs.
pub struct Signer {
    pair: KeyPair,
    public: PublicKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.public).finish()
    }
}

impl Signer {
    /// Reads the key of the login; `None` where nothing is to be signed.
    ///
    /// # Errors
    /// When the options name no nkey, or it can't be used.
    ///
    /// # Panics
    /// Never: a seed that was read is one, and its public key is written as one.
    pub fn open(options: &ServerOptions) -> Result<Option<Self>, LinkError> {
        if !options.signing.sign {
            return Ok(None);
        }
        let Some(path) = &options.nkey_file else {
            return Err(LinkError::Signing {
                reason:
                    "sign = true needs nats.nkey_file, whose key signs; `callboard keys` makes one"
                        .to_owned(),
            });
        };
        let seed = nkey_seed(path)?;
        Ok(Some(Self::from_seed(&seed)))
    }

    fn from_seed(seed: &str) -> Self {
        let pair = KeyPair::from_seed(seed).expect("it was read as a seed");
        let public = PublicKey::new(pair.public_key()).expect("the key of a user");
        Self { pair, public }
    }

    /// The key by which others know it.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Bytes that a signature takes of a message.
    #[must_use]
    pub fn header_bytes(&self) -> usize {
        HEADER_SIGNATURE_BYTES_MAX
    }

    /// Signs a message that is complete but for this, if its kind is one that is signed.
    ///
    /// # Panics
    /// Never: a key with a seed signs.
    pub fn sign(&self, kind: Kind, message: &mut OutboundMessage) {
        if !is_signed(kind) {
            return;
        }
        let reply = message.reply.as_deref();
        let signed = signed_bytes(kind, &message.subject, reply, &message.payload);
        let bytes = self.pair.sign(&signed).expect("a key with a seed signs");
        let signature = Signature {
            key: self.public.clone(),
            bytes: bytes.try_into().expect("ed25519 signatures have 64 bytes"),
        };
        message
            .headers
            .get_or_insert_default()
            .insert(SIGNATURE_NAME.clone(), signature.to_string());
    }
}

/// Keys whose signatures count.
#[derive(Debug)]
pub struct Keyring(HashMap<PublicKey, KeyPair>);

impl Keyring {
    /// Takes public keys.
    ///
    /// # Errors
    /// When one is none: its checksum is wrong.
    pub fn new(keys: &[PublicKey]) -> Result<Self, LinkError> {
        let pair = |key: &PublicKey| match KeyPair::from_public_key(key.as_str()) {
            Ok(pair) => Ok((key.clone(), pair)),
            Err(_) => Err(LinkError::Signing {
                reason: format!(
                    "{key} is no public key, a letter may be wrong; `callboard keys` prints them"
                ),
            }),
        };
        Ok(Self(keys.iter().map(pair).collect::<Result<_, _>>()?))
    }

    /// Checks the signature of a message, if its kind is one that is signed. One of a key that isn't listed
    /// costs no arithmetic.
    ///
    /// # Errors
    /// When it isn't signed by one of these keys.
    pub fn verify(&self, kind: Kind, message: &Message) -> Result<(), SignatureError> {
        if !is_signed(kind) {
            return Ok(());
        }
        let headers = message.headers.as_ref();
        let text = headers
            .and_then(|headers| headers.get(SIGNATURE_NAME.clone()))
            .ok_or(SignatureError::Missing)?;
        let signature: Signature = text.as_str().parse()?;
        let key = self.0.get(&signature.key).ok_or(SignatureError::Unlisted)?;
        let reply = message.reply.as_deref();
        let signed = signed_bytes(kind, &message.subject, reply, &message.payload);
        key.verify(&signed, &signature.bytes)
            .map_err(|_error| SignatureError::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// A seed that no server knows: 32 bytes of 7.
    fn signer(byte: u8) -> Signer {
        let pair = KeyPair::new_from_raw(nkeys::KeyPairType::User, [byte; 32]);
        let seed = pair.expect("32 bytes").seed().expect("it has one");
        Signer::from_seed(&seed)
    }

    fn message(kind: Kind, signer: &Signer) -> Message {
        let reply = Some("cb.v1.reply.t.c.x".to_owned());
        let mut out = crate::message("cb.v1.worker".to_owned(), reply, Bytes::from("body"));
        signer.sign(kind, &mut out);
        Message {
            subject: out.subject,
            reply: out.reply,
            payload: out.payload,
            headers: out.headers,
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn a_signature_is_pinned() {
        let message = message(Kind::Grant, &signer(7));
        let headers = message.headers.expect("it is signed");
        let text = headers.get(SIGNATURE_NAME.clone()).expect("it is signed");
        // Deterministic by RFC 8032: a worker in another language must come to the same.
        assert_eq!(
            text.as_str(),
            "1.UDVEU3DD4KOFECV66VIHWEZOYX4ZKR3WV27L464SIIPOU2IUI3JCYSJF.fBY7MjgjHLIGgi_0Yf2fc4iGyUXKmFdzAATluto6pBfx9u4hgfSIbXERcVMdDmZbQ5Jt6fdBG6eYDjWvPQKVCQ"
        );
    }

    #[test]
    fn only_what_was_signed_by_who_is_listed_counts() {
        let (ours, stranger) = (signer(7), signer(8));
        let keys = Keyring::new(&[ours.public().clone()]).expect("a key");
        let good = message(Kind::Call, &ours);
        assert_eq!(keys.verify(Kind::Call, &good), Ok(()));
        assert_eq!(keys.verify(Kind::Grant, &good), Err(SignatureError::Wrong));
        let foreign = message(Kind::Call, &stranger);
        assert_eq!(
            keys.verify(Kind::Call, &foreign),
            Err(SignatureError::Unlisted)
        );
        let bare = message(Kind::Drain, &ours);
        assert_eq!(keys.verify(Kind::Call, &bare), Err(SignatureError::Missing));
        assert_eq!(keys.verify(Kind::Drain, &bare), Ok(()));
        for change in [
            |message: &mut Message| message.payload = Bytes::from("Body"),
            |message: &mut Message| message.subject = "cb.v1.other".into(),
            |message: &mut Message| message.reply = None,
        ] {
            let mut changed = message(Kind::Call, &ours);
            change(&mut changed);
            assert_eq!(
                keys.verify(Kind::Call, &changed),
                Err(SignatureError::Wrong)
            );
        }
    }

    #[test]
    fn a_key_with_a_wrong_letter_is_named() {
        let key = signer(7).public().as_str().replacen('D', "E", 1);
        let key = PublicKey::new(key).expect("its letters are fine");
        let error = Keyring::new(&[key]).expect_err("its checksum is wrong");
        assert!(error.to_string().contains("is no public key"), "{error}");
    }
}
