//! What happens in a run, told line by line on standard error while it happens.

use std::collections::HashMap;

use callboard_coordinator::core::{CallEvent, EventKind};
use callboard_coordinator::run::RunEvent;
use callboard_proto::{CallKey, Executed};
use tokio::sync::mpsc;

use crate::output;

/// Lines that wait to be written, at most; a run writes few, and those beyond are dropped.
const LINES_MAX: usize = 256;

/// Tells what happens, if it is on.
pub(super) struct Live {
    is_on: bool,
    /// The tools of the calls that are open.
    tools: HashMap<CallKey, String>,
}

impl Live {
    pub(super) fn new(is_on: bool) -> Self {
        Self {
            is_on,
            tools: HashMap::new(),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(super) fn switch_off(&mut self) {
        self.is_on = false;
    }

    /// What watches the run, and the lines that it wants told.
    pub(super) fn observer(
        &self,
        model: &str,
    ) -> (
        impl FnMut(&RunEvent<'_>) + Send + 'static,
        mpsc::Receiver<String>,
    ) {
        let (sender, receiver) = mpsc::channel(LINES_MAX);
        let model = model.to_owned();
        let is_on = self.is_on;
        let observe = move |event: &RunEvent<'_>| {
            if let Some(line) = describe(event, &model).filter(|_| is_on) {
                // A run never waits for who watches it.
                let _ = sender.try_send(line);
            }
        };
        (observe, receiver)
    }

    /// Tells what happened to a call.
    pub(super) fn tell(&mut self, event: &CallEvent) {
        if let Some(line) = self.describe(event).filter(|_| self.is_on) {
            output::note(&line);
        }
    }

    pub(super) fn missed(&self, events: u64) {
        output::note(&format!("  ({events} events came too fast to be told)"));
    }

    fn describe(&mut self, event: &CallEvent) -> Option<String> {
        let what = match &event.kind {
            EventKind::Opened { tool } => {
                let tool = tool.as_ref().map_or("?", |tool| tool.as_str());
                self.tools.insert(event.call.clone(), tool.to_owned());
                return None;
            }
            EventKind::Running { .. } | EventKind::Granted { .. } => return None,
            EventKind::Posted {
                attempt, worker, ..
            } if attempt.0 > 1 => format!("sent to {worker}, attempt {}", attempt.0),
            EventKind::Posted { worker, .. } => format!("sent to {worker}"),
            EventKind::Progress { percent, .. } => format!("{} %", (*percent)?),
            EventKind::Returned { why, delay, .. } => format!("came back ({why}), waits {delay:?}"),
            EventKind::Settled {
                kind,
                is_error,
                executed,
                elapsed,
                ..
            } => {
                let outcome = match (kind, is_error) {
                    (Some(kind), _) => format!("failed: {}", kind.as_str()),
                    (None, true) => "answered with an error".to_owned(),
                    (None, false) => "done".to_owned(),
                };
                let doubt = match (kind, executed) {
                    (Some(_), Executed::Unknown) => ", may have run",
                    (Some(_), Executed::Yes) => ", did run",
                    (Some(_), Executed::No) | (None, _) => "",
                };
                format!("{outcome}{doubt}, {} ms", elapsed.as_millis())
            }
            EventKind::LateResult { .. } => "answered too late".to_owned(),
        };
        let tool = self.tools.get(&event.call).map_or("?", String::as_str);
        let id = event.call.id.as_str().escape_debug();
        Some(format!("  {tool} {id}: {what}"))
    }
}

fn describe(event: &RunEvent<'_>, model: &str) -> Option<String> {
    let (turn, what) = match event {
        RunEvent::Asked { turn } => (turn, format!("{model} is asked")),
        RunEvent::StartedEarly { turn, call, tool } => {
            let id = call.as_str().escape_debug();
            (
                turn,
                format!("{tool} {id} starts while the model still writes"),
            )
        }
        RunEvent::Answered {
            turn, calls, usage, ..
        } => {
            let tokens = usage.map_or_else(String::new, |usage| {
                format!(
                    " ({} tokens in, {} out)",
                    usage.input_tokens, usage.output_tokens
                )
            });
            let what = match calls.len() {
                0 => "it answers".to_owned(),
                1 => "it asks for 1 call".to_owned(),
                calls => format!("it asks for {calls} calls"),
            };
            (turn, format!("{what}{tokens}"))
        }
        RunEvent::Failed { turn, message } => (turn, format!("no answer: {message}")),
        RunEvent::Discarded(report) => {
            let what = "what had begun is settled, and its results are dropped";
            (&report.turn.turn, what.to_owned())
        }
        RunEvent::Hidden { turn, hidden, .. } if !hidden.is_zero() => {
            let what = format!("its early calls made it {} ms shorter", hidden.as_millis());
            (turn, what)
        }
        RunEvent::Opened { .. }
        | RunEvent::Hidden { .. }
        | RunEvent::Reported(_)
        | RunEvent::Ended(_) => return None,
    };
    Some(format!("turn {}: {what}", turn.0))
}
