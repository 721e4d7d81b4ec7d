//! `[signing]`: whether messages are signed, and whose signatures are asked for.

use std::collections::BTreeMap;

use callboard_nats::signatures::{Keyring, Signer};
use callboard_proto::Pool;
use callboard_proto::server::{ServerOptions, Signing as Options};
use callboard_proto::signature::PublicKey;
use serde::{Deserialize, Serialize};

use super::named;
use crate::exit::bad_input;

/// `[signing]`; by default nothing is signed and nothing asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Signing {
    /// Sign calls, grants, acks and results with the key in `nats.nkey_file`.
    pub(crate) sign: bool,
    /// Take none that isn't signed.
    pub(crate) require: bool,
    /// On a worker: the public keys of its coordinators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) coordinators: Vec<PublicKey>,
    /// On a coordinator: the public keys of each pool's workers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) workers: BTreeMap<String, Vec<PublicKey>>,
}

impl Signing {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What the links need, checked but for what needs the key's file.
    pub(super) fn options(&self) -> anyhow::Result<Options> {
        let mut workers = BTreeMap::new();
        for (name, keys) in &self.workers {
            let pool = named("signing.workers", name, Pool::new(name.as_str()))?;
            Keyring::new(keys).map_err(bad_input)?;
            workers.insert(pool, keys.clone());
        }
        Keyring::new(&self.coordinators).map_err(bad_input)?;
        if self.require && self.coordinators.is_empty() && workers.values().all(Vec::is_empty) {
            return Err(bad_input(anyhow::anyhow!(
                "signing.require = true with no key listed would take no message; list \
                 signing.coordinators on a worker, signing.workers on a coordinator"
            )));
        }
        Ok(Options {
            sign: self.sign,
            require: self.require,
            coordinators: self.coordinators.clone(),
            workers,
        })
    }

    /// Checks that the key is there that is to sign.
    pub(super) fn check(server: &ServerOptions) -> anyhow::Result<()> {
        Signer::open(server).map_err(bad_input)?;
        Ok(())
    }
}
