//! What becomes of a silent coordinator's attempts (P20).

use callboard_proto::Effect as ToolEffect;

use crate::held::Stage;
use crate::{StopReason, Worker};

impl Worker {
    /// Drops what hasn't started and stops reads for coordinators that fell silent; a granted write
    /// runs on, and its result is kept for whoever asks.
    pub(crate) fn drop_orphans(&mut self) {
        let silent = self.peers.fall_silent(self.now);
        if silent.is_empty() {
            return;
        }
        for at in self.held.places() {
            let Some(held) = self.held.find(at) else {
                continue;
            };
            if !silent.contains(&held.peer) {
                continue;
            }
            match (&held.stage, held.effect) {
                (Stage::Waiting { .. }, _)
                | (Stage::Queued(_), ToolEffect::Read | ToolEffect::Idempotent) => {
                    self.counters.orphans_dropped += 1;
                    self.drop_unstarted(at);
                }
                (Stage::Running, ToolEffect::Read | ToolEffect::Idempotent) => {
                    self.stop(at, StopReason::Orphaned);
                }
                (Stage::Queued(_) | Stage::Running, ToolEffect::Write) => {}
            }
        }
    }
}
