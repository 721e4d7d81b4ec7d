//! Whether messages are signed, and whose signatures are asked for.

use std::collections::BTreeMap;

use crate::Pool;
use crate::signature::PublicKey;

/// What a link does about signatures; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signing {
    /// Sign what is sent, with the key of the login.
    pub sign: bool,
    /// Take nothing unsigned that decides about a call ([`crate::signature::is_signed`]).
    pub require: bool,
    /// Whose signature a worker takes: the keys of its coordinators.
    pub coordinators: Vec<PublicKey>,
    /// Whose signature a coordinator takes: the keys of each pool's workers.
    pub workers: BTreeMap<Pool, Vec<PublicKey>>,
}
