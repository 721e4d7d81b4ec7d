//! The conversation as it is sent: contents, the user's and the model's in turn.

use std::collections::BTreeSet;

use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::naming::NAMING;
use super::render::render;
use crate::model::Conversation;
use crate::provider::fields::{Fields, list};

/// All that was said: the task, then each response as it came and the content with its results. A response that was
/// paused is one content with what came after; while it is still paused, it isn't part of what is sent.
pub(super) fn contents(conversation: &Conversation) -> Vec<Box<RawValue>> {
    let mut contents = conversation.task.messages(user);
    let mut taken = BTreeSet::new();
    let mut paused: Vec<Box<RawValue>> = Vec::new();
    for exchange in &conversation.exchanges {
        if exchange.answer.resume.is_some() {
            paused.extend(exchange.answer.echo.iter().cloned());
            continue;
        }
        let replaced = NAMING.unique_among(&mut taken, exchange);
        let (echo, calls) = match replaced {
            Some((echo, calls)) => (vec![echo], calls),
            None => (exchange.answer.echo.clone(), exchange.answer.calls.clone()),
        };
        paused.extend(echo);
        contents.extend(joined(std::mem::take(&mut paused)));
        if let Some(report) = &exchange.report {
            contents.extend(render(&calls, report));
        }
    }
    contents
}

fn user(text: &str) -> Box<RawValue> {
    to_raw_value(&json!({"role": "user", "parts": [{"text": text}]}))
        .expect("all keys are strings and memory can't fail")
}

/// Contents of the model as one, with all their parts in order; a single one as it is.
fn joined(mut contents: Vec<Box<RawValue>>) -> Option<Box<RawValue>> {
    if contents.len() <= 1 {
        return contents.pop();
    }
    let parts: Vec<&str> = contents
        .iter()
        .filter_map(|content| {
            let parts = Fields::read(content.get()).ok()?.get("parts")?;
            list(parts).ok()
        })
        .flatten()
        .map(RawValue::get)
        .collect();
    Some(model(&parts))
}

/// The model's content of these parts, in order; none is merged or moved, for signatures stand where they
/// were given.
pub(super) fn model(parts: &[&str]) -> Box<RawValue> {
    let content = format!("{{\"role\":\"model\",\"parts\":[{}]}}", parts.join(","));
    RawValue::from_string(content).expect("JSON around JSON is JSON")
}
