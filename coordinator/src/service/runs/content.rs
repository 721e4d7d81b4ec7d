//! What the calls of one run were given and answered, kept where the operator asked for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::view::{CallContent, Excerpt};
use crate::run::RunEvent;
use crate::traces::content::{answered, given};

/// Bytes of one text that are kept, at most: two of them, escaped, still fit into a message between
/// replicas.
const TEXT_BYTES_MAX: usize = 32 * 1024;
/// Bytes of one run that are kept, at most; what comes later is counted only. Chosen, not measured: 1,000
/// calls with 4 KiB each way.
const RUN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What the calls of one run were given and answered.
#[derive(Debug, Default)]
pub(super) struct Contents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    calls: HashMap<(u32, String), CallContent>,
    bytes: usize,
}

impl Contents {
    /// Keeps what a run tells.
    pub(super) fn observe(&self, event: &RunEvent<'_>) {
        let mut kept = self.kept();
        match event {
            RunEvent::Answered { turn, calls, .. } => {
                for call in *calls {
                    let text = kept.excerpt(given(call));
                    kept.of(turn.0, call.id.as_str()).arguments = Some(text);
                }
            }
            RunEvent::Reported(report) | RunEvent::Discarded(report) => {
                for call in &report.calls {
                    let text = kept.excerpt(answered(&call.outcome));
                    kept.of(report.turn.turn.0, call.id.as_str()).result = Some(text);
                }
            }
            RunEvent::Asked { .. }
            | RunEvent::Opened { .. }
            | RunEvent::StartedEarly { .. }
            | RunEvent::Failed { .. }
            | RunEvent::Hidden { .. }
            | RunEvent::Ended(_) => {}
        }
    }

    /// What is kept of one call.
    pub(super) fn of(&self, turn: u32, call: &str) -> Option<CallContent> {
        self.kept().calls.get(&(turn, call.to_owned())).cloned()
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.kept().bytes
    }

    /// What is kept is whole whenever the lock is free: a writer that panicked left nothing half behind.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn of(&mut self, turn: u32, call: &str) -> &mut CallContent {
        self.calls.entry((turn, call.to_owned())).or_default()
    }

    /// As much of a text as there is room for.
    fn excerpt(&mut self, mut text: String) -> Excerpt {
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let room = TEXT_BYTES_MAX.min(RUN_BYTES_MAX.saturating_sub(self.bytes));
        text.truncate(text.floor_char_boundary(room));
        text.shrink_to_fit();
        self.bytes += text.len();
        Excerpt { text, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_a_run_has_a_bound() {
        let mut kept = Kept::default();
        let long = "\u{e9}".repeat(TEXT_BYTES_MAX);
        let cut = kept.excerpt(format!("x{long}"));
        assert_eq!(cut.text.len(), TEXT_BYTES_MAX - 1);
        assert_eq!(cut.bytes, 1 + 2 * TEXT_BYTES_MAX as u64);
        assert_eq!(kept.excerpt("short".to_owned()).text, "short");
        while kept.bytes < RUN_BYTES_MAX {
            kept.excerpt(long.clone());
        }
        let full = kept.excerpt("short".to_owned());
        assert_eq!((full.text.as_str(), full.bytes), ("", 5));
    }
}
