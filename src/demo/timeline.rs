//! What has happened to each call of a scene so far. Pure: fed with stamped happenings.

use std::time::Duration;

use callboard_coordinator::core::{CallEvent, EventKind};
use callboard_proto::{CallKey, Executed, FailureKind, WorkerName};

use super::paint::Tone;
use super::scene::Scene;

/// Something that happened, and when.
#[derive(Clone, Debug)]
pub(super) struct Stamped {
    /// The act in which it happened, from 0.
    pub(super) act: usize,
    /// Time from the scene's beginning.
    pub(super) at: Duration,
    pub(super) what: Happening,
}

/// What can happen.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// Something became of a call.
    Call(CallEvent),
    /// A worker's line was cut, while it held this call.
    Cut {
        worker: WorkerName,
        call: &'static str,
    },
}

/// The calls of a scene, in the order in which they were opened.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) call_deadline: Duration,
    pub(super) span: Duration,
    pub(super) rows: Vec<Row>,
    /// Width of the longest name that the scene will show, and of its longest tool.
    pub(super) name_width: usize,
    pub(super) tool_width: usize,
}

/// One call.
#[derive(Debug)]
pub(super) struct Row {
    act: usize,
    key: CallKey,
    pub(super) tool: String,
    pub(super) opened: Duration,
    pub(super) tries: Vec<Try>,
    /// When the line of the worker that held it was cut.
    pub(super) cut: Option<Duration>,
    pub(super) end: Option<End>,
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Try {
    pub(super) worker: String,
    posted: Duration,
    /// Since when the worker runs it, for all that is known.
    runs: Option<Duration>,
    ended: Option<Duration>,
}

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: Duration,
    pub(super) word: String,
    pub(super) tone: Tone,
}

impl Timeline {
    pub(super) fn new(scene: &Scene) -> Self {
        let width = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0)
        };
        Self {
            call_deadline: scene.call_deadline,
            span: scene.span,
            rows: Vec::new(),
            name_width: width(&mut scene.expected().map(|expected| expected.call)),
            tool_width: width(&mut scene.expected().map(|expected| expected.tool)),
        }
    }

    pub(super) fn apply(&mut self, stamped: &Stamped) {
        let at = stamped.at;
        match &stamped.what {
            Happening::Cut { call, .. } => {
                let row = self
                    .rows
                    .iter_mut()
                    .find(|row| row.act == stamped.act && row.name() == *call);
                if let Some(row) = row {
                    row.cut = Some(at);
                }
            }
            Happening::Call(event) => self.apply_event(stamped.act, at, event),
        }
    }

    fn apply_event(&mut self, act: usize, at: Duration, event: &CallEvent) {
        if let EventKind::Opened { tool } = &event.kind {
            self.rows.push(Row {
                act,
                key: event.call.clone(),
                tool: tool.as_ref().map(ToString::to_string).unwrap_or_default(),
                opened: at,
                tries: Vec::new(),
                cut: None,
                end: None,
            });
            return;
        }
        let row = self
            .rows
            .iter_mut()
            .find(|row| row.act == act && row.key == event.call);
        if let Some(row) = row {
            row.apply(at, &event.kind);
        }
    }
}

impl Row {
    pub(super) fn name(&self) -> &str {
        self.key.id.as_str()
    }

    /// The worker that has it, or had it last.
    pub(super) fn worker(&self) -> &str {
        self.tries.last().map_or("", |last| last.worker.as_str())
    }

    /// Whether a worker is known to run it at a time.
    pub(super) fn runs_at(&self, at: Duration) -> bool {
        self.tries.iter().any(|one| {
            one.runs.is_some_and(|runs| runs <= at) && one.ended.is_none_or(|ended| at < ended)
        })
    }

    fn apply(&mut self, at: Duration, kind: &EventKind) {
        match kind {
            EventKind::Opened { .. }
            | EventKind::Progress { .. }
            | EventKind::LateResult { .. } => {}
            EventKind::Posted { worker, .. } => self.tries.push(Try {
                worker: worker.to_string(),
                posted: at,
                runs: None,
                ended: None,
            }),
            EventKind::Running { .. } | EventKind::Granted { .. } => {
                if let Some(last) = self.tries.last_mut() {
                    last.runs.get_or_insert(at);
                }
            }
            EventKind::Returned { .. } => {
                if let Some(last) = self.tries.last_mut() {
                    last.ended.get_or_insert(at);
                }
            }
            EventKind::Settled {
                kind,
                is_error,
                executed,
                ..
            } => {
                if let Some(last) = self.tries.last_mut() {
                    last.ended.get_or_insert(at);
                    if *executed == Executed::Yes {
                        // A result that is faster than its acknowledgement stands for both (P7).
                        last.runs.get_or_insert(last.posted);
                    }
                }
                self.end = Some(End {
                    at,
                    word: word(*kind, *is_error),
                    tone: tone(*kind, *is_error),
                });
            }
        }
    }
}

/// An end in a word or two.
pub(super) fn word(kind: Option<FailureKind>, is_error: bool) -> String {
    match kind {
        Some(kind) => kind.as_str().replace('_', " "),
        None if is_error => "tool error".to_owned(),
        None => "completed".to_owned(),
    }
}

fn tone(kind: Option<FailureKind>, is_error: bool) -> Tone {
    match kind {
        None if is_error => Tone::Bad,
        None => Tone::Good,
        Some(FailureKind::TimedOut | FailureKind::Overloaded) => Tone::Late,
        Some(FailureKind::WorkerLost | FailureKind::NoWorker) => Tone::Lost,
        Some(FailureKind::Cancelled | FailureKind::Interrupted) => Tone::Dim,
        Some(
            FailureKind::InvalidArguments
            | FailureKind::UnknownTool
            | FailureKind::Refused
            | FailureKind::Poison
            | FailureKind::Crashed
            | FailureKind::OutputTooLarge
            | FailureKind::ProtocolError
            | FailureKind::Internal,
        ) => Tone::Bad,
    }
}
