//! One run or execution: what it is, how far it is, how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use callboard_coordinator_core::CancelReason;
use callboard_proto::{RunId, Tenant, TraceContext};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::Status;
use super::content::Contents;
use super::view::{CallContent, Events, Page, RunView};
use crate::run::{Observe, RunEvent, in_ms};
use crate::run_log::{Recorder, RunLog, RunLogs};
use crate::service::refusal::Refusal;
use crate::service::token::Caller;

/// What it is that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A conversation.
    Run,
    /// One turn of somebody else's.
    Execution,
}

/// What is known of it from its begin.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) run: RunId,
    pub(super) kind: Kind,
    pub(super) caller: String,
    pub(super) tenant: Tenant,
    pub(super) model: String,
    pub(super) task: String,
    pub(super) trace: Option<TraceContext>,
    pub(super) keeps_content: bool,
    /// Where traces are shown.
    pub(super) traces_url: Option<String>,
    /// Of what was asked for, where a key stands for it.
    pub(super) fingerprint: Option<String>,
    pub(super) started_at: SystemTime,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) reason: String,
    pub(super) output: Box<RawValue>,
    pub(super) elapsed: Duration,
}

/// One run or execution.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) about: About,
    pub(super) log: Arc<RunLog>,
    logs: Arc<RunLogs>,
    began: Instant,
    progress: Arc<Progress>,
    /// Where the operator asked for it.
    contents: Option<Arc<Contents>>,
    cancel: watch::Sender<Option<CancelReason>>,
    end: watch::Sender<Option<Arc<End>>>,
}

#[derive(Debug, Default)]
struct Progress {
    turns: AtomicU32,
    calls: AtomicU64,
}

/// Writes down what a run tells, and how far it is.
#[derive(Debug)]
pub(super) struct Follower {
    recorder: Recorder,
    progress: Arc<Progress>,
    contents: Option<Arc<Contents>>,
}

impl Observe for Follower {
    fn observe(&mut self, event: &RunEvent<'_>) {
        if let RunEvent::Answered { calls, .. } = event {
            self.progress.turns.fetch_add(1, Ordering::Relaxed);
            let calls = u64::try_from(calls.len()).unwrap_or(u64::MAX);
            self.progress.calls.fetch_add(calls, Ordering::Relaxed);
        }
        if let Some(contents) = &self.contents {
            contents.observe(event);
        }
        self.recorder.observe(event);
    }
}

impl Act {
    /// Begins its log. The follower is told what happens in it.
    pub(super) fn begin(about: About, logs: &Arc<RunLogs>) -> (Arc<Self>, Follower) {
        let (log, recorder) = logs.begin(about.run, &about.model, about.trace.as_ref());
        let progress = Arc::new(Progress::default());
        let contents = about.keeps_content.then(Arc::<Contents>::default);
        let act = Arc::new(Self {
            about,
            log,
            logs: Arc::clone(logs),
            began: Instant::now(),
            progress: Arc::clone(&progress),
            contents: contents.clone(),
            cancel: watch::Sender::new(None),
            end: watch::Sender::new(None),
        });
        let follower = Follower {
            recorder,
            progress,
            contents,
        };
        (act, follower)
    }

    /// Asks it to end; the first reason stands.
    pub(super) fn cancel(&self, reason: CancelReason) {
        self.cancel.send_if_modified(|asked| {
            let is_first = asked.is_none();
            asked.get_or_insert(reason);
            is_first
        });
    }

    /// Waits until it is asked to end.
    pub(super) async fn cancelled(&self) -> CancelReason {
        let mut asked = self.cancel.subscribe();
        match asked.wait_for(Option::is_some).await.map(|reason| *reason) {
            Ok(Some(reason)) => reason,
            // The sender is its own, which outlives the borrow.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Notes how it ended; gives what it takes to keep it, in bytes of JSON.
    pub(super) fn finish(&self, reason: String, output: Box<RawValue>) -> usize {
        let contents = self
            .contents
            .as_ref()
            .map_or(0, |contents| contents.bytes());
        let bytes = output.get().len() + self.log_bytes() + contents;
        self.end.send_replace(Some(Arc::new(End {
            reason,
            output,
            elapsed: self.began.elapsed(),
        })));
        bytes
    }

    fn log_bytes(&self) -> usize {
        let mut counter = Counter(0);
        let mut after = 0;
        while let Ok(entries) = self.log.read(after, 1024)
            && let Some(last) = entries.last()
        {
            after = last.seq;
            for entry in entries {
                serde_json::to_writer(&mut counter, &*entry)
                    .expect("entries are JSON and a counter takes all");
            }
        }
        counter.0
    }

    pub(super) fn ended(&self) -> Option<Arc<End>> {
        self.end.borrow().clone()
    }

    /// Waits for its end.
    pub(super) async fn finished(&self) -> Arc<End> {
        let mut end = self.end.subscribe();
        match end.wait_for(Option::is_some).await.map(|end| end.clone()) {
            Ok(Some(end)) => end,
            // The sender is its own, which outlives the borrow.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    pub(super) fn is_seen_by(&self, caller: &Caller) -> bool {
        caller.sees(&self.about.tenant, &self.about.caller)
    }

    pub(super) fn view(&self, with_report: bool) -> RunView {
        let About {
            run,
            caller,
            model,
            task,
            trace,
            keeps_content,
            traces_url,
            started_at,
            ..
        } = &self.about;
        let end = self.ended();
        let elapsed = end.as_ref().map_or(self.began.elapsed(), |end| end.elapsed);
        // Nobody finds one that isn't recorded.
        let trace = trace.filter(TraceContext::is_sampled);
        let trace_id = trace.map(|trace| trace.trace_text());
        RunView {
            id: run.to_string(),
            status: if end.is_some() {
                Status::Ended
            } else {
                Status::Running
            },
            model: model.clone(),
            task: task.clone(),
            started_at: humantime::format_rfc3339_millis(*started_at).to_string(),
            started_by: caller.clone(),
            cancelling: end.is_none() && self.cancel.borrow().is_some(),
            turns: self.progress.turns.load(Ordering::Relaxed),
            calls: self.progress.calls.load(Ordering::Relaxed),
            elapsed_ms: in_ms(elapsed),
            trace_url: traces_url
                .as_ref()
                .zip(trace_id.as_ref())
                .map(|(base, id)| format!("{}/trace/{id}", base.trim_end_matches('/'))),
            trace_id,
            keeps_content: *keeps_content,
            reason: end.as_ref().map(|end| end.reason.clone()),
            report: end.filter(|_| with_report).map(|end| end.output.clone()),
        }
    }

    /// What one of its calls was given and answered.
    ///
    /// # Errors
    /// [`Refusal::ContentOff`], and [`Refusal::CallUnknown`] where no such call was asked for yet.
    pub(super) fn content(&self, turn: u32, call: &str) -> Result<CallContent, Refusal> {
        let contents = self.contents.as_ref().ok_or(Refusal::ContentOff)?;
        contents.of(turn, call).ok_or(Refusal::CallUnknown)
    }

    /// Its events after one; waits for the first.
    pub(super) async fn events(&self, wanted: Events) -> Page {
        let Events {
            after,
            limit,
            wait_ms,
        } = wanted;
        let wait = self.log.wait(after);
        match tokio::time::timeout(Duration::from_millis(wait_ms), wait).await {
            // Nothing came yet.
            Err(_elapsed) => return Page::default(),
            Ok(false) => {
                return Page {
                    is_last: true,
                    ..Page::default()
                };
            }
            Ok(true) => {}
        }
        match self.log.tell(after, limit) {
            Ok(entries) => Page {
                entries,
                ..Page::default()
            },
            Err(missed) => Page {
                first_kept: Some(missed.first_kept),
                ..Page::default()
            },
        }
    }
}

impl Drop for Act {
    fn drop(&mut self) {
        // What is still told of it finds nobody.
        self.logs.end(self.about.run);
    }
}

/// Counts what is written.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
