//! Who waits for which progress.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{ProgressNotificationParam, ProgressToken};

use crate::tool::ToolCall;

struct Watching {
    call: Arc<ToolCall>,
    /// The furthest that was heard: notices can overtake each other.
    furthest: f64,
}

/// The calls in flight on one connection, by their progress tokens.
#[derive(Default)]
pub(super) struct Progress {
    watching: Mutex<HashMap<ProgressToken, Watching>>,
}

impl Progress {
    /// Passes progress on to a call until what is given back is dropped.
    pub(super) fn watch(self: &Arc<Self>, token: ProgressToken, call: Arc<ToolCall>) -> Watched {
        let watching = Watching {
            call,
            furthest: f64::NEG_INFINITY,
        };
        self.lock().insert(token.clone(), watching);
        Watched {
            progress: Arc::clone(self),
            token,
        }
    }

    /// Takes what a server says. What nobody waits for any more is dropped.
    pub(super) fn take(&self, params: ProgressNotificationParam) {
        let mut watching = self.lock();
        let Some(watching) = watching.get_mut(&params.progress_token) else {
            return;
        };
        if params.progress < watching.furthest {
            return;
        }
        watching.furthest = params.progress;
        let (percent, bare) = percent(params.progress, params.total);
        let message = params.message.or(bare);
        watching.call.progress(percent, message.as_deref());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProgressToken, Watching>> {
        // What is behind the lock is one insert or remove, so a panic leaves it sound.
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Percent where the whole is known; else the number itself, as a text.
fn percent(progress: f64, total: Option<f64>) -> (Option<u8>, Option<String>) {
    match total.filter(|total| *total > 0.0) {
        Some(total) => {
            let share = (progress / total * 100.0).clamp(0.0, 100.0);
            let percent = (0..=100_u8)
                .rev()
                .find(|percent| f64::from(*percent) <= share);
            (percent, None)
        }
        None => (None, Some(progress.to_string())),
    }
}

/// A call whose progress is passed on.
pub(super) struct Watched {
    progress: Arc<Progress>,
    token: ProgressToken,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.progress.lock().remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::NumberOrString;

    use super::*;

    #[test]
    fn progress_goes_to_its_call_and_never_backwards() {
        let (call, control) = ToolCall::detached("{}");
        let progress = Arc::new(Progress::default());
        let token = |number| ProgressToken(NumberOrString::Number(number));
        let said = |number, at: f64, total| {
            let mut params = ProgressNotificationParam::new(token(number), at);
            params.total = total;
            progress.take(params);
            control.progress()
        };
        let watched = progress.watch(token(1), Arc::new(call));
        assert_eq!(said(1, 3.0, Some(8.0)).percent, Some(37));
        assert_eq!(said(1, 2.0, Some(8.0)).percent, Some(37));
        assert_eq!(said(2, 8.0, Some(8.0)).percent, Some(37));
        assert_eq!(said(1, 9.0, Some(8.0)).percent, Some(100));
        assert_eq!(said(1, 10.0, None).message.as_deref(), Some("10"));
        drop(watched);
        assert_eq!(said(1, 11.0, Some(100.0)).percent, None);
    }
}
