//! Which instance of a server a run must stay on (P11): what a server remembers for a run lives in one
//! process, and ends with it.

use std::collections::{BTreeMap, VecDeque};

use callboard_proto::RunId;

/// Runs that are remembered for one server; of the oldest beyond, nothing is known any more. Chosen, not
/// measured.
const RUNS_MAX: usize = 10_000;

/// One life of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LifeId {
    /// Which instance.
    pub(super) seat: usize,
    /// Counts its lives.
    pub(super) number: u64,
}

/// The runs that have a session, and where.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_run: BTreeMap<RunId, LifeId>,
    /// Oldest first.
    order: VecDeque<RunId>,
}

impl Sessions {
    /// Where a run's session is, if it has one.
    pub(super) fn find(&self, run: RunId) -> Option<LifeId> {
        self.by_run.get(&run).copied()
    }

    /// Notes where a run's session began.
    pub(super) fn begin(&mut self, run: RunId, life: LifeId) {
        if self.by_run.insert(run, life).is_some() {
            return;
        }
        self.order.push_back(run);
        if self.order.len() > RUNS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_run.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn run(number: u128) -> RunId {
        RunId::new(Uuid::from_u128(number))
    }

    #[test]
    fn a_run_stays_where_it_began_and_the_oldest_are_forgotten() {
        let mut sessions = Sessions::default();
        let life = |number| LifeId { seat: 0, number };
        sessions.begin(run(0), life(1));
        assert_eq!(sessions.find(run(0)), Some(life(1)));
        assert_eq!(sessions.find(run(1)), None);
        for number in 1..=RUNS_MAX as u128 {
            sessions.begin(run(number), life(2));
        }
        assert_eq!(sessions.find(run(0)), None);
        assert_eq!(sessions.find(run(1)), Some(life(2)));
        assert_eq!(sessions.by_run.len(), RUNS_MAX);
    }
}
