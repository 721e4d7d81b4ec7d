//! Calls that are dispatched while their response still streams.

use tokio::sync::mpsc;

use super::ToolUse;

/// Calls of one response that wait to be dispatched early, at most; those beyond are dispatched when the
/// response is whole. Chosen, not measured.
const EARLY_CALLS_MAX: usize = 1_024;

/// Takes calls early, or none at all where a run doesn't want that.
#[derive(Debug)]
pub struct EarlyCalls {
    sender: Option<mpsc::Sender<ToolUse>>,
    taken: usize,
}

impl EarlyCalls {
    /// Takes none.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            sender: None,
            taken: 0,
        }
    }

    /// Takes calls, to be received from the other end.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<ToolUse>) {
        let (sender, receiver) = mpsc::channel(EARLY_CALLS_MAX);
        let this = Self {
            sender: Some(sender),
            taken: 0,
        };
        (this, receiver)
    }

    /// Offers a call that is surely whole. Once one isn't taken, no later one of the response is: calls
    /// are opened in order.
    pub fn offer(&mut self, call: ToolUse) {
        if let Some(sender) = &self.sender {
            if sender.try_send(call).is_ok() {
                self.taken += 1;
            } else {
                self.sender = None;
            }
        }
    }

    /// Calls that were taken: from the first one on, a response that breaks off can't simply be asked for again.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }
}
