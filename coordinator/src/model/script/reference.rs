//! `{{id/pointer|default}}`: values from earlier results, so that a dependent chain really depends.

use std::collections::BTreeSet;

use callboard_coordinator_core::CallReport;
use callboard_proto::{Outcome, Part, ToolUseId};
use serde_json::Value;

use crate::model::Conversation;

/// A date in TOML arrives as a map with this key; JSON has no dates.
const TOML_DATE: &str = "$__toml_private_datetime";

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// No earlier call has the id.
    #[error("no earlier call that was answered has the id {id:?}")]
    UnknownCall {
        /// The id.
        id: String,
    },
    /// The call failed.
    #[error(
        "the call {id:?} failed ({why}), so it holds no value; give the reference a default: {{{{{id}/…|default}}}}"
    )]
    FailedCall {
        /// The id.
        id: String,
        /// How it failed.
        why: String,
    },
    /// The result holds no such value.
    #[error("the result of {id:?} holds nothing at {pointer:?}; it is {found}")]
    NoValue {
        /// The id.
        id: String,
        /// The JSON pointer.
        pointer: String,
        /// The beginning of the result.
        found: String,
    },
    /// A reference isn't well written.
    #[error("{0}")]
    Syntax(String),
}

/// One reference.
#[derive(Debug, PartialEq, Eq)]
struct Reference<'a> {
    id: &'a str,
    pointer: &'a str,
    default: Option<&'a str>,
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Reference(Reference<'a>),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, after) = rest.split_at(start);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let Some(end) = after.find("}}") else {
            return Err(format!(
                "the reference {after:?} has no end; close it with }}}}"
            ));
        };
        pieces.push(Piece::Reference(parse(&after[2..end])?));
        rest = &after[end + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

fn parse(inner: &str) -> Result<Reference<'_>, String> {
    let (path, default) = match inner.split_once('|') {
        Some((path, default)) => (path, Some(default)),
        None => (inner, None),
    };
    let path = path.trim();
    let at = path.find('/').unwrap_or(path.len());
    let (id, pointer) = path.split_at(at);
    if id.is_empty() {
        return Err(format!(
            "the reference {{{{{inner}}}}} names no call; write {{{{id/json/pointer}}}}"
        ));
    }
    Ok(Reference {
        id,
        pointer,
        default,
    })
}

/// Checks the references of a text against the ids that earlier turns make.
pub(super) fn check_text(text: &str, earlier: &BTreeSet<ToolUseId>) -> Result<(), String> {
    for piece in pieces(text)? {
        match piece {
            Piece::Text(_) => {}
            Piece::Reference(reference) => {
                if !earlier.iter().any(|id| id.as_str() == reference.id) {
                    let known: Vec<&str> = earlier.iter().map(ToolUseId::as_str).collect();
                    return Err(format!(
                        "no earlier turn makes a call with the id {:?} that {{{{{}{}}}}} refers to; earlier ids are: {}",
                        reference.id,
                        reference.id,
                        reference.pointer,
                        if known.is_empty() {
                            "none".to_owned()
                        } else {
                            known.join(", ")
                        }
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Checks the references of a value against the ids that earlier turns make.
pub(super) fn check(value: &Value, earlier: &BTreeSet<ToolUseId>) -> Result<(), String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => check_text(text, earlier),
        Value::Array(items) => items.iter().try_for_each(|item| check(item, earlier)),
        Value::Object(members) if members.contains_key(TOML_DATE) => {
            Err("JSON has no dates; write the date as a string, in quotes".to_owned())
        }
        Value::Object(members) => members.values().try_for_each(|item| check(item, earlier)),
    }
}

/// Puts values in the place of the references of a text.
pub(super) fn fill_text(text: &str, conversation: &Conversation) -> Result<String, ReferenceError> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text).map_err(ReferenceError::Syntax)? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Reference(reference) => match look_up(&reference, conversation)? {
                Value::String(text) => filled.push_str(&text),
                value @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_)) => filled.push_str(&value.to_string()),
            },
        }
    }
    Ok(filled)
}

/// Puts values in the place of the references of a value.
pub(super) fn fill(value: Value, conversation: &Conversation) -> Result<Value, ReferenceError> {
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
        Value::String(text) => {
            let pieces = pieces(&text).map_err(ReferenceError::Syntax)?;
            if let [Piece::Reference(reference)] = pieces.as_slice() {
                look_up(reference, conversation)?
            } else {
                Value::String(fill_text(&text, conversation)?)
            }
        }
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| fill(item, conversation))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, item)| Ok((key, fill(item, conversation)?)))
                .collect::<Result<_, ReferenceError>>()?,
        ),
    })
}

fn look_up(
    reference: &Reference<'_>,
    conversation: &Conversation,
) -> Result<Value, ReferenceError> {
    match (find(reference, conversation), reference.default) {
        (Err(_), Some(default)) => Ok(Value::String(default.to_owned())),
        (found, _) => found,
    }
}

fn find(reference: &Reference<'_>, conversation: &Conversation) -> Result<Value, ReferenceError> {
    let id = || reference.id.to_owned();
    let call = conversation
        .exchanges
        .iter()
        .rev()
        .filter_map(|exchange| exchange.report.as_ref())
        .flat_map(|report| &report.calls)
        .find(|call| call.id.as_str() == reference.id)
        .ok_or_else(|| ReferenceError::UnknownCall { id: id() })?;
    let value = value_of(call)?;
    value
        .pointer(reference.pointer)
        .cloned()
        .ok_or_else(|| ReferenceError::NoValue {
            id: id(),
            pointer: reference.pointer.to_owned(),
            found: value.to_string().chars().take(200).collect(),
        })
}

/// The value of a result: its JSON part, or its text, read as JSON where it is that.
fn value_of(call: &CallReport) -> Result<Value, ReferenceError> {
    let completed = match &call.outcome {
        Outcome::Completed(completed) if !completed.is_error => completed,
        Outcome::Completed(_) => {
            return Err(ReferenceError::FailedCall {
                id: call.id.to_string(),
                why: "the tool reported an error".to_owned(),
            });
        }
        Outcome::Failed(failure) => {
            return Err(ReferenceError::FailedCall {
                id: call.id.to_string(),
                why: failure.kind.to_string(),
            });
        }
    };
    let json = completed.content.iter().find_map(|part| match part {
        Part::Json(json) => Some(json),
        Part::Text(_)
        | Part::Image { .. }
        | Part::Document { .. }
        | Part::Resource { .. }
        | Part::Unknown { .. } => None,
    });
    let text = match json {
        Some(json) => json.clone(),
        None => completed
            .content
            .iter()
            .map(crate::provider::text::part)
            .collect::<Vec<_>>()
            .join("\n"),
    };
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
