//! The one way in which a server says that a permission is missing: an error text, after the fact.

use std::fmt;

/// What a user is not allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Publish to a subject.
    Publish,
    /// Subscribe to a subject.
    Subscribe,
}

/// A permission that a server refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Denied {
    /// What was refused.
    pub operation: Operation,
    /// The subject that it was refused for.
    pub subject: String,
}

impl Denied {
    /// Reads a server's error text; `None` for an error that speaks of no permission.
    #[must_use]
    pub fn parse(error: &str) -> Option<Self> {
        const START: &str = "permissions violation for ";
        let at = error.to_ascii_lowercase().find(START)? + START.len();
        let (operation, rest) = error[at..].split_once('"')?;
        let (subject, _queue) = rest.split_once('"')?;
        let operation = if operation.to_ascii_lowercase().starts_with("subscription") {
            Operation::Subscribe
        } else {
            Operation::Publish
        };
        Some(Self {
            operation,
            subject: subject.to_owned(),
        })
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (doing, list) = match self.operation {
            Operation::Publish => ("publish to", "publish"),
            Operation::Subscribe => ("subscribe to", "subscribe"),
        };
        write!(
            f,
            "the NATS user may not {doing} {subject:?}; allow it under `permissions.{list}` of that user",
            subject = self.subject
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_servers_write() {
        for (text, operation, subject) in [
            (
                r#"Permissions Violation for Publish to "cb.v1.beat.t.p.i""#,
                Operation::Publish,
                "cb.v1.beat.t.p.i",
            ),
            (
                r#"Permissions Violation for Subscription to "cb.v1.call.t.Grep" using queue "callboard""#,
                Operation::Subscribe,
                "cb.v1.call.t.Grep",
            ),
            (
                r#"nats: permissions violation for publish with reply of "_INBOX.x""#,
                Operation::Publish,
                "_INBOX.x",
            ),
        ] {
            let denied = Denied::parse(text).expect(text);
            assert_eq!(
                (denied.operation, denied.subject.as_str()),
                (operation, subject)
            );
        }
        assert_eq!(Denied::parse("maximum payload violation"), None);
        assert_eq!(Denied::parse("permissions violation for publish to"), None);
    }

    #[test]
    fn says_the_cure() {
        let denied = Denied {
            operation: Operation::Subscribe,
            subject: "cb.v1.beat.t.>".to_owned(),
        };
        assert_eq!(
            denied.to_string(),
            "the NATS user may not subscribe to \"cb.v1.beat.t.>\"; \
             allow it under `permissions.subscribe` of that user"
        );
    }
}
