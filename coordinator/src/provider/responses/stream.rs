//! Puts a streamed response together.
//!
//! Each item comes whole in `response.output_item.done`, so fragments are passed over. Items are worked on
//! side by side, and their numbers say in which order they stand.

use std::collections::{BTreeMap, BTreeSet};

use callboard_coordinator_core::run::Usage;
use callboard_proto::ToolUseId;
use serde_json::value::RawValue;

use super::item::{self, Kind};
use super::parse::{self, Ending};
use crate::model::{ModelAnswer, ToolUse};
use crate::provider::chat::read_error;
use crate::provider::fields::{Fields, is_object, list};
use crate::provider::sse::Event;
use crate::provider::{ApiError, StreamError};

/// Puts a streamed response together.
#[derive(Debug, Default)]
pub struct Assembler {
    /// By their numbers.
    items: BTreeMap<u64, Slot>,
    /// The number of the item that is looked at next for calls to give early.
    next: u64,
    given: Vec<ToolUse>,
    given_ids: BTreeSet<ToolUseId>,
    has_begun: bool,
    end: Option<End>,
    usage: Option<Usage>,
    /// Bytes of the items.
    kept_bytes: usize,
}

/// An item that has begun.
#[derive(Debug)]
struct Slot {
    own_id: Option<String>,
    /// Whether it is a call, or doesn't say yet what it is.
    may_be_call: bool,
    /// The whole item, once it is done.
    item: Option<Box<RawValue>>,
}

/// How the response ended.
#[derive(Debug)]
struct End {
    ending: Ending,
    /// The items as the last event repeats them.
    output: Vec<Box<RawValue>>,
}

impl Assembler {
    pub(in crate::provider) fn take(&mut self, event: &Event) -> Result<(), StreamError> {
        let data = event.data.trim();
        // Fragments say nothing that isn't said again, and are most of a stream: they aren't even read.
        if data.is_empty() || data == "[DONE]" || event.name.ends_with(".delta") {
            return Ok(());
        }
        let unreadable = |source| StreamError::Event {
            name: event.name.clone(),
            source,
        };
        let fields = match Fields::read(data) {
            Ok(fields) => fields,
            // What a gateway adds behind the end.
            Err(_) if self.end.is_some() => return Ok(()),
            Err(source) => return Err(unreadable(source)),
        };
        let kind = match fields.some_text("type") {
            Some(kind) => kind,
            None => event.name.clone(),
        };
        if self.end.is_some() {
            return if begins_or_ends(&kind) {
                Err(StreamError::Contradiction(format!(
                    "a {kind} came after the response had ended"
                )))
            } else {
                Ok(())
            };
        }
        match kind.as_str() {
            "response.created" if std::mem::replace(&mut self.has_begun, true) => {
                Err(StreamError::Contradiction(
                    "a second response.created came before the first response had ended".to_owned(),
                ))
            }
            "response.output_item.added" => self.begin(&fields).map_err(unreadable),
            "response.output_item.done" => self.end_item(&fields).map_err(unreadable)?,
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => self.end(&kind, &fields, &unreadable),
            "error" => Err(failed(read_error(data.as_bytes()))),
            // What a gateway says that has no names for its events.
            "" if fields.get("error").is_some() => Err(failed(read_error(data.as_bytes()))),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, fields: &Fields<'_>) -> Result<(), serde_json::Error> {
        let item = fields.object("item")?;
        let number = self.number(fields, &item)?;
        let slot = slot(&item);
        self.items.entry(number).or_insert(slot);
        Ok(())
    }

    /// Takes a whole item. The outer error is one of reading, the inner one of what was read.
    fn end_item(
        &mut self,
        fields: &Fields<'_>,
    ) -> Result<Result<(), StreamError>, serde_json::Error> {
        let raw = fields.value("item")?;
        let item = Fields::read(raw.get())?;
        let number = self.number(fields, &item)?;
        let slot = self.items.entry(number).or_insert_with(|| slot(&item));
        match &slot.item {
            Some(old) if old.get() != raw.get() => {
                return Ok(Err(StreamError::Contradiction(format!(
                    "output item {number} was done twice"
                ))));
            }
            Some(_) => {}
            None => {
                slot.may_be_call = item_type(&item).is_some_and(|kind| item::is_call(&kind));
                slot.item = Some(raw.to_owned());
                self.kept_bytes += raw.get().len();
            }
        }
        Ok(Ok(()))
    }

    /// An item's number. Servers that give none are taken at the item's own id, or else in the order in
    /// which they speak.
    fn number(&self, fields: &Fields<'_>, item: &Fields<'_>) -> Result<u64, serde_json::Error> {
        if let Some(number) = fields.get("output_index") {
            return serde_json::from_str(number.get());
        }
        let own_id = item.some_text("id");
        let known = self.items.iter().find(|(_, slot)| {
            slot.item.is_none() && slot.own_id.is_some() && slot.own_id == own_id
        });
        let after = || {
            let last = self.items.keys().next_back();
            last.map_or(0, |last| last.saturating_add(1))
        };
        Ok(known.map_or_else(after, |(number, _)| *number))
    }

    fn end(
        &mut self,
        kind: &str,
        fields: &Fields<'_>,
        unreadable: &dyn Fn(serde_json::Error) -> StreamError,
    ) -> Result<(), StreamError> {
        let response = fields.object("response").map_err(unreadable)?;
        let mut ending = Ending::read(&response).map_err(unreadable)?;
        self.usage = ending.usage;
        let named = kind.strip_prefix("response.").unwrap_or(kind);
        let status = ending.status.get_or_insert_with(|| named.to_owned());
        if status == parse::FAILED {
            return Err(failed(ending.why()));
        }
        let output = response.get("output").map(list).transpose();
        self.end = Some(End {
            ending,
            output: output
                .map_err(unreadable)?
                .unwrap_or_default()
                .into_iter()
                .map(ToOwned::to_owned)
                .collect(),
        });
        Ok(())
    }

    /// A call whose item is done and finished, once all that come before it were given.
    pub(in crate::provider) fn poll_sealed(&mut self) -> Option<ToolUse> {
        if self.end.is_some() {
            return None;
        }
        loop {
            let slot = self.items.get(&self.next)?;
            if slot.may_be_call {
                let call = sealed(slot.item.as_deref()?, &self.given_ids)?;
                self.given_ids.insert(call.id.clone());
                self.given.push(call.clone());
                self.next += 1;
                return Some(call);
            }
            self.next += 1;
        }
    }

    pub(in crate::provider) fn is_whole(&self) -> bool {
        self.end.is_some()
    }

    pub(in crate::provider) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    pub(in crate::provider) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    pub(in crate::provider) fn finish(self) -> Result<ModelAnswer, StreamError> {
        let End { ending, output } = self.end.ok_or(StreamError::Cut)?;
        let done: Vec<&RawValue> = self
            .items
            .values()
            .filter_map(|slot| slot.item.as_deref())
            .collect();
        // Some servers repeat nothing at the end, others have said nothing before it.
        let items = if output.len() > done.len() {
            output.iter().map(AsRef::as_ref).collect()
        } else {
            done
        };
        let answer = parse::answer(&items, ending)?;
        let is_as_given = answer.calls.len() >= self.given.len()
            && std::iter::zip(&answer.calls, &self.given).all(|(call, given)| {
                call.id == given.id && call.name == given.name && call.arguments == given.arguments
            });
        if !is_as_given {
            return Err(StreamError::Contradiction(
                "the last event repeats other calls than the stream held".to_owned(),
            ));
        }
        Ok(answer)
    }
}

/// Whether an event begins or ends a response, or an item of one.
fn begins_or_ends(kind: &str) -> bool {
    matches!(
        kind,
        "response.created"
            | "response.output_item.added"
            | "response.output_item.done"
            | "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
    )
}

fn item_type(item: &Fields<'_>) -> Option<String> {
    item.some_text("type")
}

fn slot(item: &Fields<'_>) -> Slot {
    Slot {
        own_id: item.some_text("id"),
        may_be_call: item_type(item).is_none_or(|kind| item::is_call(&kind)),
        item: None,
    }
}

/// The call, if it may be run before the response is whole.
fn sealed(raw: &RawValue, given: &BTreeSet<ToolUseId>) -> Option<ToolUse> {
    let item = item::read(raw, 0).ok()?;
    let Kind::Call(call) = item.kind else {
        return None;
    };
    let arguments = std::str::from_utf8(&call.arguments).ok()?;
    let is_new = !given.contains(&call.id);
    (item.is_finished && is_object(arguments) && is_new).then_some(call)
}

fn failed(error: ApiError) -> StreamError {
    StreamError::Provider(Box::new(error))
}
