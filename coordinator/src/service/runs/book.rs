//! The book: what runs, and what ended lately, with the idempotency keys that stand for them. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;

use callboard_proto::RunId;

use super::Status;

/// What the book keeps of something that was begun.
#[derive(Debug)]
struct Kept<T> {
    value: T,
    key: Option<Key>,
    /// Its bytes, once it has ended.
    ended_bytes: Option<usize>,
}

/// An idempotency key, within those of one token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The token's name.
    pub(crate) caller: String,
    /// The key.
    pub(crate) key: String,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) running: usize,
    pub(crate) ended: usize,
}

/// Keeps what runs, and of what has ended the latest, within bounds.
#[derive(Debug)]
pub(crate) struct Book<T> {
    kept: BTreeMap<RunId, Kept<T>>,
    by_key: HashMap<Key, RunId>,
    /// In the order in which they ended.
    ended: VecDeque<RunId>,
    ended_bytes: usize,
    ended_max: usize,
    ended_bytes_max: usize,
}

impl<T> Book<T> {
    pub(crate) fn new(ended_max: usize, ended_bytes_max: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            by_key: HashMap::new(),
            ended: VecDeque::new(),
            ended_bytes: 0,
            ended_max,
            ended_bytes_max,
        }
    }

    /// Enters something that begins.
    ///
    /// # Panics
    /// When its id or key stands in the book already.
    pub(crate) fn enter(&mut self, run: RunId, key: Option<Key>, value: T) {
        if let Some(key) = &key {
            let before = self.by_key.insert(key.clone(), run);
            assert_eq!(before, None, "a key stands for one run");
        }
        let before = self.kept.insert(
            run,
            Kept {
                value,
                key,
                ended_bytes: None,
            },
        );
        assert!(before.is_none(), "an id stands for one run");
    }

    /// Notes that something has ended and what it takes to keep it; gives what is kept no longer.
    pub(crate) fn end(&mut self, run: RunId, bytes: usize) -> Vec<T> {
        let Some(kept) = self.kept.get_mut(&run) else {
            return Vec::new();
        };
        assert_eq!(kept.ended_bytes, None, "it ends once");
        kept.ended_bytes = Some(bytes);
        self.ended.push_back(run);
        self.ended_bytes += bytes;
        let mut gone = Vec::new();
        while self.ended.len() > self.ended_max
            || (self.ended_bytes > self.ended_bytes_max && self.ended.len() > 1)
        {
            let oldest = self.ended.pop_front().expect("there are some");
            gone.extend(self.forget(oldest));
        }
        gone
    }

    /// Takes something out.
    pub(crate) fn remove(&mut self, run: RunId) -> Option<T> {
        self.ended.retain(|ended| *ended != run);
        self.forget(run)
    }

    fn forget(&mut self, run: RunId) -> Option<T> {
        let kept = self.kept.remove(&run)?;
        self.ended_bytes -= kept.ended_bytes.unwrap_or(0);
        if let Some(key) = &kept.key {
            self.by_key.remove(key);
        }
        Some(kept.value)
    }

    pub(crate) fn find(&self, run: RunId) -> Option<&T> {
        self.kept.get(&run).map(|kept| &kept.value)
    }

    #[cfg(test)]
    fn status(&self, run: RunId) -> Option<Status> {
        self.kept.get(&run).map(Kept::status)
    }

    /// What a key stands for.
    pub(crate) fn by_key(&self, key: &Key) -> Option<RunId> {
        self.by_key.get(key).copied()
    }

    /// The latest first: at most `limit` of those that are `wanted` and older than `before`.
    pub(crate) fn list(
        &self,
        before: Option<RunId>,
        status: Option<Status>,
        wanted: impl Fn(&T) -> bool,
        limit: usize,
    ) -> Vec<(RunId, &T)> {
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        self.kept
            .range((Bound::Unbounded, end))
            .rev()
            .filter(|(_, kept)| status.is_none_or(|status| kept.status() == status))
            .filter(|(_, kept)| wanted(&kept.value))
            .take(limit)
            .map(|(run, kept)| (*run, &kept.value))
            .collect()
    }

    pub(crate) fn counts(&self, wanted: impl Fn(&T) -> bool) -> Counts {
        let mut counts = Counts::default();
        for kept in self.kept.values().filter(|kept| wanted(&kept.value)) {
            match kept.status() {
                Status::Running => counts.running += 1,
                Status::Ended => counts.ended += 1,
            }
        }
        counts
    }

    /// What runs.
    pub(crate) fn running(&self) -> impl Iterator<Item = &T> {
        self.kept
            .values()
            .filter(|kept| kept.ended_bytes.is_none())
            .map(|kept| &kept.value)
    }
}

impl<T> Kept<T> {
    fn status(&self) -> Status {
        match self.ended_bytes {
            None => Status::Running,
            Some(_) => Status::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::service::runs::Replica;

    fn run(number: u64) -> RunId {
        Replica::new(7).run_at(number, 0)
    }

    fn key(name: u64) -> Key {
        Key {
            caller: "a".to_owned(),
            key: name.to_string(),
        }
    }

    #[test]
    fn the_oldest_that_ended_go_first_and_what_runs_stays() {
        let mut book = Book::new(2, 100);
        for number in 1..=5 {
            book.enter(run(number), Some(key(number)), number);
        }
        assert_eq!(book.end(run(3), 10), [0; 0]);
        assert_eq!(book.end(run(1), 10), [0; 0]);
        assert_eq!(book.end(run(2), 10), [3]);
        assert_eq!(book.by_key(&key(3)), None);
        assert_eq!(book.by_key(&key(1)), Some(run(1)));
        assert_eq!(
            book.counts(|_| true),
            Counts {
                running: 2,
                ended: 2
            }
        );
        assert_eq!(
            book.end(run(4), 95),
            [1, 2],
            "the newest stays, whatever it has"
        );
        assert_eq!(book.find(run(4)), Some(&4));
    }

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let mut book = Book::new(100, 100);
        for number in 1..=9 {
            book.enter(run(number), None, number);
        }
        book.end(run(4), 0);
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let page = book.list(before, Some(Status::Running), |number| *number != 6, 3);
            let Some((last, _)) = page.last() else { break };
            before = Some(*last);
            seen.extend(page.iter().map(|(_, number)| **number));
        }
        assert_eq!(seen, [9, 8, 7, 5, 3, 2, 1]);
    }

    proptest! {
        #[test]
        fn bounds_hold_whatever_happens(steps in prop::collection::vec((0_u64..30, 0_usize..60), 1..200)) {
            let mut book = Book::new(5, 100);
            for (number, bytes) in steps {
                match book.status(run(number)) {
                    None => book.enter(run(number), Some(key(number)), number),
                    Some(Status::Running) => drop(book.end(run(number), bytes)),
                    Some(Status::Ended) => drop(book.remove(run(number))),
                }
                let counts = book.counts(|_| true);
                prop_assert!(counts.ended <= 5);
                prop_assert!(book.ended_bytes <= 100 || counts.ended == 1);
                prop_assert_eq!(book.by_key.len(), book.kept.len());
                prop_assert_eq!(book.ended.len(), counts.ended);
                prop_assert_eq!(book.running().count(), counts.running);
            }
        }
    }
}
