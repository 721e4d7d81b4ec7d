//! Tools whose workers are away for a while: a run that begins meanwhile knows them all the same, so that
//! its calls are told that nobody is there (`no_worker`), and not that there is no such tool (P10).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use callboard_proto::Digest;

/// How long a tool is remembered that nobody offers. Chosen, not measured: a pool of one worker that
/// crashes is back after seconds, and after some crashes in a row Kubernetes waits 80 s.
const REMEMBERED: Duration = Duration::from_secs(120);

/// Tools that are remembered, at most: anybody may offer any number. Chosen, not measured.
const DIGESTS_MAX: usize = 10_000;

/// Tools that were on offer, and since when they are not.
#[derive(Debug, Default)]
pub(super) struct Absent {
    since: BTreeMap<Digest, Option<Instant>>,
}

impl Absent {
    /// These are offered now. Those that nobody offers any more are away from the first look on that misses
    /// them; gives those that are away, and forgets who was for too long.
    pub(super) fn look(&mut self, offered: &BTreeSet<Digest>, now: Instant) -> Vec<Digest> {
        self.since.retain(|digest, since| {
            offered.contains(digest)
                || now.saturating_duration_since(*since.get_or_insert(now)) < REMEMBERED
        });
        self.offered(offered.iter().copied());
        let away = self.since.iter().filter(|(_, since)| since.is_some());
        away.map(|(digest, _)| *digest).collect()
    }

    /// An instance offers these.
    pub(super) fn offered(&mut self, digests: impl IntoIterator<Item = Digest>) {
        for digest in digests {
            if self.since.len() < DIGESTS_MAX || self.since.contains_key(&digest) {
                self.since.insert(digest, None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Digest = Digest::new([1; 32]);
    const OTHER: Digest = Digest::new([2; 32]);

    fn offered(digests: &[Digest]) -> BTreeSet<Digest> {
        digests.iter().copied().collect()
    }

    #[test]
    fn a_tool_is_away_from_the_look_that_misses_it_until_it_is_back_or_forgotten() {
        let mut absent = Absent::default();
        let start = Instant::now();
        assert!(absent.look(&offered(&[ONE]), start).is_empty());
        absent.offered([OTHER]);
        let later = start + REMEMBERED * 10;
        assert_eq!(absent.look(&offered(&[]), later), [ONE, OTHER]);
        let nearly = later + REMEMBERED.mul_f64(0.999);
        assert_eq!(absent.look(&offered(&[ONE]), nearly), [OTHER]);
        assert_eq!(absent.look(&offered(&[]), later + REMEMBERED), [ONE]);
    }
}
