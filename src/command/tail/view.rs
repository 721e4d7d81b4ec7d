//! What happens in a run, line by line.

use std::collections::{HashMap, HashSet};

use callboard_coordinator::run_log::{CallName, Entry, Happening};
use crossterm::style::{Color, Stylize as _};

use crate::view::plain;

/// Which entries are told.
#[derive(Debug)]
pub(super) struct Filter {
    tools: HashSet<String>,
    errors: bool,
    /// Calls of the tools that are wanted.
    wanted: HashSet<CallName>,
}

impl Filter {
    pub(super) fn new(tools: &[String], errors: bool) -> Self {
        Self {
            tools: tools.iter().cloned().collect(),
            errors,
            wanted: HashSet::new(),
        }
    }

    pub(super) fn wants(&mut self, what: &Happening) -> bool {
        if let Happening::CallOpened { call, tool } = what
            && tool.as_ref().is_some_and(|tool| self.tools.contains(tool))
        {
            self.wanted.insert(call.clone());
        }
        let is_of_tool =
            self.tools.is_empty() || call_of(what).is_some_and(|call| self.wanted.contains(call));
        // How the run ended is always told: it is why the tail ends.
        let is_end = matches!(what, Happening::RunEnded { .. });
        is_end || is_of_tool && (!self.errors || is_error(what))
    }
}

fn call_of(what: &Happening) -> Option<&CallName> {
    match what {
        Happening::CallOpened { call, .. }
        | Happening::CallPosted { call, .. }
        | Happening::CallRunning { call, .. }
        | Happening::CallGranted { call, .. }
        | Happening::CallProgress { call, .. }
        | Happening::CallReturned { call, .. }
        | Happening::CallSettled { call, .. }
        | Happening::CallLate { call, .. } => Some(call),
        Happening::RunStarted { .. }
        | Happening::ModelAsked { .. }
        | Happening::ModelAnswered { .. }
        | Happening::ModelFailed { .. }
        | Happening::TurnOpened { .. }
        | Happening::TurnReported { .. }
        | Happening::RunEnded { .. } => None,
    }
}

/// Whether something went wrong.
fn is_error(what: &Happening) -> bool {
    match what {
        Happening::ModelFailed { .. } | Happening::CallLate { .. } => true,
        // Full workers and old beats are how calls wait.
        Happening::CallReturned { why, .. } => !matches!(&**why, "busy" | "stale" | "draining"),
        Happening::CallSettled { outcome, .. } => outcome != "completed",
        Happening::TurnReported {
            stopped, discarded, ..
        } => stopped != "settled" || *discarded,
        Happening::RunEnded { reason, .. } => reason != "answered",
        Happening::RunStarted { .. }
        | Happening::ModelAsked { .. }
        | Happening::ModelAnswered { .. }
        | Happening::TurnOpened { .. }
        | Happening::CallOpened { .. }
        | Happening::CallPosted { .. }
        | Happening::CallRunning { .. }
        | Happening::CallGranted { .. }
        | Happening::CallProgress { .. } => false,
    }
}

/// Writes entries as lines.
#[derive(Debug)]
pub(super) struct Lines {
    is_colored: bool,
    tools: HashMap<CallName, String>,
}

impl Lines {
    pub(super) fn new(is_colored: bool) -> Self {
        Self {
            is_colored,
            tools: HashMap::new(),
        }
    }

    /// The line of an entry; nothing for what the next one says as well.
    pub(super) fn of(&mut self, entry: &Entry) -> Option<String> {
        if let Happening::CallOpened {
            call,
            tool: Some(tool),
        } = &entry.what
        {
            self.tools.insert(call.clone(), tool.clone());
        }
        let text = text(&entry.what)?;
        let who = match call_of(&entry.what) {
            Some(call) => {
                let tool = self.tools.get(call).map_or("?", String::as_str);
                format!("  {tool} {}: ", plain::line(&call.id))
            }
            None => String::new(),
        };
        let time = format!("{:>9.1} ms", entry.at_ms);
        if !self.is_colored {
            return Some(format!("{time}  {who}{text}"));
        }
        let color = match &entry.what {
            what if is_error(what) => Color::Red,
            Happening::CallSettled { .. } | Happening::RunEnded { .. } => Color::Green,
            Happening::CallReturned { .. } => Color::Yellow,
            Happening::RunStarted { .. }
            | Happening::ModelAsked { .. }
            | Happening::ModelAnswered { .. }
            | Happening::ModelFailed { .. }
            | Happening::TurnOpened { .. }
            | Happening::CallOpened { .. }
            | Happening::CallPosted { .. }
            | Happening::CallRunning { .. }
            | Happening::CallGranted { .. }
            | Happening::CallProgress { .. }
            | Happening::CallLate { .. }
            | Happening::TurnReported { .. } => Color::Reset,
        };
        Some(format!("{}  {who}{}", time.dark_grey(), text.with(color)))
    }
}

fn text(what: &Happening) -> Option<String> {
    Some(match what {
        Happening::RunStarted {
            run,
            model,
            started_at,
            trace_id,
        } => {
            let trace = trace_id.as_ref();
            let trace = trace.map_or_else(String::new, |id| format!(", trace {id}"));
            format!("run {run} with {model}, {started_at}{trace}")
        }
        Happening::ModelAsked { turn } => format!("turn {turn}: the model is asked"),
        Happening::ModelAnswered {
            turn, text, calls, ..
        } => {
            let said = plain::line(text);
            let calls = match calls {
                0 => "answers".to_owned(),
                1 => "asks for 1 call".to_owned(),
                calls => format!("asks for {calls} calls"),
            };
            match said.trim() {
                "" => format!("turn {turn}: it {calls}"),
                said => format!("turn {turn}: it {calls}: {said}"),
            }
        }
        Happening::ModelFailed { turn, message } => {
            format!("turn {turn}: no answer: {}", plain::line(message))
        }
        Happening::CallPosted {
            attempt, worker, ..
        } if *attempt > 1 => format!("sent to {worker}, attempt {attempt}"),
        Happening::CallPosted { worker, .. } => format!("sent to {worker}"),
        Happening::CallProgress {
            percent, message, ..
        } => {
            let percent = percent.map_or_else(String::new, |percent| format!("{percent} %"));
            let message = message.as_deref().map(plain::line).unwrap_or_default();
            format!("{percent} {message}").trim().to_owned()
        }
        Happening::CallReturned { why, delay_ms, .. } if *delay_ms > 0.0 => {
            format!("came back ({why}), waits {delay_ms:.0} ms")
        }
        Happening::CallReturned { why, .. } => format!("came back ({why})"),
        Happening::CallSettled {
            outcome,
            executed,
            message,
            attempts,
            elapsed_ms,
            ..
        } => {
            let doubt = match (&**outcome, &**executed) {
                ("completed" | "tool_error", _) | (_, "no") => "",
                (_, "yes") => ", did run",
                (_, _) => ", may have run",
            };
            let tries = match attempts {
                0 | 1 => String::new(),
                attempts => format!(", {attempts} attempts"),
            };
            let message = message.as_deref().map(plain::line);
            let message = message.map_or_else(String::new, |text| format!(": {text}"));
            format!("{outcome}{doubt}, {elapsed_ms:.0} ms{tries}{message}")
        }
        Happening::CallLate { outcome, .. } => format!("{outcome}, after the report"),
        Happening::TurnReported {
            turn,
            stopped,
            gathered_ms,
            discarded,
        } => {
            let unread = if *discarded { ", unread" } else { "" };
            format!("turn {turn}: gathered ({stopped}{unread}) in {gathered_ms:.0} ms")
        }
        Happening::RunEnded { reason, message } => match message {
            Some(message) => format!("ended: {reason}: {}", plain::line(message)),
            None => format!("ended: {reason}"),
        },
        Happening::TurnOpened { .. }
        | Happening::CallOpened { .. }
        | Happening::CallRunning { .. }
        | Happening::CallGranted { .. } => return None,
    })
}
