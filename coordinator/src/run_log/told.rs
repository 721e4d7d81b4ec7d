//! An entry as its readers are told of it: written once, however many they are.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::entry::Entry;

/// An entry as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its number.
    pub seq: u64,
    /// Its type.
    pub name: Cow<'static, str>,
    /// The entry as JSON.
    pub data: Arc<str>,
}

/// An entry that is kept, and what readers are told of it once the first of them has asked.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) entry: Arc<Entry>,
    data: OnceLock<Arc<str>>,
}

impl Kept {
    pub(super) fn new(entry: Entry) -> Self {
        Self {
            entry: Arc::new(entry),
            data: OnceLock::new(),
        }
    }

    pub(super) fn told(&self) -> Told {
        let write = || {
            let data = serde_json::to_string(&*self.entry).expect("entries are JSON");
            data.into()
        };
        Told {
            seq: self.entry.seq,
            name: self.entry.what.name().into(),
            data: Arc::clone(self.data.get_or_init(write)),
        }
    }
}
