//! What the executor and a running tool share about one attempt: whether it must stop, whether its
//! end was already taken, and how far it is.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use callboard_proto::AttemptKey;
use callboard_worker_core::StopReason;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Longest progress message that is kept, in bytes (chosen, not measured).
const PROGRESS_BYTES_MAX: usize = 512;

/// How far a tool says it is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Progress {
    /// Percent done, 0 to 100, if the tool knows.
    pub percent: Option<u8>,
    /// What the tool says about it.
    pub message: Option<String>,
}

/// Where an attempt that has news of its progress puts itself.
pub(crate) trait ProgressInbox: Send + Sync {
    /// Takes an attempt whose progress changed since it was last read.
    fn progressed(&self, state: Arc<CallState>);
}

/// The shared state of one attempt.
pub(crate) struct CallState {
    /// The attempt.
    pub(crate) of: AttemptKey,
    /// Its place in the executor's table; 0 where there is no executor.
    pub(crate) place: usize,
    phase: AtomicU8,
    /// 0 while it may run, else the reason for its stop.
    stop: AtomicU8,
    stopped: Notify,
    /// Whether the tool has looked at its cancellation.
    watches: AtomicBool,
    /// Whether a thread of its own is executing the tool now.
    on_thread: AtomicBool,
    /// The task that it became, if it did not answer at once.
    task: OnceLock<AbortHandle>,
    progress: Mutex<ProgressState>,
    inbox: Option<Arc<dyn ProgressInbox>>,
}

/// What an attempt was when its end was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its tool had not been entered and never will be.
    Queued,
    /// Its tool had been entered.
    Entered,
}

const QUEUED: u8 = 0;
const ENTERED: u8 = 1;
const ENDED: u8 = 2;

#[derive(Default)]
struct ProgressState {
    latest: Progress,
    is_unread: bool,
}

const RUNNING: u8 = 0;
const STOPPED: u8 = 5;

fn code(reason: StopReason) -> u8 {
    match reason {
        StopReason::TimedOut => 1,
        StopReason::Cancelled => 2,
        StopReason::Orphaned => 3,
        StopReason::Drained => 4,
    }
}

impl CallState {
    pub(crate) fn new(
        of: AttemptKey,
        place: usize,
        inbox: Option<Arc<dyn ProgressInbox>>,
    ) -> Arc<Self> {
        Arc::new(Self::of_attempt(of, place, inbox))
    }

    /// Makes this the state of another attempt, if nobody holds it any more; else gives a new one.
    pub(crate) fn reused(self: Arc<Self>, of: AttemptKey, place: usize) -> Arc<Self> {
        let mut state = self;
        match Arc::get_mut(&mut state) {
            Some(own) => {
                let inbox = own.inbox.take();
                *own = Self::of_attempt(of, place, inbox);
                state
            }
            None => Self::new(of, place, state.inbox.clone()),
        }
    }

    fn of_attempt(of: AttemptKey, place: usize, inbox: Option<Arc<dyn ProgressInbox>>) -> Self {
        Self {
            of,
            place,
            phase: AtomicU8::new(QUEUED),
            stop: AtomicU8::new(RUNNING),
            stopped: Notify::new(),
            watches: AtomicBool::new(false),
            on_thread: AtomicBool::new(false),
            task: OnceLock::new(),
            progress: Mutex::default(),
            inbox,
        }
    }

    /// Tells the tool to stop; the first reason stays. There is none where the whole executor ends,
    /// or a test of the tool's own asks.
    pub(crate) fn stop(&self, reason: Option<StopReason>) {
        let code = reason.map_or(STOPPED, code);
        if self
            .stop
            .compare_exchange(RUNNING, code, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
        {
            self.stopped.notify_waiters();
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire) != RUNNING
    }

    /// Why the tool was told to stop, if it was told by the executor.
    pub(crate) fn stop_reason(&self) -> Option<StopReason> {
        match self.stop.load(Ordering::Acquire) {
            1 => Some(StopReason::TimedOut),
            2 => Some(StopReason::Cancelled),
            3 => Some(StopReason::Orphaned),
            4 => Some(StopReason::Drained),
            _ => None,
        }
    }

    pub(crate) async fn stopped(&self) {
        // Made before the flag is read, so a stop between the two still wakes it.
        let stopped = self.stopped.notified();
        if !self.is_stopped() {
            stopped.await;
        }
    }

    pub(crate) fn watch(&self) {
        self.watches.store(true, Ordering::Release);
    }

    pub(crate) fn is_watching(&self) -> bool {
        self.watches.load(Ordering::Acquire)
    }

    pub(crate) fn set_on_thread(&self, on_thread: bool) {
        self.on_thread.store(on_thread, Ordering::Release);
    }

    pub(crate) fn is_on_thread(&self) -> bool {
        self.on_thread.load(Ordering::Acquire)
    }

    /// Enters the tool, unless the attempt's end was taken before.
    pub(crate) fn enter(&self) -> bool {
        self.phase
            .compare_exchange(QUEUED, ENTERED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Takes the right to report the attempt's end, and says what it ends; only the first asker
    /// gets it. An attempt that was queued can't be entered from here on.
    pub(crate) fn take_end(&self) -> Option<Phase> {
        match self.phase.swap(ENDED, Ordering::AcqRel) {
            QUEUED => Some(Phase::Queued),
            ENTERED => Some(Phase::Entered),
            _ => None,
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.phase.load(Ordering::Acquire) == ENDED
    }

    pub(crate) fn set_task(&self, task: AbortHandle) {
        let task = self.task.get_or_init(|| task);
        // The end may have been taken before there was a task to abort.
        if self.is_ended() {
            task.abort();
        }
    }

    /// Drops the tool's future, if it became a task.
    pub(crate) fn abort(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    pub(crate) fn report(self: &Arc<Self>, mut progress: Progress) {
        progress.percent = progress.percent.map(|percent| percent.min(100));
        if let Some(message) = &mut progress.message {
            message.truncate(message.floor_char_boundary(PROGRESS_BYTES_MAX));
        }
        let was_read = {
            let mut state = self.progress();
            state.latest = progress;
            !std::mem::replace(&mut state.is_unread, true)
        };
        if was_read && let Some(inbox) = &self.inbox {
            inbox.progressed(Arc::clone(self));
        }
    }

    /// Reads the latest progress; the next change is announced again.
    pub(crate) fn read_progress(&self) -> Progress {
        let mut state = self.progress();
        state.is_unread = false;
        state.latest.clone()
    }

    /// Looks at the latest progress without marking it as read.
    pub(crate) fn peek_progress(&self) -> Progress {
        self.progress().latest.clone()
    }

    fn progress(&self) -> MutexGuard<'_, ProgressState> {
        // What is behind the lock is replaced as a whole, so a panic leaves it sound.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The other end of a call that a tool's own test made, see [`crate::tool::ToolCall::detached`].
#[derive(Clone)]
pub struct CallControl(Arc<CallState>);

impl CallControl {
    pub(crate) fn new(state: Arc<CallState>) -> Self {
        Self(state)
    }

    /// Tells the tool to stop.
    pub fn cancel(&self) {
        self.0.stop(None);
    }

    /// The latest progress that the tool reported; empty before the first.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.0.peek_progress()
    }
}
