//! How much of a tool an instance gives this coordinator, where the tool has slots of its own there.
//!
//! Nobody announces such slots: who was refused one learns what it has instead. Without this a lane
//! would fill every free slot of the instance with calls that all come back `busy`, again and again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use callboard_proto::Digest;

/// How long a refusal is believed: two beats. Then the lane may try all free slots once more, for the
/// case that others left, or that the word of a freed slot was lost.
const BELIEVED_FOR: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Share {
    /// Attempts of ours that hold or may hold a slot of the tool.
    in_flight: u32,
    /// Attempts that may be there at once, and since when that is believed.
    most: Option<(u32, Instant)>,
}

/// The shares of the tools that refused a call on one instance; others have none.
#[derive(Debug, Default)]
pub(crate) struct Shares(BTreeMap<Digest, Share>);

impl Shares {
    /// Calls of the tool that may be placed besides those that are there.
    pub(crate) fn left(&self, digest: Digest, now: Instant) -> u32 {
        self.0
            .get(&digest)
            .and_then(|share| {
                let (most, since) = share.most?;
                let is_believed = now.saturating_duration_since(since) < BELIEVED_FOR;
                is_believed.then(|| most.saturating_sub(share.in_flight))
            })
            .unwrap_or(u32::MAX)
    }

    /// Whether the tool refused a call here before.
    pub(crate) fn knows(&self, digest: Digest) -> bool {
        self.0.contains_key(&digest)
    }

    /// Notes that a call of the tool was placed.
    pub(crate) fn placed(&mut self, digest: Digest) {
        if let Some(share) = self.0.get_mut(&digest) {
            share.in_flight += 1;
        }
    }

    /// Notes that an attempt ended or was lost. What was placed before the first refusal isn't counted.
    pub(crate) fn returned(&mut self, digest: Digest) {
        if let Some(share) = self.0.get_mut(&digest) {
            share.in_flight = share.in_flight.saturating_sub(1);
        }
    }

    /// Notes that the tool refused a call for want of a slot, while `in_flight` others were there.
    pub(crate) fn was_full(&mut self, digest: Digest, in_flight: u32, now: Instant) {
        let share = self.0.entry(digest).or_insert(Share {
            in_flight,
            most: None,
        });
        share.most = Some((share.in_flight, now));
    }

    /// Notes that the instance holds out a slot, perhaps of a tool: each may take one more.
    pub(crate) fn freed(&mut self, now: Instant) {
        for share in self.0.values_mut() {
            if let Some((most, since)) = &mut share.most {
                *most = share.in_flight.max(*most).saturating_add(1);
                *since = now;
            }
        }
    }
}
