//! Suspension of a tool on an instance that only fails (P9).

use std::time::{Duration, Instant};

use callboard_proto::{Digest, FailureKind};

use crate::config::Limits;

/// Longest suspension (chosen, not measured).
const SUSPENSION_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Record {
    digest: Digest,
    failures: u32,
    suspension: Option<Suspension>,
}

#[derive(Debug)]
struct Suspension {
    until: Instant,
    length: Duration,
    /// Whether the one probe call is on its way.
    probing: bool,
}

/// The tools of an instance that failed lately; those that work have no record.
#[derive(Debug, Default)]
pub(crate) struct Health {
    records: Vec<Record>,
}

impl Health {
    /// Whether the tool may be called here: it isn't suspended, or its probe is due.
    pub(crate) fn allows(&self, digest: Digest, now: Instant) -> bool {
        self.records
            .iter()
            .find(|record| record.digest == digest)
            .and_then(|record| record.suspension.as_ref())
            .is_none_or(|suspension| now >= suspension.until && !suspension.probing)
    }

    /// Notes that a call of the tool was placed here: after a suspension it is the probe.
    pub(crate) fn placed(&mut self, digest: Digest) {
        if let Some(suspension) = self
            .records
            .iter_mut()
            .find(|record| record.digest == digest)
            .and_then(|record| record.suspension.as_mut())
        {
            suspension.probing = true;
        }
    }

    /// Notes that the instance neither worked nor failed: a probe that went missing is sent again.
    pub(crate) fn returned(&mut self, digest: Digest) {
        if let Some(suspension) = self
            .records
            .iter_mut()
            .find(|record| record.digest == digest)
            .and_then(|record| record.suspension.as_mut())
        {
            suspension.probing = false;
        }
    }

    /// Notes how a call ended; whether the tool is now suspended here.
    pub(crate) fn ended(
        &mut self,
        digest: Digest,
        failure: Option<FailureKind>,
        limits: &Limits,
        now: Instant,
    ) -> bool {
        let at = self
            .records
            .iter()
            .position(|record| record.digest == digest);
        if !failure.is_some_and(counts) {
            if let Some(at) = at {
                self.records.remove(at);
            }
            return false;
        }
        let at = at.unwrap_or_else(|| {
            self.records.push(Record {
                digest,
                failures: 0,
                suspension: None,
            });
            self.records.len() - 1
        });
        let record = &mut self.records[at];
        record.failures += 1;
        if record.failures < limits.suspend_after {
            return false;
        }
        let length = match &record.suspension {
            // Calls that were on their way when it was suspended say nothing new.
            Some(suspension) if now < suspension.until => return false,
            Some(suspension) => (suspension.length * 2).min(SUSPENSION_MAX),
            None => limits.suspend_for,
        };
        record.suspension = Some(Suspension {
            until: now + length,
            length,
            probing: false,
        });
        true
    }

    /// The next moment at which a suspended tool may be probed.
    pub(crate) fn next_probe(&self) -> Option<Instant> {
        self.records
            .iter()
            .filter_map(|record| record.suspension.as_ref())
            .filter(|suspension| !suspension.probing)
            .map(|suspension| suspension.until)
            .min()
    }

    /// The tools that are suspended, for views.
    pub(crate) fn suspended(&self) -> Vec<Digest> {
        self.records
            .iter()
            .filter(|record| record.suspension.is_some())
            .map(|record| record.digest)
            .collect()
    }
}

/// The failures that speak against the instance rather than the call.
fn counts(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Crashed | FailureKind::Internal | FailureKind::ProtocolError => true,
        FailureKind::InvalidArguments
        | FailureKind::UnknownTool
        | FailureKind::Refused
        | FailureKind::NoWorker
        | FailureKind::Overloaded
        | FailureKind::TimedOut
        | FailureKind::WorkerLost
        | FailureKind::Poison
        | FailureKind::Cancelled
        | FailureKind::Interrupted
        | FailureKind::OutputTooLarge => false,
    }
}
