//! Happenings as plain lines, for where there is no terminal.

use std::time::Duration;

use callboard_coordinator::core::EventKind;
use callboard_proto::Executed;

use super::timeline::{Happening, Stamped, word};

/// A happening as a line; nothing for what only a picture shows.
pub(super) fn line(stamped: &Stamped, name_width: usize) -> Option<String> {
    let (name, text) = match &stamped.what {
        Happening::Cut { worker, call } => (*call, format!("the line of {worker} is cut")),
        Happening::Call(event) => (event.call.id.as_str(), describe(&event.kind)?),
    };
    Some(format!(
        "{:>8} ms  {name:<name_width$}  {text}",
        ms(stamped.at)
    ))
}

fn ms(at: Duration) -> String {
    format!("{:.1}", at.as_secs_f64() * 1000.0)
}

fn describe(kind: &EventKind) -> Option<String> {
    Some(match kind {
        EventKind::Opened { tool } => match tool {
            Some(tool) => format!("asked for: {tool}"),
            None => "asked for".to_owned(),
        },
        EventKind::Posted {
            attempt, worker, ..
        } => match attempt.0 {
            1 => format!("posted to {worker}"),
            again => format!("posted to {worker}, attempt {again}"),
        },
        EventKind::Running { .. } => "runs".to_owned(),
        EventKind::Granted { .. } => "granted: may run, once".to_owned(),
        EventKind::Progress {
            percent, message, ..
        } => {
            let percent = percent.map(|percent| format!("{percent} %"));
            let parts: Vec<String> = percent.into_iter().chain(message.clone()).collect();
            parts.join(", ")
        }
        EventKind::Returned { why, .. } => {
            format!("comes back ({}), waits again", why.replace('_', " "))
        }
        EventKind::Settled {
            kind,
            is_error,
            executed,
            worker,
            elapsed,
            ..
        } => {
            let mut text = format!(
                "{} after {:.0} ms",
                word(*kind, *is_error),
                elapsed.as_secs_f64() * 1000.0
            );
            if let Some(worker) = worker {
                text.push_str(&format!(", {worker}"));
            }
            match executed {
                Executed::Yes => {}
                Executed::No => text.push_str(", never ran"),
                Executed::Unknown => text.push_str(", may have run"),
            }
            text
        }
        EventKind::LateResult { .. } => return None,
    })
}
