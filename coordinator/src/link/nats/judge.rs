//! Whose answers count: those signed with a key of the pool that their instance was addressed in.

use std::collections::{BTreeMap, HashMap};

use async_nats::Message;
use callboard_coordinator_core::Address;
use callboard_nats::headers::kind_of;
use callboard_nats::signatures::Keyring;
use callboard_proto::message::{Refusal, ReplyHead};
use callboard_proto::server::{LinkError, Signing};
use callboard_proto::signature::{SignatureError, is_signed};
use callboard_proto::{InstanceId, Kind, Pool, Token, codec, subject};
use serde::Deserialize;

use crate::link::Incoming;

/// Instances that are remembered in each of two generations: one that is spoken to stays. Chosen, not
/// measured: more than a tenant's coordinator has workers.
const INSTANCES_MAX: usize = 8_192;

/// An instance that was spoken to.
#[derive(Clone, Debug)]
struct Addressed {
    pool: Pool,
    /// Whether somebody who spoke for it without its signature was told of.
    is_told: bool,
}

/// The keys of each pool, and which instance is of which pool: by where it was addressed, never by what an
/// answer says.
#[derive(Debug)]
pub(super) struct Judge {
    keys: BTreeMap<Pool, Keyring>,
    recent: HashMap<InstanceId, Addressed>,
    before: HashMap<InstanceId, Addressed>,
}

impl Judge {
    /// Reads the keys; `None` where no signature is asked for.
    ///
    /// # Errors
    /// When a key is none, or there is none at all.
    pub(super) fn open(signing: &Signing) -> Result<Option<Self>, LinkError> {
        if !signing.require {
            return Ok(None);
        }
        if signing.workers.values().all(Vec::is_empty) {
            return Err(LinkError::Signing {
                reason:
                    "a coordinator with require = true and no workers would take no answer; list \
                         them: workers = { POOL = [\"U…\"] }"
                        .to_owned(),
            });
        }
        let ring = |(pool, keys): (&Pool, &Vec<_>)| Ok((pool.clone(), Keyring::new(keys)?));
        Ok(Some(Self {
            keys: signing.workers.iter().map(ring).collect::<Result<_, _>>()?,
            recent: HashMap::new(),
            before: HashMap::new(),
        }))
    }

    /// Remembers where an instance is spoken to.
    pub(super) fn addressed(&mut self, to: Address) {
        if self.recent.contains_key(&to.instance) {
            return;
        }
        if self.recent.len() >= INSTANCES_MAX {
            self.before = std::mem::take(&mut self.recent);
        }
        let addressed = self.before.remove(&to.instance).unwrap_or(Addressed {
            pool: to.pool,
            is_told: false,
        });
        self.recent.insert(to.instance, addressed);
    }

    /// What is said of an answer that doesn't count; `None` for one that does, or that decides nothing.
    pub(super) fn refuse(&mut self, message: &Message, discovery: Token) -> Option<Incoming> {
        let token = subject::reply_token(&message.subject);
        if message.status.is_some() || token.is_none() || token == Some(discovery) {
            // The server's own word, or nothing that an attempt was sent under.
            return None;
        }
        let kind = kind_of(message.headers.as_ref()).ok()?;
        if kind == Kind::Refusal {
            let refusal = codec::decode::<Refusal>(&message.payload).ok()?;
            let reason = format!(
                "a refusal, which decides nothing where signatures are required: {:?}",
                refusal.message.chars().take(300).collect::<String>()
            );
            return Some(self.unsigned(refusal.instance, &reason));
        }
        if !is_signed(kind) {
            return None;
        }
        // What has no head is told as unreadable.
        let speaker = speaker(kind, &message.payload)?;
        let error = match self.pool_of(speaker) {
            None => SignatureError::Unlisted,
            Some(pool) => match self.keys.get(pool) {
                None => SignatureError::Unlisted,
                Some(keys) => keys.verify(kind, message).err()?,
            },
        };
        Some(self.unsigned(speaker, &format!("a {kind}: {error}")))
    }

    fn pool_of(&self, instance: InstanceId) -> Option<&Pool> {
        let known = self.recent.get(&instance).or(self.before.get(&instance));
        known.map(|addressed| &addressed.pool)
    }

    fn unsigned(&mut self, instance: InstanceId, reason: &str) -> Incoming {
        let known = match self.recent.get_mut(&instance) {
            Some(known) => Some(known),
            None => self.before.get_mut(&instance),
        };
        // A stranger's name is drawn anew for each message: it is counted and never logged.
        let (pool, is_first) = known.map_or(("?", false), |known| {
            let is_first = !std::mem::replace(&mut known.is_told, true);
            (known.pool.as_str(), is_first)
        });
        Incoming::Unsigned {
            reason: format!("in the name of instance {instance} of the pool {pool} came {reason}"),
            is_first,
        }
    }
}

/// Whom a signed kind of answer speaks for.
fn speaker(kind: Kind, body: &[u8]) -> Option<InstanceId> {
    /// Nothing of the items is looked at.
    #[derive(Deserialize)]
    struct Item {}

    debug_assert!(is_signed(kind));
    let batch = codec::decode_batch::<ReplyHead, Item>(body).ok()?;
    Some(batch.head.instance)
}
