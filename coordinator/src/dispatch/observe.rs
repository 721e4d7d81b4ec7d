//! Who is told what becomes of calls, and misses nothing.

use std::fmt;
use std::sync::Arc;

use callboard_coordinator_core::{CallEvent, Report};

/// Is told what becomes of the calls of watched turns ([`TurnOptions::is_watched`]), each event once
/// and in order; those of other turns come too while somebody listens to
/// [`DispatchHandle::events`](super::DispatchHandle::events). Called inside of the dispatcher's own
/// task: it must be quick and must not block.
///
/// [`TurnOptions::is_watched`]: callboard_coordinator_core::TurnOptions::is_watched
pub trait ObserveCalls: fmt::Debug + Send + Sync + 'static {
    /// Takes notice.
    fn observe(&self, event: &CallEvent);

    /// Takes notice of a report, of any turn.
    fn reported(&self, _report: &Report) {}
}

/// Several are told, one after the other.
impl ObserveCalls for Vec<Arc<dyn ObserveCalls>> {
    fn observe(&self, event: &CallEvent) {
        for observer in self {
            observer.observe(event);
        }
    }

    fn reported(&self, report: &Report) {
        for observer in self {
            observer.reported(report);
        }
    }
}
