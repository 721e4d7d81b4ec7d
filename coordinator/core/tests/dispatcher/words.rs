//! Effects as lines of text, and texts as what workers say.

use callboard_coordinator_core::{CallReport, Effect, EventKind, Report};
use callboard_proto::message::{AckItem, AckState, ResultItem};
use callboard_proto::{
    Attempt, AttemptKey, CallKey, Completed, Digest, Epoch, Executed, Failure, FailureKind,
    InstanceId, Label, Manifest, Outcome, Part, RunId, ToolUseId, Turn, TurnKey,
};
use std::time::Duration;
use uuid::Uuid;

/// Turn 12 is turn 2 of run 1.
pub(crate) fn turn_key(number: u32) -> TurnKey {
    TurnKey {
        run: RunId::new(Uuid::from_u128(u128::from(number / 10))),
        turn: Turn(number % 10),
    }
}

fn turn_number(key: TurnKey) -> u128 {
    key.run.uuid().as_u128() * 10 + u128::from(key.turn.0)
}

/// Worker `a` is the instance 0xa.
pub(crate) fn instance(name: &str) -> InstanceId {
    InstanceId::new(Uuid::from_u128(u128::from_str_radix(name, 36).unwrap()))
}

pub(crate) fn instance_name(instance: InstanceId) -> String {
    let mut rest = instance.uuid().as_u128();
    let mut digits = Vec::new();
    while rest > 0 {
        let digit = u32::try_from(rest % 36).unwrap();
        digits.push(char::from_digit(digit, 36).unwrap());
        rest /= 36;
    }
    digits.into_iter().rev().collect()
}

/// The digest of a tool of this name.
pub(crate) fn digest(tool: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes[..tool.len()].copy_from_slice(tool.as_bytes());
    Digest::new(bytes)
}

/// What a tool of this name declares.
pub(crate) fn manifest(tool: &str) -> Manifest {
    use callboard_proto::{Affinity, Effect, Retry};
    let read = Manifest::new(Effect::Read);
    match tool {
        "write" => Manifest::new(Effect::Write),
        "idempotent" => Manifest::new(Effect::Idempotent),
        "once" => Manifest {
            retry: Retry { attempts: 1 },
            ..read
        },
        "brief" => Manifest {
            deadline_ms: Some(500),
            ..read
        },
        "slices" => Manifest {
            attempt_timeout_ms: Some(300),
            ..read
        },
        "session" => Manifest {
            affinity: Affinity::Run,
            ..read
        },
        "gpu" => Manifest {
            require: vec![Label::new("gpu=1").unwrap()],
            ..read
        },
        "near" => Manifest {
            prefer: vec![Label::new("zone=here").unwrap()],
            ..read
        },
        _ => read,
    }
}

/// Reads `c1#2` (of turn 11) or `12/c1#2`.
pub(crate) fn attempt_key(text: &str) -> AttemptKey {
    let (turn, rest) = text.split_once('/').unwrap_or(("11", text));
    let (id, attempt) = rest.split_once('#').unwrap();
    let key = turn_key(turn.parse().unwrap());
    AttemptKey {
        run: key.run,
        turn: key.turn,
        id: ToolUseId::new(id).unwrap(),
        attempt: Attempt(attempt.parse().unwrap()),
        epoch: Epoch(0),
    }
}

pub(crate) fn call_key(text: &str) -> CallKey {
    attempt_key(&format!("{text}#0")).call()
}

/// Reads `c1#1 running`.
pub(crate) fn ack_item(text: &str) -> AckItem {
    let (of, word) = text.split_once(' ').unwrap();
    let (word, tool_full) = match word {
        "tool_full" => ("busy", true),
        word => (word, false),
    };
    let state = AckState::from_word(word);
    assert_eq!(state.as_str(), word, "no such state");
    AckItem {
        of: attempt_key(of),
        state,
        grant: None,
        tool_full,
    }
}

/// Reads `c1#1 ok`, `c1#1 error` (the tool's own), `c1#1 crashed/yes` or `c1#1 overloaded/no/2000`
/// (try again after 2 s).
pub(crate) fn result_item(text: &str) -> ResultItem {
    let (of, word) = text.split_once(' ').unwrap();
    let outcome = match word {
        "ok" => Outcome::text(of),
        "error" => Outcome::Completed(Completed {
            content: vec![Part::Text(of.into())],
            is_error: true,
        }),
        failed => {
            let mut words = failed.split('/');
            let kind = words.next().unwrap();
            let executed = words.next().unwrap();
            Outcome::Failed(Failure {
                kind: FailureKind::ALL
                    .iter()
                    .copied()
                    .find(|other| other.as_str() == kind)
                    .unwrap(),
                message: format!("{of} failed"),
                executed: Executed::from_word(executed),
                retry_after: words
                    .next()
                    .map(|after| Duration::from_millis(after.parse().unwrap())),
            })
        }
    };
    ResultItem {
        of: attempt_key(of),
        outcome,
        queued: Duration::from_millis(1),
        executed: Duration::from_millis(2),
    }
}

fn of(key: &AttemptKey) -> String {
    format!("{}#{}", call(&key.call()), key.attempt.0)
}

fn call(key: &CallKey) -> String {
    match turn_number(key.turn_key()) {
        11 => key.id.to_string(),
        number => format!("{number}/{}", key.id),
    }
}

fn list<'a>(keys: impl Iterator<Item = &'a AttemptKey>) -> String {
    keys.map(of).collect::<Vec<_>>().join(" ")
}

/// `c1=ok #1 @a`, `c2=timed_out/unknown #0`.
fn report_line(report: &CallReport) -> String {
    let outcome = match &report.outcome {
        Outcome::Completed(completed) if completed.is_error => "error".to_owned(),
        Outcome::Completed(_) => "ok".to_owned(),
        Outcome::Failed(failure) => format!("{}/{}", failure.kind, failure.executed),
    };
    let worker = report
        .worker
        .as_ref()
        .map_or(String::new(), |worker| format!(" @{worker}"));
    format!("{}={outcome} #{}{worker}", report.id, report.attempts)
}

fn report(report: &Report) -> String {
    let calls: Vec<String> = report.calls.iter().map(report_line).collect();
    let number = match turn_number(report.turn) {
        11 => String::new(),
        number => format!(" {number}"),
    };
    let stopped = report.stopped.as_str();
    format!("report{number} {stopped}: {}", calls.join(", "))
}

/// An effect in one line.
pub(crate) fn line(effect: &Effect) -> String {
    let at = |to: &callboard_coordinator_core::Address| instance_name(to.instance);
    match effect {
        Effect::Call { to, items, .. } => {
            format!(
                "call {}: {}",
                at(to),
                list(items.iter().map(|item| &item.of))
            )
        }
        Effect::Grant { to, items, .. } => {
            format!(
                "grant {}: {}",
                at(to),
                list(items.iter().map(|item| &item.of))
            )
        }
        Effect::Cancel { to, items, .. } => {
            format!(
                "cancel {}: {}",
                at(to),
                list(items.iter().map(|item| &item.of))
            )
        }
        Effect::Status { to, items, .. } => {
            format!(
                "status {}: {}",
                at(to),
                list(items.iter().map(|item| &item.of))
            )
        }
        Effect::Echo { seq } => format!("echo {seq}"),
        Effect::Describe { to } => format!("describe {}", at(to)),
        Effect::Report(it) => report(it),
        Effect::Event(event) => {
            format!("event {}: {}", call(&event.call), event_words(&event.kind))
        }
    }
}

fn event_words(kind: &EventKind) -> String {
    match kind {
        EventKind::Opened { tool } => match tool {
            Some(tool) => format!("opened {tool}"),
            None => "opened".to_owned(),
        },
        EventKind::Posted {
            attempt, worker, ..
        } => format!("posted #{} @{worker}", attempt.0),
        EventKind::Running { attempt } => format!("running #{}", attempt.0),
        EventKind::Granted { attempt } => format!("granted #{}", attempt.0),
        EventKind::Progress {
            attempt,
            percent,
            message,
        } => format!("progress #{} {percent:?} {message:?}", attempt.0),
        EventKind::Returned { attempt, why, .. } => format!("returned #{} {why}", attempt.0),
        EventKind::Settled { kind, executed, .. } => match kind {
            Some(kind) => format!("settled {kind}/{executed}"),
            None => "settled ok".to_owned(),
        },
        EventKind::LateResult { attempt, kind } => match kind {
            Some(kind) => format!("late #{} {kind}", attempt.0),
            None => format!("late #{} ok", attempt.0),
        },
    }
}
