//! What a recording must hold.

use std::collections::BTreeSet;

use callboard_proto::message::{AckState, RefusalCode};
use callboard_proto::{Kind, Outcome, Part};

use super::{Body, Direction, Message};

/// The direction in which a kind goes.
fn direction(kind: Kind) -> Direction {
    match kind {
        Kind::Call | Kind::Grant | Kind::Cancel | Kind::Status | Kind::Describe | Kind::Drain => {
            Direction::ToWorker
        }
        Kind::Ack
        | Kind::Result
        | Kind::Progress
        | Kind::Free
        | Kind::Refusal
        | Kind::Tools
        | Kind::Beat
        | Kind::Announce => Direction::FromWorker,
    }
}

/// Names what of this version's wire a recording lacks: kinds in their direction, states, refusals, forms of a result.
#[must_use]
pub fn lacks(messages: &[Message]) -> Vec<String> {
    let said: BTreeSet<String> = messages.iter().flat_map(said).collect();
    wanted().filter(|wanted| !said.contains(wanted)).collect()
}

fn wanted() -> impl Iterator<Item = String> {
    let kinds = Kind::ALL.iter().map(|kind| went(*kind, direction(*kind)));
    // `unknown` is never said.
    let states = AckState::ALL
        .iter()
        .filter(|state| **state != AckState::Unknown);
    let states = states.map(|state| format!("state {state}"));
    let codes = RefusalCode::ALL.iter().map(|code| format!("code {code}"));
    let forms = [
        "who is there?",
        "a batch of calls",
        "a single call",
        "a call of a foreign client",
        "a bad item",
        "completed",
        "is_error",
        "failed",
        "retry_after",
        "part text",
        "part json",
        "part image",
        "part document",
        "part resource",
        "draining",
        "granted",
        "epoch",
    ];
    let forms = forms.map(str::to_owned);
    kinds.chain(states).chain(codes).chain(forms)
}

fn went(kind: Kind, direction: Direction) -> String {
    format!("kind {kind} {direction:?}")
}

fn said(message: &Message) -> Vec<String> {
    let Some(kind) = message.kind() else {
        let is_question = message.headers.is_empty();
        return Vec::from_iter(is_question.then(|| "who is there?".to_owned()));
    };
    let mut said = vec![went(kind, message.direction)];
    let mut say = |word: &str| said.push(word.to_owned());
    match message.decoded() {
        Some(Body::Call(batch)) => {
            say(match (batch.head.instance, batch.items.len()) {
                (None, _) => "a call of a foreign client",
                (Some(_), 1) => "a single call",
                (Some(_), _) => "a batch of calls",
            });
            if batch.items.iter().flatten().any(|item| item.of.epoch.0 > 0) {
                say("epoch");
            }
        }
        Some(Body::Ack(batch)) => {
            for item in batch.items.iter().flatten() {
                say(&format!("state {}", item.state));
                if item.grant.is_some() {
                    say("granted");
                }
            }
            if !batch.head.bad.is_empty() {
                say("a bad item");
            }
        }
        Some(Body::Result(batch)) => {
            for item in batch.items.iter().flatten() {
                outcome(&item.outcome, &mut say);
            }
        }
        Some(Body::Refusal(refusal)) => say(&format!("code {}", refusal.code)),
        Some(Body::Beat(beat)) if beat.draining => say("draining"),
        Some(
            Body::Beat(_)
            | Body::Grant(_)
            | Body::Cancel(_)
            | Body::Status(_)
            | Body::Describe(_)
            | Body::Drain(_)
            | Body::Progress(_)
            | Body::Free(_)
            | Body::Tools(_)
            | Body::Announce(_),
        )
        | None => {}
    }
    said
}

fn outcome(outcome: &Outcome, say: &mut impl FnMut(&str)) {
    match outcome {
        Outcome::Completed(completed) => {
            say("completed");
            if completed.is_error {
                say("is_error");
            }
            for part in &completed.content {
                say(match part {
                    Part::Text(_) => "part text",
                    Part::Json(_) => "part json",
                    Part::Image { .. } => "part image",
                    Part::Document { .. } => "part document",
                    Part::Resource { .. } => "part resource",
                    Part::Unknown { .. } => "part unknown",
                });
            }
        }
        Outcome::Failed(failure) => {
            say("failed");
            if failure.retry_after.is_some() {
                say("retry_after");
            }
        }
    }
}
