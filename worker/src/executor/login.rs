//! A login that is refused while something runs: what runs goes on for a while, because a mistake in the
//! server's accounts is mended within it, and then nothing is lost.

use std::time::{Duration, Instant};

/// How long what runs goes on behind a refused login. Chosen, not measured: as long as a drain waits by default.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server's word, and until when what runs goes on; none while the login is accepted.
#[derive(Debug, Default)]
pub(super) struct RefusedLogin(Option<(String, Instant)>);

impl RefusedLogin {
    /// Notes the server's word. Gives whether it is the first since the login was accepted.
    pub(super) fn hear(&mut self, reason: String, now: Instant) -> bool {
        let is_first = self.0.is_none();
        self.0.get_or_insert((reason, now + PATIENCE));
        is_first
    }

    /// Notes that the login is accepted.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// The server's word, when there is nothing left to wait for.
    pub(super) fn due(&mut self, is_busy: bool, now: Instant) -> Option<String> {
        let refused = self.0.take_if(|(_, until)| !is_busy || *until <= now);
        refused.map(|(reason, _)| reason)
    }

    /// When it is to be looked at again at the latest.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.as_ref().map(|(_, until)| *until)
    }

    /// How long what runs goes on.
    pub(super) const fn patience() -> Duration {
        PATIENCE
    }
}
