//! Attempts that were given up, remembered for a while so that a late result can be named (P15).

use std::collections::VecDeque;

use callboard_proto::{AttemptKey, InstanceId};
use rustc_hash::FxHashMap;

/// The latest attempts that were given up without a last word.
#[derive(Debug)]
pub(crate) struct LateAttempts {
    max: usize,
    order: VecDeque<AttemptKey>,
    by_key: FxHashMap<AttemptKey, InstanceId>,
}

impl LateAttempts {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            order: VecDeque::new(),
            by_key: FxHashMap::default(),
        }
    }

    pub(crate) fn remember(&mut self, key: AttemptKey, instance: InstanceId) {
        if self.max == 0 {
            return;
        }
        if self.order.len() == self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
        if self.by_key.insert(key.clone(), instance).is_none() {
            self.order.push_back(key);
        }
    }

    /// Whether this instance was given this attempt, and it was given up.
    pub(crate) fn knows(&self, key: &AttemptKey, instance: InstanceId) -> bool {
        self.by_key
            .get(key)
            .is_some_and(|holder| *holder == instance)
    }

    /// Takes the attempt out, once its late result was named.
    pub(crate) fn take(&mut self, key: &AttemptKey, instance: InstanceId) -> bool {
        if !self.knows(key, instance) {
            return false;
        }
        // Its place in the order is passed over when its turn to be forgotten comes.
        self.by_key.remove(key).is_some()
    }
}
