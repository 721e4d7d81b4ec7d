//! What the mock remembers: which prefixes it has answered, and how often each turn was asked for.

use std::collections::{HashMap, HashSet};

use crate::digest::Digest;

/// Conversations kept, at most; then all are forgotten. Chosen, not measured: about 100 bytes for each answer.
const CONVERSATIONS_MAX: usize = 10_000;

/// Everything remembered.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    conversations: HashMap<Digest, Known>,
}

#[derive(Debug, Default)]
struct Known {
    answered: HashSet<Digest>,
    asked: HashMap<usize, u32>,
}

impl Memory {
    /// Counts a request for a turn, and gives how many came before it.
    pub(crate) fn ask(&mut self, conversation: Digest, turn: usize) -> u32 {
        if self.conversations.len() >= CONVERSATIONS_MAX
            && !self.conversations.contains_key(&conversation)
        {
            self.conversations.clear();
        }
        let known = self.conversations.entry(conversation).or_default();
        let asked = known.asked.entry(turn).or_default();
        *asked = asked.saturating_add(1);
        *asked - 1
    }

    /// Notes what an answer was given to.
    pub(crate) fn answer(&mut self, conversation: Digest, prefix: Digest) {
        let known = self.conversations.entry(conversation).or_default();
        known.answered.insert(prefix);
    }

    /// Whether an answer was given to this prefix; unsure of conversations that it never saw.
    pub(crate) fn knows(&self, conversation: Digest, prefix: Digest) -> Option<bool> {
        let known = self.conversations.get(&conversation)?;
        (!known.answered.is_empty()).then(|| known.answered.contains(&prefix))
    }
}
