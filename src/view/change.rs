//! What changed between two looks.

use serde::Serialize;

/// Something that is listed.
pub(crate) trait Listed: Serialize {
    /// What tells it from the others.
    fn key(&self) -> String;
    /// What people call it.
    fn name(&self) -> String;
    /// What is worth a line when it changes, by name.
    fn facts(&self) -> Vec<(&'static str, String)>;
}

/// What happened to one that is listed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Event {
    /// It wasn't there before.
    Joined,
    /// It is there still, and isn't what it was.
    Changed,
    /// It is there no more.
    Left,
}

/// One change.
#[derive(Debug, Serialize)]
pub(crate) struct Change<'a, T> {
    pub(crate) event: Event,
    /// As it is now; as it was, where it left.
    #[serde(flatten)]
    pub(crate) what: &'a T,
    /// What it was, where it changed.
    #[serde(skip)]
    before: Option<&'a T>,
}

/// The changes from one look to the next: who joined or changed in the order of the new list, then who left.
pub(crate) fn changes<'a, T: Listed>(before: &'a [T], now: &'a [T]) -> Vec<Change<'a, T>> {
    let of = |all: &'a [T], one: &T| all.iter().find(|other| other.key() == one.key());
    let mut found = Vec::new();
    for what in now {
        let (event, before) = match of(before, what) {
            None => (Event::Joined, None),
            Some(old) if old.facts() != what.facts() => (Event::Changed, Some(old)),
            Some(_) => continue,
        };
        found.push(Change {
            event,
            what,
            before,
        });
    }
    let left = before.iter().filter(|old| of(now, old).is_none());
    found.extend(left.map(|what| Change {
        event: Event::Left,
        what,
        before: None,
    }));
    found
}

impl<T: Listed> Change<'_, T> {
    /// The change as a line for people.
    pub(crate) fn line(&self) -> String {
        let name = self.what.name();
        let facts = self.what.facts();
        match (&self.event, self.before) {
            (Event::Changed, Some(before)) => {
                let old = before.facts();
                let differ = std::iter::zip(&old, &facts).filter(|(old, new)| old != new);
                let told: Vec<String> = differ
                    .map(|((what, old), (_, new))| {
                        format!("{what} {} → {}", or_none(old), or_none(new))
                    })
                    .collect();
                format!("changed  {name}: {}", told.join(", "))
            }
            (Event::Left, _) => format!("left     {name}"),
            (Event::Joined | Event::Changed, _) => {
                let told = facts.iter().filter(|(_, value)| !value.is_empty());
                let told: Vec<String> = told
                    .map(|(what, value)| format!("{what} {value}"))
                    .collect();
                format!("joined   {name}: {}", told.join(", "))
            }
        }
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Lamp(&'static str, bool, &'static str);

    impl Listed for Lamp {
        fn key(&self) -> String {
            self.0.to_owned()
        }

        fn name(&self) -> String {
            format!("lamp {}", self.0)
        }

        fn facts(&self) -> Vec<(&'static str, String)> {
            vec![("lit", self.1.to_string()), ("colour", self.2.to_owned())]
        }
    }

    #[test]
    fn each_change_is_a_line() {
        let before = [
            Lamp("a", true, "red"),
            Lamp("b", true, "red"),
            Lamp("c", true, ""),
        ];
        let now = [
            Lamp("a", true, "red"),
            Lamp("b", false, ""),
            Lamp("d", false, ""),
        ];
        let lines: Vec<String> = changes(&before, &now).iter().map(Change::line).collect();
        let expected = [
            "changed  lamp b: lit true → false, colour red → none",
            "joined   lamp d: lit false",
            "left     lamp c",
        ];
        assert_eq!(lines, expected);
        assert!(changes(&now, &now).is_empty());
    }
}
