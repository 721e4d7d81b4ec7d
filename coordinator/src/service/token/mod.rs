//! Who may ask: bearer tokens, of which a file holds the hashes.
//!
//! `file` reads it, `caller` says what a token may do. A token is 256 random bits, so its hash needs no
//! salt and can't be searched for.

mod caller;
mod file;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub use caller::{Caller, MetricsOf, Sees, ToolPattern};
pub use file::TokenFileError;

/// What a token begins with, so that scanners for secrets know one.
pub const PREFIX: &str = "cbt_";

/// The tokens that are known.
#[derive(Debug)]
pub struct Tokens(Vec<([u8; 32], Arc<Caller>)>);

impl Tokens {
    /// Whose token this is. Takes as long for a token that is nearly right as for one that isn't.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<&Arc<Caller>> {
        let hash = hash(token);
        let mut found = None;
        for (known, caller) in &self.0 {
            if bool::from(known.ct_eq(&hash)) {
                found = Some(caller);
            }
        }
        found
    }

    /// Everybody who has a token.
    pub fn callers(&self) -> impl Iterator<Item = &Arc<Caller>> {
        self.0.iter().map(|(_, caller)| caller)
    }
}

/// Draws a token; gives it with the hash that the file holds.
#[must_use]
pub fn mint() -> (String, String) {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    bytes[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    // A UUID's fixed bits say nothing; its hash spreads the 244 drawn ones.
    let secret = data_encoding::BASE64URL_NOPAD.encode(&Sha256::digest(bytes));
    let token = format!("{PREFIX}{secret}");
    let hash = data_encoding::HEXLOWER.encode(&hash(&token));
    (token, hash)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
