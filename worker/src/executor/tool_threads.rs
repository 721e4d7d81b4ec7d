//! The threads on which tools are executed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use callboard_proto::{Outcome, TraceContext};
use callboard_worker_core::Finished;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::runtime::{Handle, Runtime};
use tokio::time::Instant;

use crate::executor::ending;
use crate::executor::options::{Options, StartError, ToolRuntime};
use crate::executor::outbox::Outbox;
use crate::executor::scope::Scope;
use crate::tool::{CallState, Phase, Tool, ToolCall, ToolResult, check_object};

/// How long a batch may poll tools one after the other before it hands back what ended and lets
/// others have the thread (chosen, not measured).
const SLICE: Duration = Duration::from_millis(1);

/// One call, ready to enter its tool.
pub(super) struct Entry {
    /// The tool.
    pub(super) tool: Arc<dyn Tool>,
    /// What it is given.
    pub(super) call: ToolCall,
    /// The attempt's span, where its trace is recorded.
    pub(super) trace: Option<TraceContext>,
    /// Largest result that may leave, in bytes.
    pub(super) output_bytes_max: usize,
}

/// The threads on which tools are executed.
pub(super) struct ToolThreads {
    /// `None` once they are told to end, or where they belong to somebody else.
    own: Option<Runtime>,
    handle: Handle,
    outbox: Arc<Outbox>,
}

impl ToolThreads {
    pub(super) fn new(options: &Options, outbox: Arc<Outbox>) -> Result<Self, StartError> {
        let (own, handle) = match &options.tool_runtime {
            ToolRuntime::Own(threads) => {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(threads.get())
                    .max_blocking_threads(options.blocking_threads.get())
                    .thread_name("callboard-tools")
                    .enable_all()
                    .build()
                    .map_err(StartError::Threads)?;
                let handle = runtime.handle().clone();
                (Some(runtime), handle)
            }
            ToolRuntime::Shared(handle) => (None, handle.clone()),
        };
        Ok(Self {
            own,
            handle,
            outbox,
        })
    }

    /// Hands a whole batch over, with one wake-up.
    pub(super) fn enter(&self, batch: Vec<Entry>) {
        if !batch.is_empty() {
            let outbox = Arc::clone(&self.outbox);
            self.handle.spawn(enter_batch(batch, outbox));
        }
    }
}

impl Drop for ToolThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.own.take() {
            // A tool that blocks would hold up the drop of the runtime.
            runtime.shutdown_background();
        }
    }
}

/// Polls each tool once, in order, hands back together what answered at once, and makes tasks of
/// the rest.
async fn enter_batch(batch: Vec<Entry>, outbox: Arc<Outbox>) {
    let mut finished = Vec::with_capacity(batch.len());
    // One look at the clock per tool: one begins when the one before it answered.
    let mut now = Instant::now();
    let mut slice_ends = now + SLICE;
    for entry in batch {
        let Some(mut execution) = Execution::enter(entry, now, &mut finished) else {
            continue;
        };
        match std::future::poll_fn(|cx| Poll::Ready(execution.poll_unpin(cx))).await {
            Poll::Ready(end) => {
                now = Instant::now();
                finished.extend(end.map(|end| end.at(now)));
            }
            Poll::Pending => {
                let state = Arc::clone(&execution.state);
                state.set_task(spawn(execution, &outbox));
                now = Instant::now();
            }
        }
        if now >= slice_ends {
            outbox.finish(&mut finished);
            tokio::task::yield_now().await;
            now = Instant::now();
            slice_ends = now + SLICE;
        }
    }
    outbox.finish(&mut finished);
}

fn spawn(execution: Execution, outbox: &Arc<Outbox>) -> tokio::task::AbortHandle {
    let outbox = Arc::clone(outbox);
    tokio::spawn(async move {
        let end = execution.await;
        outbox.finish(&mut Vec::from_iter(end.map(|end| end.at(Instant::now()))));
    })
    .abort_handle()
}

/// A tool that was entered. Resolves to its end, or to nothing when the executor took the end first.
struct Execution {
    future: BoxFuture<'static, ToolResult>,
    scope: Scope,
    state: Arc<CallState>,
    entered: Instant,
    output_bytes_max: usize,
}

impl Execution {
    /// Enters the tool. What ends before there is a future goes to `finished`.
    fn enter(entry: Entry, now: Instant, finished: &mut Vec<Finished>) -> Option<Self> {
        let Entry {
            tool,
            call,
            trace,
            output_bytes_max,
        } = entry;
        let state = Arc::clone(call.state());
        if let Err(error) = check_object(call.arguments()) {
            if state.take_end().is_some() {
                finished.push(Finished {
                    of: state.of.clone(),
                    place: Some(state.place),
                    outcome: ending::of_error(error, None, output_bytes_max),
                    executed: Duration::ZERO,
                });
            }
            return None;
        }
        if !state.enter() {
            return None;
        }
        let entered = now;
        let scope = Scope::new(&state.of, trace);
        // The tool's own code begins here.
        let future = match catch_unwind(AssertUnwindSafe(|| scope.within(|| tool.call(call)))) {
            Ok(future) => future,
            Err(panic) => {
                if state.take_end().is_some() {
                    finished.push(Finished {
                        of: state.of.clone(),
                        place: Some(state.place),
                        outcome: ending::of_panic(panic.as_ref()),
                        executed: entered.elapsed(),
                    });
                }
                return None;
            }
        };
        Some(Self {
            future,
            scope,
            state,
            entered,
            output_bytes_max,
        })
    }
}

/// The end of an attempt, before its time is taken.
struct End {
    state: Arc<CallState>,
    outcome: Outcome,
    entered: Instant,
}

impl End {
    fn at(self, now: Instant) -> Finished {
        Finished {
            of: self.state.of.clone(),
            place: Some(self.state.place),
            outcome: self.outcome,
            executed: now.saturating_duration_since(self.entered),
        }
    }
}

impl Future for Execution {
    type Output = Option<End>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<End>> {
        // After a panic it is dropped, and never polled again.
        let Self { future, scope, .. } = &mut *self;
        let poll = AssertUnwindSafe(|| scope.within(|| future.as_mut().poll(cx)));
        let result = match catch_unwind(poll) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(panic) => Err(panic),
        };
        let stop = self.state.stop_reason();
        let outcome = match result {
            Ok(Ok(answer)) => ending::of_answer(answer, self.output_bytes_max),
            Ok(Err(error)) => ending::of_error(error, stop, self.output_bytes_max),
            Err(panic) => ending::of_panic(panic.as_ref()),
        };
        let end = match self.state.take_end() {
            Some(Phase::Queued | Phase::Entered) => Some(End {
                state: Arc::clone(&self.state),
                outcome,
                entered: self.entered,
            }),
            None => None,
        };
        Poll::Ready(end)
    }
}
