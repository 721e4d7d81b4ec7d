//! The shared reply inbox: `raw.{coordinator}.reply.{token}`.

use std::fmt::Write;

use async_nats::{Message, Subject};

/// Builds reply subjects and reads tokens from them.
#[derive(Clone, Debug)]
pub struct Inbox {
    prefix: String,
}

impl Inbox {
    /// An inbox of its own for each coordinator.
    #[must_use]
    pub fn new(coordinator: &str) -> Self {
        Self {
            prefix: format!("raw.{coordinator}.reply."),
        }
    }

    /// What the one subscription reads.
    #[must_use]
    pub fn wildcard(&self) -> String {
        format!("{}*", self.prefix)
    }

    /// Where the result of the call with this token goes.
    #[must_use]
    pub fn reply(&self, token: u64) -> Subject {
        // A u64 has at most 20 digits: one allocation, no growth.
        let mut subject = String::with_capacity(self.prefix.len() + 20);
        subject.push_str(&self.prefix);
        write!(subject, "{token}").expect("writing to a string can't fail");
        subject.into()
    }

    /// The token of a result; `None` when it isn't ours.
    #[must_use]
    pub fn token(&self, message: &Message) -> Option<u64> {
        message.subject.get(self.prefix.len()..)?.parse().ok()
    }
}
